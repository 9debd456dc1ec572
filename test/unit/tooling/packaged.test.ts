import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { packagedFiles } from '../../support/packagedFiles.ts';
import { repositoryRoot } from '../../support/sourceTree.ts';

describe('what is packaged', () => {
  test('has every program that is built from the sources', async () => {
    const programs = (await builtPrograms()).map((name) => `dist/${name}.js`);
    expect(programs).toContain('dist/host.js');
    expect(await missing(programs)).toEqual([]);
  });

  test('has every file that a program takes by its path when it runs', async () => {
    const files = (await takenByPath()).map((name) => `dist/${name}`);
    expect(files).toEqual(
      expect.arrayContaining(['dist/server.js', 'dist/storeWorker.js', 'dist/sql-wasm.wasm']),
    );
    expect(await missing(files)).toEqual([]);
  });
});

async function missing(wanted: readonly string[]): Promise<readonly string[]> {
  const packaged = new Set(await packagedFiles());
  return wanted.filter((path) => !packaged.has(path));
}

/** The names of those that the build makes of `src`: the others are for whoever works on the project. */
async function builtPrograms(): Promise<readonly string[]> {
  const build: unknown = await import(pathToFileURL(join(repositoryRoot, 'scripts/build.mjs')).href);
  const { entries } = v.parse(v.object({ entries: v.record(v.string(), v.string()) }), build);
  return Object.entries(entries).flatMap(([name, source]) => (source.startsWith('src/') ? [name] : []));
}

/** `join(folder, 'name.js')` in the sources: what is required, or started as a worker or a process. */
async function takenByPath(): Promise<readonly string[]> {
  const sources = await readdir(join(repositoryRoot, 'src'), { recursive: true });
  const texts = await Promise.all(
    sources
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFile(join(repositoryRoot, 'src', path), 'utf8')),
  );
  const names = texts.flatMap((text) =>
    [...text.matchAll(/join\([\w.]+, '([\w-]+\.(?:js|wasm))'\)/g)].map(([, name = '']) => name),
  );
  return [...new Set(names)];
}
