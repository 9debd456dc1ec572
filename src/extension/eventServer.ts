/** What the engine's local server gives whoever started it. */
export interface RunningServer {
  /** On loopback. */
  readonly url: string;
  /** What a client shows, in its `Authorization` header; never part of an address. */
  readonly token: string;
  close(): Promise<void>;
}

/** The one event server of a window: started once, however often it is asked for, and gone with the window. */
export class EventServer {
  private readonly open: () => Promise<RunningServer>;
  private starting: Promise<RunningServer> | null = null;

  /** `open` loads the server's bundle and starts it; rejects with an OrchestratorError that says what to do. */
  constructor(open: () => Promise<RunningServer>) {
    this.open = open;
  }

  /** Resolves with the one that runs, if one does. */
  start(): Promise<RunningServer> {
    this.starting ??= this.open().catch((error: unknown) => {
      // Asked again, it tries again: the port may be free by then.
      this.starting = null;
      throw error;
    });
    return this.starting;
  }

  /** Null when none runs. */
  async running(): Promise<RunningServer | null> {
    return (await this.starting?.catch(() => null)) ?? null;
  }

  /** False when none ran. */
  async stop(): Promise<boolean> {
    const running = await this.running();
    this.starting = null;
    await running?.close();
    return running !== null;
  }

  /** Takes up settings that changed: the one that runs, if one does, makes way for another. */
  async restart(): Promise<void> {
    if (await this.stop()) await this.start();
  }
}
