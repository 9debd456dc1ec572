import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { packagedFiles } from '../../support/packagedFiles.ts';
import { repositoryRoot } from '../../support/sourceTree.ts';

const kilobyte = 1024;

/** What is read and compiled before a person sees anything, in KB: more is a slower start on every machine. */
const budgets: Readonly<Record<string, number | undefined>> = {
  // Every window that has a workspace loads it.
  'dist/extension.js': 150,
  // When a view is first shown.
  'dist/engine.js': 1_150,
  // With the first page.
  'dist/readers.js': 90,
  // Each command of a terminal.
  'dist/host.js': 1_500,
  // When someone asks for a server.
  'dist/server.js': 900,
  // With the import of a board.
  'dist/boardWorker.js': 150,
  // Before an engine can answer.
  'dist/storeWorker.js': 220,
  // Each run on the host.
  'dist/supervisor.js': 60,
  // While anything runs.
  'dist/launcher.js': 280,
  // Each page.
  'dist/webview/inspector.js': 400,
  'dist/webview/board.js': 400,
  'dist/webview/metrics.js': 60,
};

/** Everyone downloads it with every update; scripts/package.mjs refuses more. */
const largestVsix = 3 * kilobyte * kilobyte;

describe('what is built', () => {
  test('every script that goes into the VSIX keeps its budget', async () => {
    const scripts = (await packagedFiles()).filter(
      (path) => path.startsWith('dist/') && path.endsWith('.js'),
    );
    expect(scripts).toContain('dist/extension.js');
    const tooLarge = await Promise.all(
      scripts.map(async (path) => {
        const kilobytes = (await stat(join(repositoryRoot, path))).size / kilobyte;
        const budget = budgets[path];
        return budget !== undefined && kilobytes <= budget
          ? []
          : [`${path}: ${kilobytes} KB of ${budget ?? 'none'}`];
      }),
    );
    expect(tooLarge.flat()).toEqual([]);
  });

  test('the VSIX stays below 3 MB', async () => {
    const packed = await Promise.all(
      (await packagedFiles()).map(
        async (path) => deflateRawSync(await readFile(join(repositoryRoot, path))).length,
      ),
    );
    expect(packed.length).toBeGreaterThan(15);
    expect(packed.reduce((sum, size) => sum + size, 0)).toBeLessThan(largestVsix);
  });
});
