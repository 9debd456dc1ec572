import { BoardFile } from '../engine/interop/vibeKanban/boardFile.ts';
import { chooseProjects } from '../engine/interop/vibeKanban/chooseProjects.ts';
import { findVibeKanbanDatabases } from '../engine/interop/vibeKanban/findDatabases.ts';
import { importBoard } from '../engine/interop/vibeKanban/importBoard.ts';
import { openOrchestrator } from '../engine/openOrchestrator.ts';
import { execute } from '../engine/process/exec.ts';
import { findExecutable } from '../engine/process/findExecutable.ts';
import { EngineClient } from '../engine/sharing/engineClient.ts';
import { readOwnerRecord } from '../engine/store/ownerRecord.ts';
import { connectToHolder } from '../engine/store/writerLock.ts';
import { systemClock } from '../engine/systemClock.ts';
import { locateRepository } from '../engine/worktrees/repository.ts';
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
  interop: { BoardFile, chooseProjects, findVibeKanbanDatabases, importBoard, locateRepository },
} as const;

export type EngineBundle = typeof engine;
