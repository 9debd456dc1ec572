import type { Rejection } from '../domain/commands.ts';
import { OrchestratorError } from '../ports/errors.ts';

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 416 | 421 | 422 | 429 | 500 | 503;

/** A refusal on its way to the client: what is so, and what to do about it. Never with a path or a secret in it. */
export class Problem extends Error {
  readonly status: ProblemStatus;
  /** A word for programs. */
  readonly code: string;
  readonly remedy: string | undefined;

  constructor(status: ProblemStatus, code: string, message: string, remedy?: string) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

const titles: Readonly<Record<ProblemStatus, string>> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Not now',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'Range not satisfiable',
  421: 'Wrong host',
  422: 'Not valid',
  429: 'Too many requests',
  500: 'Defect',
  503: 'Unavailable',
};

/** The body of a problem answer (RFC 9457). */
export function problemBody({ status, code, message, remedy }: Problem) {
  return {
    type: 'about:blank',
    title: titles[status],
    status,
    code,
    detail: message,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** The answer to what is asked too often. */
export function tooMany(): Problem {
  return new Problem(
    429,
    'too-many',
    'Too many requests within a minute.',
    'Wait as long as Retry-After says; event streams tell what changes without asking.',
  );
}

/** Why a command was refused, as an answer. */
export function problemOfRejection({ code, message }: Rejection): Problem {
  switch (code) {
    case 'unknown-task':
      return new Problem(404, code, message);
    case 'final':
    case 'not-now':
      return new Problem(409, code, message);
    case 'bad-input':
      return new Problem(422, code, message);
    case 'stale':
      return new Problem(503, 'closing', 'The orchestrator is closing.', 'Try again when it is back.');
  }
}

/** In quotation marks, as the system's errors name them, a path may hold spaces. */
const quotedPath = /(["'`])(?:[A-Za-z]:\\|\/)[^"'`\n]*[/\\][^"'`\n]*\1/g;

/** An absolute path in a sentence: at least two parts, or a drive. */
const absolutePath =
  /(?<![\w:/.])(?:[A-Za-z]:\\|\/)[^\s'"`<>()[\]{},;:]+[/\\][^\s'"`<>()[\]{},;:]*[^\s'"`<>()[\]{},;:.]/g;

/** Any thrown thing as a problem. Null for a defect: its words are for the log alone. */
export function problemOf(error: unknown, hidden: readonly string[]): Problem | null {
  if (error instanceof Problem) return error;
  if (!OrchestratorError.is(error) || error.code === 'internal') return null;
  const clean = (text: string): string => {
    const without = hidden.reduce((rest, part) => (part === '' ? rest : rest.replaceAll(part, '…')), text);
    return without.replaceAll(quotedPath, '$1…$1').replaceAll(absolutePath, '…');
  };
  const remedy = error.remedy === undefined ? undefined : clean(error.remedy);
  const message = clean(error.message);
  switch (error.code) {
    case 'bad-input':
      return new Problem(422, 'bad-input', message, remedy);
    case 'merge-conflict':
      return new Problem(409, 'merge-failed', message, remedy);
    default:
      return new Problem(503, error.code, message, remedy);
  }
}
