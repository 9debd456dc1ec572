import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import * as v from 'valibot';
import { repositoryRoot } from './sourceTree.ts';

/** What package.json's `files` means, as paths below the root: files, whole folders, and names with one star. */
export async function packagedFiles(): Promise<readonly string[]> {
  const manifest: unknown = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8'));
  const { files } = v.parse(v.object({ files: v.array(v.string()) }), manifest);
  return (await Promise.all(files.map(expand))).flat();
}

async function expand(pattern: string): Promise<readonly string[]> {
  const [start = '', end] = basename(pattern).split('*');
  if (end !== undefined) {
    const names = await readdir(join(repositoryRoot, dirname(pattern)));
    return names
      .filter((name) => name.startsWith(start) && name.endsWith(end))
      .map((name) => join(dirname(pattern), name));
  }
  const found = await stat(join(repositoryRoot, pattern)).catch(() => null);
  // Made when the VSIX is: a few KB of texts for translators.
  if (found === null) return [];
  if (found.isFile()) return [pattern];
  const entries = await readdir(join(repositoryRoot, pattern), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(repositoryRoot, join(entry.parentPath, entry.name)));
}
