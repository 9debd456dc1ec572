import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { auditHash, genesisHash } from '../../src/engine/store/auditChain.ts';

/** The lines of an export without its end. */
export const archiveLinesOf = (path: string): string[] =>
  readFileSync(path, 'utf8').trimEnd().split('\n').slice(0, -1);

/** A file of these lines with an end that fits them. */
export function sealed(path: string, lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  const sha256 = createHash('sha256').update(text).digest('hex');
  writeFileSync(path, `${text}${JSON.stringify({ type: 'end', lines: lines.length, sha256 })}\n`);
  return path;
}

interface AuditLine {
  readonly type: 'audit';
  readonly seq: number;
  readonly at: number;
  readonly task_id: string;
  readonly event: string;
  readonly actor: string;
  readonly cause: string;
  readonly data: unknown;
}

/** The lines with other words in the audit rows, in a chain that holds. */
export function rechained(
  lines: readonly string[],
  change: (row: AuditLine) => Partial<AuditLine>,
): readonly string[] {
  let hash = genesisHash;
  return lines.map((line) => {
    const row = JSON.parse(line) as AuditLine;
    if (row.type !== 'audit') return line;
    const changed = { ...row, ...change(row) };
    const { seq, at, task_id: taskId, event: type, actor, cause, data } = changed;
    hash = auditHash(hash, { seq, at, taskId, type, actor, cause, data: JSON.stringify(data) });
    return JSON.stringify({ ...changed, hash: Buffer.from(hash).toString('hex') });
  });
}
