/** What the pool needs of a container engine. `dockerEngine.ts` gives it over Docker's API. */
export interface ContainerEngine {
  /** Where it answers, for messages. */
  readonly address: string;
  /** Throws an `environment` error when it cannot be reached. */
  info(): Promise<EngineInfo>;
  /** This machine's address on the engine's default bridge, which containers can reach; null where there is none. */
  bridgeAddress(): Promise<string | null>;
  /** The image's id, or null when it is not there. Never pulls. */
  imageId(name: string): Promise<string | null>;
  /** Builds `Dockerfile` in the folder under this tag; each line of output goes to `onLine`. Throws with the last lines. */
  buildImage(folder: string, tag: string, onLine: (line: string) => void): Promise<void>;
  /** Makes a hardened container and returns its id; it is not started. */
  create(spec: ContainerSpec): Promise<string>;
  start(id: string): Promise<void>;
  /** Kills and removes it; resolves when it is gone, also when it was gone before. */
  remove(id: string): Promise<void>;
  /** Containers in any state that carry all these labels. */
  list(labels: Readonly<Record<string, string>>): Promise<readonly ContainerSummary[]>;
  /** null when there is no such container. */
  isRunning(id: string): Promise<boolean | null>;
  /**
   * How many processes are in it beside process 1 and what that started in its own session, which no other process can
   * join; null when there is no such container or it does not run.
   */
  othersIn(id: string): Promise<number | null>;
  /** Runs a short command to its end and returns what it wrote (at most 1 MB). */
  run(id: string, argv: readonly string[], timeoutMs?: number): Promise<CommandOutput>;
  /** Opens the input of its process 1. */
  openInput(id: string): Promise<ContainerInput>;
  /** Events of containers with these labels until `signal` aborts; `onEnd` when the stream broke off. Hints: they may come twice. */
  events(
    labels: Readonly<Record<string, string>>,
    onEvent: (event: ContainerEvent) => void,
    onEnd: () => void,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface EngineInfo {
  readonly version: string;
  /** As `uname -m` says it. */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** True when ids inside are not the host's ids (rootless engine, user namespaces). */
  readonly remapsUsers: boolean;
  /** True when containers outlive a restart of the engine. */
  readonly liveRestore: boolean;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `uid:gid`, never root. */
  readonly user: string;
  /** Process 1 and its arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly mounts: readonly Mount[];
  /** Mount options by path. */
  readonly tmpfs: Readonly<Record<string, string>>;
  /** Published on 127.0.0.1; null = no network at all. */
  readonly port: { readonly host: number; readonly container: number } | null;
  readonly limits: ContainerLimits;
  /** What becomes of it when its process 1 ends. */
  readonly whenEnded: 'removed' | 'kept';
}

export interface Mount {
  /** Host path; must exist. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerLimits {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
}

export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly publishedPorts: readonly number[];
}

/** A connection to what a container's process 1 reads; the input itself stays open when it is closed. */
export interface ContainerInput {
  /**
   * Writes the text and closes the connection; resolves when the engine has been sent it. That it was read is for the
   * reader to say: an engine that hangs passes it on when it is back.
   */
  end(text: string): Promise<void>;
  close(): void;
}

export interface ContainerEvent {
  readonly containerId: string;
  readonly action: 'die' | 'destroy' | 'oom';
}

export interface CommandOutput {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The engine answered, and the answer was no. */
export class EngineError extends Error {
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.name = 'EngineError';
    this.status = status;
  }

  static is(error: unknown, ...statuses: readonly number[]): error is EngineError {
    return error instanceof EngineError && (statuses.length === 0 || statuses.includes(error.status));
  }
}
