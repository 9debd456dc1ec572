import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { OrchestratorError } from '../ports/errors.ts';
import { readIfPresent } from '../process/runDirectory.ts';

/** How to connect to the Docker engine of this machine. */
export type DockerEndpoint = { readonly address: string } & (
  | { readonly type: 'socket'; readonly socketPath: string }
  | {
      readonly type: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls: ClientCertificate | null;
    }
);

export interface ClientCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

interface Surroundings {
  /** What the settings say; null = nothing. */
  readonly address?: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

const configSchema = v.object({ currentContext: v.optional(v.string()) });
const contextSchema = v.object({
  Endpoints: v.object({ docker: v.object({ Host: v.optional(v.string()) }) }),
});

/** The endpoint of the settings, else the one the `docker` command would use: DOCKER_HOST, DOCKER_CONTEXT, the current context, the default socket. */
export async function resolveDockerEndpoint(surroundings: Surroundings): Promise<DockerEndpoint> {
  const { address = null, env, home, platform } = surroundings;
  const configDir = env.DOCKER_CONFIG || join(home, '.docker');
  const verify = env.DOCKER_TLS_VERIFY ? env.DOCKER_CERT_PATH || configDir : null;
  if (address !== null) return endpointOf(address, 'The Docker endpoint of the settings', verify);
  if (env.DOCKER_HOST) return endpointOf(env.DOCKER_HOST, 'DOCKER_HOST', verify);
  const context = env.DOCKER_CONTEXT || (await currentContext(configDir));
  if (context !== null && context !== 'default') return contextEndpoint(configDir, context);
  return socketEndpoint(await defaultSocket(home, platform));
}

async function currentContext(configDir: string): Promise<string | null> {
  const path = join(configDir, 'config.json');
  const text = await readIfPresent(path);
  return text === null ? null : (parsed(configSchema, text, path).currentContext ?? null);
}

async function contextEndpoint(configDir: string, name: string): Promise<DockerEndpoint> {
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(configDir, 'contexts', 'meta', id, 'meta.json');
  const text = await readIfPresent(path);
  const host = text === null ? undefined : parsed(contextSchema, text, path).Endpoints.docker.Host;
  if (host === undefined) {
    throw new OrchestratorError(
      'environment',
      `The Docker context "${name}" does not exist or names no engine.`,
      {
        remedy: 'Choose another with "docker context use", or unset DOCKER_CONTEXT.',
      },
    );
  }
  const certificates = join(configDir, 'contexts', 'tls', id, 'docker');
  return endpointOf(host, `Docker context "${name}"`, (await exists(certificates)) ? certificates : null);
}

async function endpointOf(
  address: string,
  origin: string,
  certificates: string | null,
): Promise<DockerEndpoint> {
  const scheme = /^(unix|npipe|tcp|https?|ssh):\/\/(.*)$/s.exec(
    address.includes('://') ? address : `tcp://${address}`,
  );
  const rest = scheme?.[2] ?? '';
  switch (scheme?.[1]) {
    case 'unix':
      return socketEndpoint(rest || '/var/run/docker.sock');
    case 'npipe':
      return socketEndpoint(rest || '//./pipe/docker_engine');
    case 'ssh':
      throw remote(address, origin);
    case undefined:
      throw new OrchestratorError(
        'environment',
        `${origin} is not an address of a Docker engine: ${address}`,
        {
          remedy: 'Use unix:///path/to/docker.sock or tcp://127.0.0.1:port.',
        },
      );
  }
  const url = new URL(`http://${rest}`);
  // Worktrees are bind-mounted and ports published on 127.0.0.1: on another machine neither would be ours.
  if (!['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) throw remote(address, origin);
  const tls = certificates === null ? null : await readCertificates(certificates);
  return {
    type: 'tcp',
    address,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (tls === null ? 2375 : 2376),
    tls,
  };
}

async function readCertificates(folder: string): Promise<ClientCertificate> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
}

function remote(address: string, origin: string): OrchestratorError {
  return new OrchestratorError(
    'environment',
    `${origin} names a Docker engine on another machine: ${address}`,
    {
      remedy:
        'Containers share folders with this machine, so use an engine that runs here, or process isolation.',
    },
  );
}

function socketEndpoint(socketPath: string): DockerEndpoint {
  return { type: 'socket', socketPath, address: socketPath };
}

/** Docker Desktop keeps its socket in the home folder; `/var/run/docker.sock` is an option there. */
async function defaultSocket(home: string, platform: NodeJS.Platform): Promise<string> {
  if (platform === 'win32') return '//./pipe/docker_engine';
  const desktop = join(home, '.docker', 'run', 'docker.sock');
  return platform === 'darwin' && (await exists(desktop)) ? desktop : '/var/run/docker.sock';
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function parsed<Output>(schema: v.GenericSchema<unknown, Output>, text: string, path: string): Output {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    throw new OrchestratorError('environment', `Docker's configuration file ${path} cannot be understood.`, {
      remedy: 'Mend or remove the file.',
      cause: error,
    });
  }
}
