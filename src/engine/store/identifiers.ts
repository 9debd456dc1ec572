import { taskIdOf } from '../domain/ids.ts';
import type { TaskId } from '../domain/ids.ts';

/** The 16 bytes of a UUID; throws for text that is none. */
export function uuidBytes(uuid: string): Uint8Array {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) throw new Error(`not a UUID: ${uuid}`);
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Lower-case UUID text of 16 bytes. */
export function taskIdOfBytes(bytes: Uint8Array): TaskId {
  const hex = Buffer.from(bytes).toString('hex');
  return taskIdOf(
    [8, 12, 16, 20, 32].map((end, index) => hex.slice([0, 8, 12, 16, 20][index], end)).join('-'),
  );
}

/** The lowest and highest UUID beginning with the prefix; null when none can. */
export function uuidRange(prefix: string): readonly [Uint8Array, Uint8Array] | null {
  const digits = prefix.toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]{0,32}$/.test(digits)) return null;
  return [Buffer.from(digits.padEnd(32, '0'), 'hex'), Buffer.from(digits.padEnd(32, 'f'), 'hex')];
}

/** `YYYY-MM-DD HH:MM:SS.SSS` UTC, as `datetime('now','subsec')` writes it. */
export function sqlTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('T', ' ').replace('Z', '');
}
