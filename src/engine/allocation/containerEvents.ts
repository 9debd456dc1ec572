import type { Logger } from '../ports/logger.ts';
import type { ContainerEngine, ContainerEvent } from './containerEngine.ts';

/**
 * One event stream for all containers of a storage. Listeners are told when something happened to their container or
 * when events were missed; either way they look for themselves.
 */
export class ContainerEvents {
  private readonly engine: ContainerEngine;
  private readonly labels: Readonly<Record<string, string>>;
  private readonly logger: Logger;
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly outOfMemory = new Set<string>();
  private readonly closing = new AbortController();
  private state: 'closed' | 'opening' | 'open' = 'closed';

  constructor(engine: ContainerEngine, labels: Readonly<Record<string, string>>, logger: Logger) {
    this.engine = engine;
    this.labels = labels;
    this.logger = logger;
  }

  /** Calls back on each hint about the container until the returned function is called. */
  watch(containerId: string, listener: () => void): () => void {
    const listeners = this.listeners.get(containerId) ?? new Set();
    this.listeners.set(containerId, listeners.add(listener));
    this.ensureOpen();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.listeners.delete(containerId);
    };
  }

  /** Connects again after the engine was away; a no-op while connected. */
  ensureOpen(): void {
    if (this.state !== 'closed' || this.closing.signal.aborted) return;
    this.state = 'opening';
    this.engine
      .events(
        this.labels,
        (event) => this.take(event),
        () => this.ended(),
        this.closing.signal,
      )
      .then(
        () => {
          if (this.state === 'opening') this.state = 'open';
        },
        (error: unknown) => {
          this.state = 'closed';
          // Not a failure yet: whoever waits looks every few seconds anyway and asks for the stream again.
          this.logger.debug('docker.events-unavailable', { error: String(error) });
        },
      );
  }

  /** Whether the kernel killed something in the container for want of memory, as far as it was seen. */
  ranOutOfMemory(containerId: string): boolean {
    return this.outOfMemory.has(containerId);
  }

  close(): void {
    this.closing.abort();
    this.listeners.clear();
  }

  private take(event: ContainerEvent): void {
    if (event.action === 'oom') this.outOfMemory.add(event.containerId);
    for (const listener of this.listeners.get(event.containerId) ?? []) listener();
  }

  private ended(): void {
    this.state = 'closed';
    for (const listeners of this.listeners.values()) for (const listener of listeners) listener();
  }
}
