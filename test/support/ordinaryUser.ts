import { execFileSync } from 'node:child_process';

/** Nobody's, on every system that has root. */
const uid = 65_534;

/**
 * Has this process go on as an ordinary user, whose folder this then is, until what is returned is called: root may read and
 * write everything, and permissions show nothing. Who is an ordinary user already stays it.
 */
export function asOrdinaryUser(folder: string): () => void {
  if (process.getuid?.() !== 0) return () => {};
  execFileSync('chown', ['-R', String(uid), folder]);
  process.seteuid?.(uid);
  return () => process.seteuid?.(0);
}
