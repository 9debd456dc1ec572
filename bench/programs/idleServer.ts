// The built server in a process of its own, so that its clients' ends are not counted with it: `node idleServer.mjs DIST STORAGE`.
// Says where it listens, then what memory it holds after a collection for each line it reads; ends with its standard input.
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { serveStorage } from '../harness/servedStorage.ts';

const [distFolder = '', storage = ''] = process.argv.slice(2);
const { url, token, store } = await serveStorage(storage, { distFolder });
const { lastSeq } = await store.load();
const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
say({ url, token, head: lastSeq });
for await (const _line of input) {
  // What a collection leaves to finalizers is gone with the next one.
  for (let round = 0; round < 4; round += 1) {
    global.gc?.();
    await delay(100);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  say({ held: heapUsed + external, rss });
}
