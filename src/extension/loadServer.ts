import { join } from 'node:path';
import type { ServerBundle } from '../engine/server/serverBundle.ts';

let loaded: ServerBundle | undefined;

/** The server's bundle, read at the first call: most windows never ask for a server. */
export function loadServer(): ServerBundle {
  loaded ??= (require(join(__dirname, 'server.js')) as { readonly server: ServerBundle }).server;
  return loaded;
}
