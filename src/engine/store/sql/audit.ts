import * as v from 'valibot';
import type { DomainEvent, EventType } from '../../domain/events.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { Actor, AuditRow } from '../../ports/store.ts';
import { auditHash, genesisHash } from '../auditChain.ts';
import type { AuditColumns } from '../auditChain.ts';
import { taskIdOfBytes, uuidBytes } from '../identifiers.ts';
import { parseStored, parseStoredJson } from '../parse.ts';
import type { Database, Row } from '../sqljs/database.ts';

/** Whether this release knows events of this type. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventTypes, type);
}

/** Where the chain stands. */
export interface AuditHead {
  readonly seq: number;
  readonly at: number;
  readonly hash: Uint8Array;
}

// A record and not a list, so that the compiler asks for an event type that is new.
const eventTypes: Readonly<Record<EventType, true>> = {
  'task.created': true,
  'task.imported': true,
  'task.moved-in': true,
  'task.queued': true,
  'task.admitted': true,
  'workspace.ready': true,
  'workspace.failed': true,
  'run.started': true,
  'run.completed': true,
  'run.failed': true,
  'run.cancelled': true,
  'context.accepted': true,
  'gate.opened': true,
  'specification.edited': true,
  'task.prioritized': true,
  'task.settings-changed': true,
  'rework.requested': true,
  'task.backoff': true,
  'task.parked': true,
  'task.needs-attention': true,
  'task.stop-requested': true,
  'task.paused': true,
  'task.sent-back': true,
  'task.advanced': true,
  'task.completed': true,
  'task.cancelled': true,
  'merge.requested': true,
  'merge.failed': true,
  'task.accepted': true,
  'lease.releasing': true,
  'lease.released': true,
  'worktree.removed': true,
  'worktree.kept': true,
  'slot.blocked': true,
  'slot.unblocked': true,
};

const storedRow = v.object({
  seq: v.number(),
  at: v.number(),
  task_id: v.instance(Uint8Array),
  type: v.string(),
  actor: v.string(),
  cause: v.string(),
  data: v.string(),
  hash: v.instance(Uint8Array),
});
const typeSchema = v.custom<EventType>((value) => typeof value === 'string' && isEventType(value));
const actorSchema = v.picklist(['person', 'engine']);

const columns = 'seq, at, task_id, type, actor, cause, data, hash';

/** Appends one row for each event; returns the rows and where the chain stands after them. */
export function appendAudit(
  database: Database,
  head: AuditHead,
  events: readonly DomainEvent[],
  origin: { readonly actor: Actor; readonly cause: string },
): { readonly rows: readonly AuditRow[]; readonly head: AuditHead } {
  const rows: AuditRow[] = [];
  for (const { type, taskId, at, data } of events) {
    const row = { at, taskId, type, ...origin };
    head = appendAuditRow(database, head, { ...row, data: JSON.stringify(data) });
    rows.push({ seq: head.seq, ...row, data, hash: Buffer.from(head.hash).toString('hex') });
  }
  return { rows, head };
}

/** Appends one row; returns where the chain stands after it. */
export function appendAuditRow(
  database: Database,
  head: AuditHead,
  row: Omit<AuditColumns, 'seq'>,
): AuditHead {
  const seq = head.seq + 1;
  const hash = auditHash(head.hash, { seq, ...row });
  database.run(`INSERT INTO orchestrator_audit (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, [
    seq,
    row.at,
    uuidBytes(row.taskId),
    row.type,
    row.actor,
    row.cause,
    row.data,
    hash,
  ]);
  return { seq, at: row.at, hash };
}

/** The newest row's place in the chain. */
export function loadAuditHead(database: Database): AuditHead {
  const [row] = database.all(`SELECT ${columns} FROM orchestrator_audit ORDER BY seq DESC LIMIT 1`);
  if (row === undefined) return { seq: 0, at: 0, hash: genesisHash };
  const { seq, at, hash } = parseStored(storedRow, row, 'audit row');
  return { seq, at, hash };
}

/** Rows after `after`, in order. */
export function listAudit(
  database: Database,
  query: { readonly taskId?: TaskId; readonly after: number; readonly limit: number },
): AuditRow[] {
  const rows =
    query.taskId === undefined
      ? database.all(`SELECT ${columns} FROM orchestrator_audit WHERE seq > ? ORDER BY seq LIMIT ?`, [
          query.after,
          query.limit,
        ])
      : database.all(
          `SELECT ${columns} FROM orchestrator_audit WHERE task_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
          [uuidBytes(query.taskId), query.after, query.limit],
        );
  return rows.map(auditRowOf);
}

/** Rows after `after` as the chain sees them. Nothing is assumed about them: they may have been tampered with. */
export function listAuditLinks(
  database: Database,
  after: number,
  limit: number,
): { readonly seq: number; readonly columns: AuditColumns | null; readonly hash: Uint8Array }[] {
  return database
    .all(`SELECT ${columns} FROM orchestrator_audit WHERE seq > ? ORDER BY seq LIMIT ?`, [after, limit])
    .map((row) => {
      const parsed = v.safeParse(storedRow, row);
      if (!parsed.success) return { seq: Number(row['seq']), columns: null, hash: genesisHash };
      const { task_id: taskId, hash, ...rest } = parsed.output;
      return { seq: rest.seq, columns: { ...rest, taskId: taskIdOfBytes(taskId) }, hash };
    });
}

function auditRowOf(row: Row): AuditRow {
  const stored = parseStored(storedRow, row, 'audit row');
  const what = `audit row ${stored.seq}`;
  return {
    seq: stored.seq,
    at: stored.at,
    taskId: taskIdOfBytes(stored.task_id),
    type: parseStored(typeSchema, stored.type, what),
    actor: parseStored(actorSchema, stored.actor, what),
    cause: stored.cause,
    data: parseStoredJson(v.unknown(), stored.data, what),
    hash: Buffer.from(stored.hash).toString('hex'),
  };
}
