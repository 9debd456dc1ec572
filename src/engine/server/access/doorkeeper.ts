import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from '../problem.ts';
import type { Access } from './access.ts';
import type { Tickets } from './tickets.ts';

/** What a request says of itself. */
export interface Knock {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** From the query; null where tickets do not count. */
  readonly ticket: string | null;
}

export interface Admission {
  readonly access: Access;
  /** The ticket it came in with; null with the token. */
  readonly ticket: string | null;
}

export interface DoorkeeperOptions {
  readonly token: string;
  readonly access: Access;
  /** Origins of pages from elsewhere on this machine. */
  readonly allowedOrigins: readonly string[];
  readonly tickets: Tickets;
}

/** Decides who comes in. Throws the problem to answer with. */
export class Doorkeeper {
  private readonly options: DoorkeeperOptions;
  private readonly tokenDigest: Buffer;
  private hosts: readonly string[] = [];

  constructor(options: DoorkeeperOptions) {
    this.options = options;
    this.tokenDigest = digest(options.token);
  }

  /** The port is known once the server listens. */
  listensOn(port: number): void {
    this.hosts = ['127.0.0.1', 'localhost'].map((name) => `${name}:${port}`);
  }

  /** Whether a page of this origin may read answers. */
  isAllowedOrigin(origin: string): boolean {
    return (
      this.options.allowedOrigins.includes(origin) || this.hosts.some((host) => origin === `http://${host}`)
    );
  }

  /** A name that was bent to point here (DNS rebinding) is still in `Host`; a page from elsewhere is told by `Origin`. */
  checkPlace({ host, origin }: Pick<Knock, 'host' | 'origin'>): void {
    if (host === undefined || !this.hosts.includes(host.toLowerCase()))
      throw new Problem(
        421,
        'wrong-host',
        'This server answers on 127.0.0.1 and localhost, with its port, only.',
      );
    if (origin !== undefined && !this.isAllowedOrigin(origin))
      throw new Problem(
        403,
        'foreign-origin',
        'Pages of this origin have no access.',
        'Start the server with --allow-origin for a page on this machine that should.',
      );
  }

  admit(knock: Knock): Admission {
    this.checkPlace(knock);
    const { access, tickets } = this.options;
    const bearer = /^Bearer +(\S+)$/i.exec(knock.authorization ?? '')?.[1];
    if (bearer !== undefined) {
      // Digests are of one length, and comparing them takes the same time wherever they differ.
      if (timingSafeEqual(digest(bearer), this.tokenDigest)) return { access, ticket: null };
    } else if (knock.ticket !== null) {
      const allowed = tickets.accessOf(knock.ticket);
      if (allowed !== null) return { access: allowed, ticket: knock.ticket };
    }
    throw new Problem(
      401,
      'unauthorized',
      'The token or ticket is missing or not right.',
      'Send the token that the server printed as `Authorization: Bearer TOKEN`; for an EventSource or a WebSocket, a ticket of POST /api/tickets as ?ticket=.',
    );
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** The origin in its one spelling; null for what is no origin of this machine. */
export function loopbackOrigin(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  return isLoopback && ['http:', 'https:'].includes(url.protocol) && text.replace(/\/$/, '') === url.origin
    ? url.origin
    : null;
}
