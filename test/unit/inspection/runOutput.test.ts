import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
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
    {
      kind: 'does',
      text: 'Read src/a.js',
      hasDetail: true,
      detail: expect.stringContaining('file_path'),
      calls: '1',
    },
  ]);
  expect(entriesOfLine(cliOutput.result('1', 'no such file\nat a.js', true), '/workspace')).toEqual([
    {
      kind: 'failed-result',
      text: 'no such file',
      hasDetail: true,
      detail: 'no such file\nat a.js',
      answers: '1',
    },
  ]);
});

test('a run that was ended early left no count of tokens', async () => {
  const path = join(await temporaryDirectory(), 'stdout.jsonl');
  expect(await readUsage(path)).toBeNull();
  await writeFile(path, `${cliOutput.says('"result"')}\n`);
  expect(await readUsage(path)).toBeNull();
});

describe('a tool call and its result', () => {
  /** Calls that are answered late, out of order, or never, among what the agent says. */
  const lines = [
    cliOutput.does('a', 'Read', { file_path: '/workspace/one.js' }),
    cliOutput.does('b', 'Bash', { command: 'npm test' }),
    cliOutput.says('Both at once.'),
    cliOutput.result('b', 'not ok 2\n# fail 1', true),
    cliOutput.result('a', 'export const one = 1;'),
    cliOutput.result('of nobody', 'stray words\nof a call before'),
    cliOutput.does('c', 'Bash', { command: 'sleep 1' }),
    cliOutput.does('a', 'Read', { file_path: '/workspace/two.js' }),
    cliOutput.result('a', 'the id comes again'),
    cliOutput.says('after'),
  ];

  test('are one entry: the call, and whether it failed', async () => {
    const read = await output(`${lines.join('\n')}\n`);
    expect(
      (await read.entries(0, 100)).map(({ index, kind, text, call }) => [index, kind, text, call]),
    ).toEqual([
      [0, 'does', 'Read one.js', 'done'],
      [1, 'does', 'Bash npm test', 'failed'],
      [2, 'says', 'Both at once.', null],
      [3, 'result', 'stray words', null],
      [4, 'does', 'Bash sleep 1', 'open'],
      [5, 'does', 'Read two.js', 'done'],
      [6, 'says', 'after', null],
    ]);
    expect(read.total).toBe(7);
    expect(await read.detail(1)).toEqual({
      text: expect.stringContaining('"command": "npm test"'),
      isCut: false,
      result: { text: 'not ok 2\n# fail 1', isCut: false },
    });
    expect(await read.detail(0)).toMatchObject({ result: { text: 'export const one = 1;' } });
    expect(await read.detail(4)).toMatchObject({ result: null });
    expect(await read.detail(3)).toMatchObject({ text: 'stray words\nof a call before', result: null });
  });

  test('are found by the words of either, as one match', async () => {
    const read = await output(`${lines.join('\n')}\n`);
    expect(await read.search('NOT OK')).toEqual({ matches: [1], isCut: false });
    expect(await read.search('one')).toEqual({ matches: [0], isCut: false });
    expect(await read.search('comes again')).toEqual({ matches: [5], isCut: false });
    expect(await read.search('sleep')).toEqual({ matches: [4], isCut: false });
    expect(await read.search('words')).toEqual({ matches: [3], isCut: false });
  });

  test('are numbered alike whether they are read from the beginning or from the middle of a long run', async () => {
    const calls = Array.from({ length: 2_000 }, (_, number) => [
      cliOutput.does(`call ${number}`, 'Bash', { command: `step ${number}` }),
      // Answered five calls later: also across the places that reading begins at.
      ...(number < 5
        ? []
        : [cliOutput.result(`call ${number - 5}`, `result ${number - 5}\nmore`, number % 7 === 0)]),
    ]).flat();
    const read = await output(`${calls.join('\n')}\n`);
    expect(read.total).toBe(2_000);
    for (const index of [0, 254, 255, 256, 257, 1_023, 1_500, 1_994, 1_995, 1_999]) {
      const [entry] = await read.entries(index, 1);
      const call = index > 1_994 ? 'open' : (index + 5) % 7 === 0 ? 'failed' : 'done';
      expect(entry).toMatchObject({ index, text: `Bash step ${index}`, call });
      expect((await read.detail(index))?.result?.text ?? null).toBe(
        index > 1_994 ? null : `result ${index}\nmore`,
      );
    }
  });

  test('that comes later is told once, for the call it is of', async () => {
    const path = join(await temporaryDirectory(), 'stdout.jsonl');
    await writeFile(path, `${lines.slice(0, 3).join('\n')}\n`);
    const read = new RunOutput(path, '/workspace');
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const steps: (readonly number[])[] = [];
    const following = read.follow(ended, new AbortController().signal, () => steps.push(read.takeAnswered()));
    await vi.waitFor(() => expect(read.total).toBe(3));
    await appendFile(path, `${lines[3]}\n`);
    await vi.waitFor(() => expect(read.callState(1)).toBe('failed'));
    expect((await read.entries(1, 1))[0]?.call).toBe('failed');
    end();
    await following;
    expect(steps.flat()).toEqual([1]);
  });
});
