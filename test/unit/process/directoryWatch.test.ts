import { once } from 'node:events';
import { watch } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DirectoryWatch } from '../../../src/engine/process/directoryWatch.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

it('wakes at a change of the files it is about, not at one of others', async () => {
  const folder = await temporaryFolder();
  const directory = new DirectoryWatch(folder, ['exit.json']);
  const anything = watch(folder);
  const other = once(anything, 'change');
  let isAwake = false;
  const woken = directory.next().then(() => {
    isAwake = true;
  });
  await writeFile(join(folder, 'stdout.jsonl'), 'a line\n');
  // The watch heard of it no later: it was there first.
  await other;
  expect(isAwake).toBe(false);
  await writeFile(join(folder, 'exit.json'), '{}');
  await woken;
  directory.close();
  anything.close();
});
