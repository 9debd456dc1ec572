import { join } from 'node:path';
import type { Readers } from '../../engine/inspection/readers.ts';

let loaded: Readers | undefined;

/** The readers' bundle, read at the first call: activation must not pay for it. */
export function loadReaders(): Readers {
  loaded ??= (require(join(__dirname, 'readers.js')) as { readonly readers: Readers }).readers;
  return loaded;
}
