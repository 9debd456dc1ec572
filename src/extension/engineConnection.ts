import { setTimeout as delay } from 'node:timers/promises';
import type { Slots } from '../engine/domain/allocation.ts';
import type { ImportingEngine } from '../engine/engine.ts';
import type { Orchestrator, OrchestratorConfiguration } from '../engine/openOrchestrator.ts';
import type { Notice } from '../engine/notice.ts';
import { OrchestratorError } from '../engine/ports/errors.ts';
import type { EngineClient } from '../engine/sharing/engineClient.ts';
import type { EngineBundle } from './engineBundle.ts';

export type Connected =
  | { readonly type: 'driving'; readonly engine: Orchestrator }
  | { readonly type: 'following'; readonly engine: ImportingEngine; readonly holder: string };

export interface EngineConnectionOptions {
  readonly bundle: Pick<
    EngineBundle,
    'openOrchestrator' | 'connectToHolder' | 'readOwnerRecord' | 'EngineClient'
  >;
  readonly configuration: OrchestratorConfiguration;
  /** Reads what is there, once notices come; part of connecting, so that a holder that goes meanwhile is no failure. */
  readonly load: (engine: ImportingEngine, slots: Slots) => Promise<void>;
  /** In order; some may come before `open` has resolved. */
  readonly onNotice: (notice: Notice) => void;
  /** The holder that was followed went away: open again, to take over or to follow the next. */
  readonly onLost: () => void;
}

/** A storage that nobody holds and that cannot be opened: tried again this long, for a holder that was just going. */
const unheldMs = 2_000;

/** A holder that closes takes up to 6 s: containers, followers and database, each with its time. */
const handoverMs = 15_000;

/** One standing connection to the engine of a storage: its own where the storage is free, else the holder's. */
export class EngineConnection {
  private readonly options: EngineConnectionOptions;
  private readonly closing = new AbortController();
  private connected: Orchestrator | EngineClient | null = null;
  private opening: Promise<Connected> | null = null;

  constructor(options: EngineConnectionOptions) {
    this.options = options;
  }

  /** Resolves once connected; an engine of our own is not started yet. Throws why it cannot be. */
  open(): Promise<Connected> {
    this.opening ??= this.connect();
    return this.opening;
  }

  /** Runs under way go on by themselves. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.opening?.catch(() => null);
    await this.connected?.close();
  }

  private async connect(): Promise<Connected> {
    const latest = Date.now() + handoverMs;
    let deadline = Date.now() + unheldMs;
    for (;;) {
      this.throwIfClosing();
      try {
        const socket = await this.options.bundle.connectToHolder(this.options.configuration.storage);
        if (socket === null) return await this.drive();
        deadline = Math.min(Date.now() + unheldMs, latest);
        return await this.follow(await this.options.bundle.EngineClient.attach(socket));
      } catch (error) {
        this.throwIfClosing();
        if (!OrchestratorError.is(error, 'environment') || Date.now() > deadline) throw error;
        // Several windows that lost the same holder must not keep meeting each other.
        await delay(50 + Math.random() * 150);
      }
    }
  }

  private async drive(): Promise<Connected> {
    const orchestrator = await this.options.bundle.openOrchestrator(this.options.configuration);
    this.connected = orchestrator;
    if (this.closing.signal.aborted) {
      await orchestrator.close();
      this.throwIfClosing();
    }
    orchestrator.service.subscribe(this.options.onNotice);
    try {
      await this.options.load(orchestrator, orchestrator.service.slots());
    } catch (error) {
      await orchestrator.close();
      throw error;
    }
    return { type: 'driving', engine: orchestrator };
  }

  private async follow(client: EngineClient): Promise<Connected> {
    this.connected = client;
    let heard: Slots | null = null;
    const slots = await client.subscribe((notice) => {
      if (notice.type === 'committed') heard = notice.slots;
      this.options.onNotice(notice);
    });
    await this.options.load(client, heard ?? slots);
    void client.gone.then(() => {
      if (!this.closing.signal.aborted) this.options.onLost();
    });
    const owner = this.options.bundle.readOwnerRecord(this.options.configuration.storage);
    return { type: 'following', engine: client, holder: owner?.holder ?? '' };
  }

  private throwIfClosing(): void {
    if (this.closing.signal.aborted) throw new OrchestratorError('environment', 'The window is closing.');
  }
}
