import { openOrchestrator } from '../engine/openOrchestrator.ts';
import { execute } from '../engine/process/exec.ts';
import { findExecutable } from '../engine/process/findExecutable.ts';
import { EngineClient } from '../engine/sharing/engineClient.ts';
import { readOwnerRecord } from '../engine/store/ownerRecord.ts';
import { connectToHolder } from '../engine/store/writerLock.ts';
import { systemClock } from '../engine/systemClock.ts';
import { WorktreeManager } from '../engine/worktrees/worktreeManager.ts';
import { checkSetup } from './setupChecks.ts';

/** Everything of the engine that is heavy: execa, dockerode, sql.js. A bundle of its own, which `loadEngine` loads at first use. */
export const engine = {
  openOrchestrator,
  connectToHolder,
  readOwnerRecord,
  EngineClient,
  WorktreeManager,
  systemClock,
  execute,
  findExecutable,
  checkSetup,
} as const;

export type EngineBundle = typeof engine;
