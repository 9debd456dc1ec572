import { isIPv4 } from 'node:net';
import { homedir } from 'node:os';
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import Docker from 'dockerode';
import * as v from 'valibot';
import { OrchestratorError } from '../ports/errors.ts';
import { AttachedInput } from './attachedInput.ts';
import { EngineError } from './containerEngine.ts';
import type {
  CommandOutput,
  ContainerEngine,
  ContainerEvent,
  ContainerInput,
  ContainerSpec,
  ContainerSummary,
  EngineInfo,
} from './containerEngine.ts';
import { resolveDockerEndpoint } from './dockerEndpoint.ts';
import type { DockerEndpoint } from './dockerEndpoint.ts';
import { readFrames, readJsonLines } from './dockerStream.ts';

/** Every answer below but a build is a matter of milliseconds; a start on a cold laptop has taken some 15 s. */
const answerTimeoutMs = 60_000;
/** A removal kills, unmounts and deletes; another party may be doing it at the same time. */
const removalAttempts = 300;
const removalPauseMs = 100;
const maxOutputBytes = 1_000_000;

const eventSchema = v.object({
  Action: v.picklist(['die', 'destroy', 'oom']),
  Actor: v.object({ ID: v.string() }),
});
const buildLineSchema = v.object({ stream: v.optional(v.string()), error: v.optional(v.string()) });
const processesSchema = v.object({
  Processes: v.array(v.tuple([v.string(), v.pipe(v.string(), v.trim()), v.pipe(v.string(), v.trim())])),
});
const socketErrorSchema = v.object({ code: v.string() });
const replyErrorSchema = v.object({
  statusCode: v.number(),
  // Absent, null or raw bytes where the reply had no JSON.
  json: v.fallback(v.nullable(v.object({ message: v.string() })), null),
});

/** The Docker engine at the address, or (null) the one the `docker` command of this user would talk to. Connects at the first call, not here. */
export async function openDockerEngine(address: string | null = null): Promise<ContainerEngine> {
  return new DockerEngine(
    await resolveDockerEndpoint({
      address,
      env: process.env,
      home: homedir(),
      platform: process.platform,
    }),
  );
}

/** `abortSignal`: nobody waits for the answer any more. */
type Request<Answer> = (giveUp: { readonly abortSignal: AbortSignal }) => Promise<Answer>;

/** These take options too, which dockerode's types do not know. */
type TakesOptions = (options: object) => Promise<unknown>;

class DockerEngine implements ContainerEngine {
  readonly address: string;
  private readonly docker: Docker;

  constructor(endpoint: DockerEndpoint) {
    this.address = endpoint.address;
    this.docker = new Docker(connectionOf(endpoint));
  }

  async info(): Promise<EngineInfo> {
    const info: unknown = await this.ask((giveUp) =>
      (this.docker.info as TakesOptions).call(this.docker, giveUp),
    );
    const known = v.parse(
      v.object({
        ServerVersion: v.string(),
        Architecture: v.string(),
        NCPU: v.number(),
        MemTotal: v.number(),
        SecurityOptions: v.nullish(v.array(v.string()), []),
        LiveRestoreEnabled: v.optional(v.boolean(), false),
      }),
      info,
    );
    return {
      version: known.ServerVersion,
      architecture: known.Architecture,
      cpus: known.NCPU,
      memoryBytes: known.MemTotal,
      remapsUsers: (known.SecurityOptions ?? []).some((option) => /^name=(rootless|userns)/.test(option)),
      liveRestore: known.LiveRestoreEnabled,
    };
  }

  async bridgeAddress(): Promise<string | null> {
    const bridge = this.docker.getNetwork('bridge');
    const network: unknown = await this.ask((giveUp) =>
      (bridge.inspect as TakesOptions).call(bridge, giveUp),
    );
    const configSchema = v.object({ Subnet: v.optional(v.string()), Gateway: v.optional(v.string()) });
    const { IPAM } = v.parse(
      v.object({ IPAM: v.object({ Config: v.nullish(v.array(configSchema), []) }) }),
      network,
    );
    for (const { Subnet = '', Gateway = firstAddressOf(Subnet) } of IPAM.Config) {
      if (isIPv4(Gateway)) return Gateway;
    }
    return null;
  }

  async imageId(name: string): Promise<string | null> {
    const image = await this.orNull((giveUp) =>
      this.docker.getImage(name).inspect({ ...giveUp } as Docker.ImageInspectOptions),
    );
    return image?.Id ?? null;
  }

  async buildImage(folder: string, tag: string, onLine: (line: string) => void): Promise<void> {
    // No `pull`: the base image that is here is the one to use, and the only one where there is no registry.
    const options = { t: tag, rm: true, forcerm: true };
    const stream = await this.ask((giveUp) =>
      this.docker.buildImage({ context: folder, src: ['Dockerfile'] }, { ...options, ...giveUp }),
    );
    const tail: string[] = [];
    let failure: string | undefined;
    for await (const line of readJsonLines(stream)) {
      const { stream: text, error } = v.parse(buildLineSchema, line);
      failure ??= error;
      for (const part of stripVTControlCharacters(text ?? '')
        .split('\n')
        .map((each) => each.trim())
        .filter(Boolean)) {
        tail.push(part);
        if (tail.length > 15) tail.shift();
        onLine(part);
      }
    }
    if (failure !== undefined) throw new EngineError(500, [failure, ...tail].join('\n'));
    // A connection that breaks ends the stream without an error line.
    if ((await this.imageId(tag)) === null)
      throw new EngineError(500, ['the build broke off', ...tail].join('\n'));
  }

  async create(spec: ContainerSpec): Promise<string> {
    const container = await this.ask((giveUp) =>
      this.docker.createContainer({ ...createOptions(spec), ...giveUp }),
    );
    return container.id;
  }

  async start(id: string): Promise<void> {
    try {
      await this.ask((giveUp) => this.docker.getContainer(id).start(giveUp));
    } catch (error) {
      // dockerode takes "it is started already" for an error.
      if (!EngineError.is(error, 304)) throw error;
    }
  }

  async remove(id: string): Promise<void> {
    const container = this.docker.getContainer(id);
    for (let attempt = 0; attempt < removalAttempts; attempt++) {
      try {
        await this.ask((giveUp) => container.remove({ force: true, v: true, ...giveUp }));
      } catch (error) {
        // 409: somebody else is removing it, as the engine itself does when a container ends.
        if (!EngineError.is(error, 404, 409)) throw error;
      }
      if ((await this.orNull((giveUp) => container.inspect(giveUp))) === null) return;
      // The engine tells nobody when a removal that it refuses to repeat is done.
      await new Promise((resolve) => setTimeout(resolve, removalPauseMs));
    }
    throw new EngineError(409, `Docker does not remove the container ${id.slice(0, 12)}.`);
  }

  async list(labels: Readonly<Record<string, string>>): Promise<readonly ContainerSummary[]> {
    const found = await this.ask((giveUp) =>
      this.docker.listContainers({ all: true, filters: { label: labelFilter(labels) }, ...giveUp }),
    );
    return found.map((each) => ({
      id: each.Id,
      name: (each.Names[0] ?? each.Id.slice(0, 12)).replace(/^\//, ''),
      labels: each.Labels,
      publishedPorts: each.Ports.flatMap((port) => port.PublicPort ?? []),
    }));
  }

  async isRunning(id: string): Promise<boolean | null> {
    const state = await this.orNull((giveUp) => this.docker.getContainer(id).inspect(giveUp));
    return state === null ? null : state.State.Running;
  }

  async othersIn(id: string): Promise<number | null> {
    const container = this.docker.getContainer(id);
    const { State: state } = (await this.orNull((giveUp) => container.inspect(giveUp))) ?? { State: null };
    if (state?.Running !== true) return null;
    try {
      const found: unknown = await this.ask((giveUp) =>
        container.top({ ps_args: '-eo pid,sid,stat', ...giveUp }),
      );
      const rows = v.parse(processesSchema, found).Processes;
      // A zombie is no process any more.
      return rows.filter(([, session, status]) => session !== String(state.Pid) && !status.startsWith('Z'))
        .length;
    } catch (error) {
      if (EngineError.is(error) && (await this.isRunning(id)) !== true) return null;
      throw error;
    }
  }

  async run(id: string, argv: readonly string[], timeoutMs = answerTimeoutMs): Promise<CommandOutput> {
    const attached = { Cmd: [...argv], AttachStdout: true, AttachStderr: true };
    const exec = await this.ask((giveUp) => this.docker.getContainer(id).exec({ ...attached, ...giveUp }));
    const stream = await this.ask((giveUp) => exec.start({ hijack: true, ...giveUp }));
    const timeout = AbortSignal.timeout(timeoutMs);
    const expire = () =>
      stream.destroy(new EngineError(500, `A command in the container took over ${timeoutMs} ms.`));
    timeout.addEventListener('abort', expire, { once: true });
    const output = { stdout: '', stderr: '' };
    const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
    try {
      for await (const frame of readFrames(stream)) {
        if (output[frame.stream].length < maxOutputBytes)
          output[frame.stream] += decoders[frame.stream].write(frame.data);
      }
    } finally {
      timeout.removeEventListener('abort', expire);
    }
    // A stream that a dying engine cut off looks like a normal end; only this answer tells.
    const { ExitCode } = await this.ask((giveUp) => exec.inspect(giveUp));
    return { code: ExitCode, ...output };
  }

  async openInput(id: string): Promise<ContainerInput> {
    const container = this.docker.getContainer(id);
    const socket = await this.ask((giveUp) =>
      container.attach({ stream: true, stdin: true, hijack: true, ...giveUp }),
    );
    return new AttachedInput(socket as Duplex);
  }

  async events(
    labels: Readonly<Record<string, string>>,
    onEvent: (event: ContainerEvent) => void,
    onEnd: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stream = await this.ask(({ abortSignal }) =>
      this.docker.getEvents({
        filters: { type: ['container'], label: labelFilter(labels), event: ['die', 'destroy', 'oom'] },
        abortSignal: AbortSignal.any([signal, abortSignal]),
      }),
    );
    const follow = async () => {
      for await (const line of readJsonLines(stream)) {
        const event = v.safeParse(eventSchema, line);
        if (event.success) onEvent({ containerId: event.output.Actor.ID, action: event.output.Action });
      }
    };
    // However it ends, by itself or by an error of the connection, whoever listens has to look for himself now.
    void follow().then(onEnd, onEnd);
  }

  /** The answer, with the engine's refusals as `EngineError` and silence as an `environment` error with its remedy. */
  private async ask<Answer>(request: Request<Answer>): Promise<Answer> {
    const giveUp = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    // docker-modem never settles a request whose reply the engine broke off.
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error('no answer'));
        // A request that is left open keeps this process from ending.
        giveUp.abort();
      }, answerTimeoutMs);
    });
    try {
      return await Promise.race([request({ abortSignal: giveUp.signal }), silence]);
    } catch (error) {
      const reply = v.safeParse(replyErrorSchema, error);
      if (reply.success) {
        const text = reply.output.json?.message ?? (error instanceof Error ? error.message : String(error));
        throw new EngineError(reply.output.statusCode, text.trim(), { cause: error });
      }
      throw unreachable(this.address, error);
    } finally {
      clearTimeout(timer);
    }
  }

  private async orNull<Answer>(request: Request<Answer>): Promise<Answer | null> {
    try {
      return await this.ask(request);
    } catch (error) {
      if (EngineError.is(error, 404)) return null;
      throw error;
    }
  }
}

function connectionOf(endpoint: DockerEndpoint): Docker.DockerOptions {
  if (endpoint.type === 'tcp') {
    const { host, port, tls } = endpoint;
    return { host, port, protocol: tls === null ? 'http' : 'https', ...tls };
  }
  // Without an explicit empty host, docker-modem prefers the one in DOCKER_HOST to the socket.
  return Object.assign<Docker.DockerOptions, object>(
    { socketPath: endpoint.socketPath },
    { host: undefined },
  );
}

/** Every container is hardened the same way; there is no option that softens it. */
function createOptions(spec: ContainerSpec): Docker.ContainerCreateOptions {
  const inside = `${spec.port?.container}/tcp`;
  return {
    name: spec.name,
    Image: spec.image,
    Labels: { ...spec.labels },
    User: spec.user,
    Entrypoint: [...spec.command],
    // Process 1 of a lease reads its orders there; the input outlives whoever writes one.
    OpenStdin: true,
    StdinOnce: false,
    Env: environmentList(spec.env),
    WorkingDir: spec.workingDir,
    Healthcheck: { Test: ['NONE'] },
    ...(spec.port === null ? {} : { ExposedPorts: { [inside]: {} } }),
    HostConfig: {
      AutoRemove: spec.whenEnded === 'removed',
      // Process 1 has to be the guard itself: a sweep kills all but that one (an engine may be set to add its own init).
      Init: false,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Memory: spec.limits.memoryBytes,
      MemorySwap: spec.limits.memoryBytes,
      NanoCpus: Math.round(spec.limits.cpus * 1e9),
      PidsLimit: spec.limits.pids,
      LogConfig: { Type: 'none', Config: {} },
      Tmpfs: { ...spec.tmpfs },
      Mounts: spec.mounts.map((mount) => ({
        Type: 'bind',
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly,
      })),
      ...(spec.port === null
        ? { NetworkMode: 'none' }
        : {
            PortBindings: { [inside]: [{ HostIp: '127.0.0.1', HostPort: String(spec.port.host) }] },
            // Docker Desktop has the name by itself; on Linux it leads to the bridge's address.
            ExtraHosts: ['host.docker.internal:host-gateway'],
          }),
    },
  };
}

/** Of `172.17.0.0/16`: an engine that does not name its bridge's address takes the subnet's first one. */
function firstAddressOf(subnet: string): string {
  return subnet.replace(/\.0\/\d+$/, '.1');
}

function environmentList(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

function labelFilter(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`);
}

const remedies: Readonly<Record<string, string>> = {
  ENOENT:
    'Install Docker or start Docker Desktop; if the engine listens elsewhere, set DOCKER_HOST or choose its context.',
  ECONNREFUSED: 'Start Docker.',
  EACCES: 'Add your user to the "docker" group and sign in again.',
};

function unreachable(address: string, error: unknown): OrchestratorError {
  const known = v.safeParse(socketErrorSchema, error);
  const code = known.success ? known.output.code : error instanceof Error ? error.message : String(error);
  // That one may not ask it does not pass by itself.
  const failure = code === 'EACCES' ? 'environment' : 'isolation-away';
  return new OrchestratorError(failure, `Docker does not answer at ${address} (${code}).`, {
    remedy: remedies[code] ?? 'Start Docker and try again.',
    cause: error,
  });
}
