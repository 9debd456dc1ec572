import { createHash } from 'node:crypto';
import type { RunId } from '../domain/ids.ts';

/**
 * The CLI session of a run: a UUID (version 8, by SHA-256) derived from the run's id. The CLI refuses a session id that
 * was used before, so a run that somehow started twice cannot go on unnoticed.
 */
export function sessionIdOf(runId: RunId): string {
  const hex = createHash('sha256').update(runId).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
