import { createHash } from 'node:crypto';

/** The columns of an audit row that its hash covers, as they are stored. */
export interface AuditColumns {
  readonly seq: number;
  readonly at: number;
  readonly taskId: string;
  readonly type: string;
  readonly actor: string;
  readonly cause: string;
  /** JSON text, byte for byte as stored. */
  readonly data: string;
}

/** What the first row's hash builds on. */
export const genesisHash: Uint8Array = new Uint8Array(32);

/**
 * SHA-256 over the previous row's hash and this row, written as the JSON array
 * `[seq,at,"task id","type","actor","cause","data"]`: one text for each row, and no two rows with the same.
 */
export function auditHash(previous: Uint8Array, row: AuditColumns): Uint8Array {
  const text = JSON.stringify([row.seq, row.at, row.taskId, row.type, row.actor, row.cause, row.data]);
  return createHash('sha256').update(previous).update(text, 'utf8').digest();
}
