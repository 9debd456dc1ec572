// An engine at rest, as the extension loads it: `node rest.mjs DIST STORAGE REPOSITORY`; without arguments a Node that does
// nothing. Says `ready` when it has come to rest, then how many callbacks have run so far for each line it reads; ends with
// its standard input.
import { createHook } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);

async function open([dist, storage, repository]) {
  const { engine } = require(join(dist, 'engine.js'));
  const silent = () => {};
  const orchestrator = await engine.openOrchestrator({
    worktrees: new engine.WorktreeManager({
      repositoryPath: repository,
      worktreesDir: join(storage, 'worktrees'),
    }),
    repository: { path: '/repository', name: 'repository' },
    storage,
    distFolder: dist,
    containerFolder: join(dirname(dist), 'media', 'container'),
    environment: {},
    clock: engine.systemClock,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    drive: 'all',
    holder: 'a bench',
    onProgress: silent,
  });
  await orchestrator.start();
  return orchestrator;
}

const args = process.argv.slice(2);
// Held on to: what nobody refers to would be collected.
globalThis.orchestrator = args.length === 0 ? null : await open(args);
global.gc();
await new Promise((resolve) => setTimeout(resolve, 3_000));
global.gc();

let callbacks = 0;
// Timers, messages of the database's thread, sockets: whatever makes code of ours run. V8's own timers, with which it looks
// for garbage for some minutes after a start, are none of these.
createHook({
  before() {
    callbacks += 1;
  },
}).enable();
const input = createInterface({ input: process.stdin });
input.on('line', () => process.stdout.write(`${callbacks}\n`));
input.on('close', () => process.exit(0));
process.stdout.write('ready\n');
