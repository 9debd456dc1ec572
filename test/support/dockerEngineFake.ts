import type {
  CommandOutput,
  ContainerEngine,
  ContainerEvent,
  ContainerInput,
  ContainerSpec,
  ContainerSummary,
  EngineInfo,
} from '../../src/engine/allocation/containerEngine.ts';
import { EngineError } from '../../src/engine/allocation/containerEngine.ts';
import type { Clock } from '../../src/engine/ports/clock.ts';

interface FakeContainer {
  readonly id: string;
  readonly spec: ContainerSpec;
  running: boolean;
}

/** An engine in memory. Its fields are what it answers next; tests set them. */
export class FakeContainerEngine implements ContainerEngine {
  readonly address = 'fake';
  readonly containers = new Map<string, FakeContainer>();
  /** What was written to the inputs of containers. */
  readonly orders: string[] = [];
  /** Commands that were run, as words. */
  readonly commands: string[][] = [];
  /** Thrown by every call, as when the engine is away. */
  away: Error | null = null;
  startError: Error | null = null;
  /** What runs in each container beside process 1. */
  others = 0;
  /** Thrown where processes are asked for: an engine that does not know the question. */
  othersError: Error | null = null;
  output: CommandOutput = {
    code: 0,
    stdout: '/usr/bin/claude\nnode:x:1000:1000::/home/node:/bin/sh\n',
    stderr: '',
  };
  images = new Set(['image:1']);
  private readonly listeners = new Set<{ take(event: ContainerEvent): void; end(): void }>();
  private made = 0;

  async info(): Promise<EngineInfo> {
    this.answer();
    return {
      version: '1',
      architecture: 'x86_64',
      cpus: 8,
      memoryBytes: 32 * 2 ** 30,
      remapsUsers: false,
      liveRestore: false,
    };
  }

  async bridgeAddress(): Promise<string | null> {
    this.answer();
    return '172.17.0.1';
  }

  async imageId(name: string): Promise<string | null> {
    this.answer();
    return this.images.has(name) ? `sha256:${name}` : null;
  }

  async buildImage(_folder: string, tag: string): Promise<void> {
    this.answer();
    this.images.add(tag);
  }

  async create(spec: ContainerSpec): Promise<string> {
    this.answer();
    const id = `container-${(this.made += 1)}`;
    this.containers.set(id, { id, spec, running: false });
    return id;
  }

  async start(id: string): Promise<void> {
    this.answer();
    const container = this.found(id);
    if (this.startError !== null && container.spec.port !== null) throw this.startError;
    container.running = true;
  }

  async remove(id: string): Promise<void> {
    this.answer();
    this.containers.delete(id);
    this.emit({ containerId: id, action: 'destroy' });
  }

  async list(labels: Readonly<Record<string, string>>): Promise<readonly ContainerSummary[]> {
    this.answer();
    const has = (container: FakeContainer) =>
      Object.entries(labels).every(([name, value]) => container.spec.labels[name] === value);
    return [...this.containers.values()].filter(has).map(({ id, spec }) => ({
      id,
      name: spec.name,
      labels: spec.labels,
      publishedPorts: spec.port === null ? [] : [spec.port.host],
    }));
  }

  async isRunning(id: string): Promise<boolean | null> {
    this.answer();
    return this.containers.get(id)?.running ?? null;
  }

  async othersIn(id: string): Promise<number | null> {
    this.answer();
    if (this.othersError !== null) throw this.othersError;
    return this.containers.get(id)?.running === true ? this.others : null;
  }

  async run(id: string, argv: readonly string[]): Promise<CommandOutput> {
    this.answer();
    this.found(id);
    this.commands.push([...argv]);
    return this.output;
  }

  async openInput(id: string): Promise<ContainerInput> {
    this.answer();
    this.found(id);
    return {
      end: async (text) => {
        this.orders.push(text);
      },
      close: () => {},
    };
  }

  async events(
    _labels: Readonly<Record<string, string>>,
    take: (event: ContainerEvent) => void,
    end: () => void,
  ): Promise<void> {
    this.answer();
    this.listeners.add({ take, end });
  }

  emit(event: ContainerEvent): void {
    for (const listener of this.listeners) listener.take(event);
  }

  /** Cuts the event streams, as an engine that goes away does. */
  cutEvents(): void {
    const cut = [...this.listeners];
    this.listeners.clear();
    for (const listener of cut) listener.end();
  }

  private found(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new EngineError(404, `No such container: ${id}`);
    return container;
  }

  private answer(): void {
    if (this.away !== null) throw this.away;
  }
}

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
  private time = 1_700_000_000_000;
  private readonly waiting = new Set<{ readonly at: number; readonly callback: () => void }>();
  private onTimer: () => void = () => {};

  now(): number {
    return this.time;
  }

  at(at: number, callback: () => void): () => void {
    const timer = { at, callback };
    this.waiting.add(timer);
    this.onTimer();
    return () => this.waiting.delete(timer);
  }

  /** How many wait for a time. */
  get timers(): number {
    return this.waiting.size;
  }

  /** Resolves when somebody waits for a time. */
  async waitedFor(): Promise<void> {
    if (this.waiting.size > 0) return;
    await new Promise<void>((resolve) => (this.onTimer = resolve));
  }

  advance(ms: number): void {
    this.time += ms;
    const due = [...this.waiting].filter((timer) => timer.at <= this.time);
    for (const timer of due) {
      this.waiting.delete(timer);
      timer.callback();
    }
  }
}
