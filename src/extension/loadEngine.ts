import { join } from 'node:path';
import type { EngineBundle } from './engineBundle.ts';

let loaded: EngineBundle | undefined;

/** The engine's bundle, read at the first call (some 30 ms): activation must not pay for it. */
export function loadEngine(): EngineBundle {
  loaded ??= (require(join(__dirname, 'engine.js')) as { readonly engine: EngineBundle }).engine;
  return loaded;
}
