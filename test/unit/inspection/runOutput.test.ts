import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { entriesOfLine } from '../../../src/engine/inspection/liveEntries.ts';
import { readUsage, RunOutput } from '../../../src/engine/inspection/runOutput.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { cliOutput } from '../../support/webviewSession.ts';

async function output(text: string): Promise<RunOutput> {
  const path = join(await temporaryDirectory(), 'stdout.jsonl');
  await writeFile(path, text);
  const read = new RunOutput(path, '/workspace');
  await read.follow(Promise.resolve(), new AbortController().signal, () => undefined);
  return read;
}

test('any entry of a long output is found again, the last line without an end too', async () => {
  const lines = Array.from({ length: 3_000 }, (_, index) =>
    cliOutput.says(`entry ${index} ${'é'.repeat(index % 50)}`),
  );
  const read = await output(lines.join('\n'));
  expect(read).toMatchObject({ total: 3_000, ended: true });
  for (const index of [0, 255, 256, 257, 1_999, 2_600, 2_999]) {
    const [entry] = await read.entries(index, 1);
    expect(entry).toMatchObject({ index, text: expect.stringMatching(new RegExp(`^entry ${index} `)) });
  }
  expect(await read.entries(2_990, 500)).toHaveLength(10);
  expect(await read.entries(3_000, 10)).toEqual([]);
  expect(await read.detail(3_000)).toBeNull();
});

test('what is no line of the CLI is shown, without terminal controls and marks that turn the text', async () => {
  const read = await output('\u001b[31mplain\u001b[0m \u202Etext\n\n{"type":"assistant","message":7}\n');
  expect((await read.entries(0, 10)).map(({ kind, text }) => [kind, text])).toEqual([
    ['raw', '[31mplain[0m text'],
    ['raw', '{"type":"assistant","message":7}'],
  ]);
});

test('a line of megabytes is an entry of a few thousand characters with the rest behind it', async () => {
  const read = await output(`${cliOutput.says('x'.repeat(3_000_000))}\n${cliOutput.says('after')}\n`);
  const [long, after] = await read.entries(0, 2);
  expect(long?.text.length).toBe(4_000);
  expect(long?.hasDetail).toBe(true);
  expect(after?.text).toBe('after');
  expect(await read.detail(0)).toMatchObject({ isCut: true });
});

test('paths below the worktree are shown without it; the input and a failed result are folded', () => {
  expect(
    entriesOfLine(cliOutput.does('1', 'Read', { file_path: '/workspace/src/a.js' }), '/workspace'),
  ).toEqual([
    { kind: 'does', text: 'Read src/a.js', hasDetail: true, detail: expect.stringContaining('file_path') },
  ]);
  expect(entriesOfLine(cliOutput.result('1', 'no such file\nat a.js', true), '/workspace')).toEqual([
    { kind: 'failed-result', text: 'no such file', hasDetail: true, detail: 'no such file\nat a.js' },
  ]);
});

test('a run that was ended early left no count of tokens', async () => {
  const path = join(await temporaryDirectory(), 'stdout.jsonl');
  expect(await readUsage(path)).toBeNull();
  await writeFile(path, `${cliOutput.says('"result"')}\n`);
  expect(await readUsage(path)).toBeNull();
});
