import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { auditHash, genesisHash } from '../../../src/engine/store/auditChain.ts';
import type { SqlStore } from '../../../src/engine/store/sqlStore.ts';
import {
  openRawDatabase,
  openTestStore,
  queuedEvent,
  queuedTask,
  temporaryDirectory,
  transitionOf,
} from '../../support/storeFixtures.ts';

const dropTriggers = `DROP TRIGGER orchestrator_audit_no_update; DROP TRIGGER orchestrator_audit_no_delete;
  DROP TRIGGER orchestrator_audit_gapless;`;

async function tampered(rows: number, sql: string): Promise<SqlStore> {
  const directory = await temporaryDirectory();
  const store = await openTestStore(directory);
  const task = queuedTask();
  store.commit(
    transitionOf(task, { events: Array.from({ length: rows }, (_, at) => queuedEvent(task.id, at)) }),
  );
  store.close();
  const database = await openRawDatabase(directory);
  database.transaction(() => database.script(dropTriggers + sql));
  database.close();
  return openTestStore(directory);
}

test('each row is hashed with the hash of the row before, from 32 zero bytes', () => {
  const row = { seq: 1, at: 2, taskId: 't', type: 'y', actor: 'person', cause: 'c', data: '{"a":"b"}' };
  const text = '[1,2,"t","y","person","c","{\\"a\\":\\"b\\"}"]';
  const expected = createHash('sha256').update(Buffer.alloc(32)).update(text).digest('hex');
  expect(Buffer.from(auditHash(genesisHash, row)).toString('hex')).toBe(expected);
});

test('an empty trail and an untouched one of several pages verify', async () => {
  const store = await openTestStore(await temporaryDirectory());
  expect(store.verifyAudit()).toEqual({ ok: true, rows: 0, firstBadRow: null });
  const task = queuedTask();
  store.commit(
    transitionOf(task, { events: Array.from({ length: 450 }, (_, at) => queuedEvent(task.id, at)) }),
  );
  expect(store.verifyAudit()).toEqual({ ok: true, rows: 450, firstBadRow: null });
});

test('verification lets other work in between', async () => {
  const store = await openTestStore(await temporaryDirectory());
  const task = queuedTask();
  store.commit(
    transitionOf(task, { events: Array.from({ length: 250 }, (_, at) => queuedEvent(task.id, at)) }),
  );
  const steps = store.auditVerification();
  expect(steps.next().done).toBe(false);
  store.commit(transitionOf(task));
  expect(steps.next()).toEqual({ done: true, value: { ok: true, rows: 251, firstBadRow: null } });
});

test.each([
  ['its data', `UPDATE orchestrator_audit SET data = '{"stage":"qa","reason":"created"}' WHERE seq = 3`, 3],
  ['its time', 'UPDATE orchestrator_audit SET at = at + 1 WHERE seq = 1', 1],
  ['its actor', "UPDATE orchestrator_audit SET actor = 'engine' WHERE seq = 5", 5],
  ['its task', 'UPDATE orchestrator_audit SET task_id = zeroblob(16) WHERE seq = 230', 230],
  ['its hash', 'UPDATE orchestrator_audit SET hash = zeroblob(32) WHERE seq = 2', 2],
  ['a type of value', "UPDATE orchestrator_audit SET data = x'00' WHERE seq = 4", 4],
  ['its being there', 'DELETE FROM orchestrator_audit WHERE seq = 4', 4],
  ['its place', 'UPDATE orchestrator_audit SET seq = 999 WHERE seq = 2', 2],
  ['being the last', 'DELETE FROM orchestrator_audit WHERE seq > 229', 230],
  ['being at all', 'DELETE FROM orchestrator_audit', 1],
])('verification names the first row that lost %s', async (_what, sql, firstBadRow) => {
  const store = await tampered(230, sql);
  expect(store.verifyAudit()).toEqual({ ok: false, rows: firstBadRow - 1, firstBadRow });
});
