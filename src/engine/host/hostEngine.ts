import { homedir } from 'node:os';
import { basename, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImportingEngine } from '../engine.ts';
import { openOrchestrator, type Orchestrator } from '../openOrchestrator.ts';
import type { Drive } from '../orchestratorService.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { EngineClient, holderGone } from '../sharing/engineClient.ts';
import { defaultStorage, defaultWorktrees } from '../storagePaths.ts';
import { connectToHolder } from '../store/writerLock.ts';
import { systemClock } from '../systemClock.ts';
import { locateRepository } from '../worktrees/repository.ts';
import { WorktreeManager } from '../worktrees/worktreeManager.ts';
import type { CommonOptions } from './options.ts';
import { type HostIo, stderrLogger } from './output.ts';

/** Where the built program and the files it ships with lie. */
export interface Assets {
  readonly distFolder: string;
  readonly containerFolder: string;
}

/** The repository and storage a command is about. */
export interface Place {
  readonly worktrees: WorktreeManager;
  readonly repository: { readonly path: string; readonly name: string };
  readonly storage: string;
}

export async function placeOf(options: CommonOptions, io: HostIo): Promise<Place> {
  const given = resolve(io.cwd, options.repo);
  // The storage's default lies under the home of whoever runs this; its path depends on the repository's top level.
  const { topLevel } = await locateRepository(given);
  const home = io.env['HOME'] ?? homedir();
  const storage =
    options.storage === undefined ? defaultStorage(home, topLevel) : resolve(io.cwd, options.storage);
  const worktreesDir =
    options.worktrees === undefined ? defaultWorktrees(storage) : resolve(io.cwd, options.worktrees);
  return {
    worktrees: new WorktreeManager({ repositoryPath: topLevel, worktreesDir }),
    repository: { path: topLevel, name: basename(topLevel) },
    storage,
  };
}

/** The engine in this process. Throws `environment` when another process holds the storage. */
export function openHere(
  place: Place,
  io: HostIo,
  assets: Assets,
  options: {
    readonly drive: Drive;
    readonly holder: string;
    readonly onProgress: (text: string) => void;
    readonly maxConcurrent?: number;
  },
): Promise<Orchestrator> {
  return openOrchestrator({
    ...place,
    ...assets,
    ...options,
    environment: io.env,
    clock: systemClock,
    logger: stderrLogger(io),
  });
}

/** A holder that is just closing, or another process that takes the storage before us: both are over in a moment. */
const handoverMs = 15_000;

/** For reading and for a person's moves: the engine that holds the storage, or one of our own that drives nothing. */
export async function openAnywhere(
  place: Place,
  io: HostIo,
  assets: Assets,
  holder: string,
): Promise<ImportingEngine> {
  const deadline = Date.now() + handoverMs;
  for (;;) {
    try {
      const socket = await connectToHolder(place.storage);
      if (socket !== null) return await EngineClient.attach(socket);
      const orchestrator = await openHere(place, io, assets, { drive: 'none', holder, onProgress: () => {} });
      await orchestrator.start();
      return orchestrator;
    } catch (error) {
      // Someone holds it who is just leaving, or who came first. Any other failure stays one, however often it is tried.
      const holderNow = await connectToHolder(place.storage);
      holderNow?.destroy();
      if ((holderNow === null && !isGone(error)) || Date.now() > deadline) throw error;
      await delay(100);
    }
  }
}

/** The holder left between our look and its answer. */
function isGone(error: unknown): boolean {
  return OrchestratorError.is(error, 'environment') && error.cause === holderGone;
}
