import * as v from 'valibot';
import { emptyAllocation } from '../../domain/allocation.ts';
import type { Allocation } from '../../domain/allocation.ts';
import { allocationSchema } from '../allocationSchema.ts';
import { parseStored, parseStoredJson } from '../parse.ts';
import type { Database } from '../sqljs/database.ts';

const valueRow = v.object({ value: v.string() });

/** Writes who may execute, who waits and who holds which slot. */
export function saveAllocation(database: Database, allocation: Allocation): void {
  database.run(
    `INSERT INTO orchestrator_meta (key, value) VALUES ('allocation', ?)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    [JSON.stringify(allocation)],
  );
}

/** The allocation; an empty one in a new file. */
export function loadAllocation(database: Database): Allocation {
  const [row] = database.all("SELECT value FROM orchestrator_meta WHERE key = 'allocation'");
  if (row === undefined) return emptyAllocation;
  return parseStoredJson(allocationSchema, parseStored(valueRow, row, 'allocation row').value, 'allocation');
}
