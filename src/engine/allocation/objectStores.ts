import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { readIfPresent } from '../process/runDirectory.ts';
import type { Mount } from './containerEngine.ts';
import { inside } from './containerLayout.ts';

/** The object folders a repository reads from: its own and those it borrows from. */
export interface ObjectStores {
  /** Their paths inside a container. */
  readonly pathsInside: readonly string[];
  /** Read-only binds; `emptyFile` hides the lists of borrowed folders, which name host paths. */
  mounts(emptyFile: string): readonly Mount[];
}

/** Git itself follows no longer chain. */
const maxStores = 6;

export async function findObjectStores(commonGitDir: string): Promise<ObjectStores> {
  const stores: { readonly path: string; readonly borrows: boolean }[] = [];
  const pending = [join(commonGitDir, 'objects')];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const path = await realpath(next);
    if (stores.some((store) => store.path === path)) continue;
    if (stores.length === maxStores) throw unusable(commonGitDir, 'they chain too many object folders');
    const list = await readIfPresent(join(path, 'info', 'alternates'));
    const alternates = (list ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    if (alternates.some((line) => line.startsWith('"')))
      throw unusable(commonGitDir, 'one of them has a quoted name');
    stores.push({ path, borrows: list !== null });
    pending.push(...alternates.map((line) => resolve(path, line)));
  }
  const target = (index: number) => (index === 0 ? inside.objects : `${inside.objects}-${index}`);
  const shallow = join(commonGitDir, 'shallow');
  const isShallow = (await readIfPresent(shallow)) !== null;
  return {
    pathsInside: stores.map((_, index) => target(index)),
    mounts: (emptyFile) => [
      ...stores.map((store, index) => ({ source: store.path, target: target(index), readOnly: true })),
      ...stores.flatMap((store, index) =>
        store.borrows
          ? [{ source: emptyFile, target: `${target(index)}/info/alternates`, readOnly: true }]
          : [],
      ),
      ...(isShallow ? [{ source: shallow, target: inside.shallow, readOnly: true }] : []),
    ],
  };
}

function unusable(commonGitDir: string, why: string): OrchestratorError {
  return new OrchestratorError(
    'environment',
    `The alternates of ${commonGitDir} cannot be used in a container: ${why}.`,
    {
      remedy: 'Run "git repack -a -d" and remove objects/info/alternates, or use process isolation.',
    },
  );
}
