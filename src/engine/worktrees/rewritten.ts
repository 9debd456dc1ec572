import type { FileChange, IndexedChange } from './commits.ts';
import type { Git } from './git.ts';

/**
 * Takes back what `git add` rewrote by itself, and returns the other changes: a file that is byte for byte the commit's,
 * though its attributes ask for other line ends than it was committed with. git calls it modified from its checkout on;
 * nobody did anything to it, and a stage must not be charged with it.
 */
export async function withoutRewritten(
  git: Git,
  changes: readonly IndexedChange[],
): Promise<readonly FileChange[]> {
  const suspects = changes.filter(
    // Only where nothing but a file is: a link would be followed.
    ({ kind, mode, modeBefore, path }) =>
      kind === 'modified' && mode === modeBefore && mode.startsWith('100') && isPlainLine(path),
  );
  const rewritten = suspects.length === 0 ? [] : await takenBack(git, suspects);
  return changes.filter((change) => !rewritten.includes(change)).map(({ path, kind }) => ({ path, kind }));
}

async function takenBack(git: Git, suspects: readonly IndexedChange[]): Promise<readonly IndexedChange[]> {
  const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
  const bytes = await git.run(['hash-object', '--no-filters', '--stdin-paths'], {
    input: lines(suspects.map(({ path }) => path)),
  });
  const objects = bytes.split('\n');
  const rewritten = suspects.filter(({ objectBefore }, index) => objects[index] === objectBefore);
  if (rewritten.length === 0) return [];
  await git.run(['update-index', '--index-info'], {
    input: lines(rewritten.map(({ mode, objectBefore, path }) => `${mode} ${objectBefore}\t${path}`)),
  });
  return rewritten;
}

/** One that git reads from a line as it stands there. */
function isPlainLine(path: string): boolean {
  return !/^"|\n/.test(path);
}
