import * as v from 'valibot';
import type { Effect } from '../../domain/effects.ts';
import { effectSchema } from '../effectSchema.ts';
import { parseStored, parseStoredJson } from '../parse.ts';
import type { Database } from '../sqljs/database.ts';

const effectRow = v.object({ key: v.string(), effect: v.string() });

/** Records an effect to carry out. A second one under a key that is open is a defect, and refused. */
export function addEffect(database: Database, effect: Effect, seq: number): void {
  database.run('INSERT INTO orchestrator_outbox (key, effect, created_seq) VALUES (?, ?, ?)', [
    effect.key,
    JSON.stringify(effect),
    seq,
  ]);
}

/** Removes an effect that has its outcome. */
export function settleEffect(database: Database, key: string): void {
  database.run('DELETE FROM orchestrator_outbox WHERE key = ?', [key]);
}

/** Effects without an outcome, oldest first. */
export function loadEffects(database: Database): Effect[] {
  return database.all('SELECT key, effect FROM orchestrator_outbox ORDER BY position').map((row) => {
    const { key, effect } = parseStored(effectRow, row, 'effect row');
    return parseStoredJson(effectSchema, effect, `effect ${key}`);
  });
}
