import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExitRecord } from '../ports/isolation.ts';
import { isAlive } from './processTable.ts';
import { endTree } from './processTree.ts';
import { createWhole, readExitRecord, runFiles } from './runDirectory.ts';
import {
  claimRun,
  markerOf,
  readOwner,
  temporaryPathOf,
  type SupervisorOwner,
} from './supervisorProtocol.ts';

/** Nobody waits for good manners of a run that is lost already. */
const strayGraceMs = 2_000;

/**
 * How a started run ended, or null while it goes on. One whose supervisor is gone is cleaned up after and written down
 * as lost. One without an owner may still get one while `patient`; otherwise it is given up and will never start.
 */
export async function settleRun(
  runDir: string,
  patience: 'patient' | 'impatient',
): Promise<ExitRecord | null> {
  const record = await readExitRecord(runDir);
  if (record !== null) return record;
  const owner = await readOwner(runDir);
  if (owner === null) {
    if (patience === 'patient') return null;
    await claimRun(runDir, { type: 'abandoned' });
    // Now there is an owner: this claim, or that of a supervisor which came first.
    return await settleRun(runDir, patience);
  }
  if (owner.type === 'abandoned') return await conclude(runDir, lostBecause('Its supervisor never came up'));
  if (await isAlive(owner)) return null;
  // The record is a supervisor's last act: it may have come between the two looks.
  return (
    (await readExitRecord(runDir)) ?? (await bury(runDir, owner, lostBecause('Its supervisor was killed')))
  );
}

/** Ends what a dead supervisor left running, then records the end. */
export async function bury(runDir: string, owner: SupervisorOwner, record: ExitRecord): Promise<ExitRecord> {
  await endTree({ root: owner.program, marker: markerOf(owner.token).assignment }, strayGraceMs);
  await rm(temporaryPathOf(owner.token), { recursive: true, force: true });
  return await conclude(runDir, record);
}

export function lostBecause(detail: string): ExitRecord {
  return { code: null, signal: null, reason: 'lost', detail };
}

/** Never over a record that is there: what a supervisor wrote is the truth. */
async function conclude(runDir: string, record: ExitRecord): Promise<ExitRecord> {
  await createWhole(join(runDir, runFiles.exit), JSON.stringify(record));
  return (await readExitRecord(runDir)) ?? record;
}
