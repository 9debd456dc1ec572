import type { Stats } from 'node:fs';
import { lchown, lstat, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { whenAbsent } from '../process/runDirectory.ts';

/** Path below `root` in the form programs in a container use. Throws for a path that is not below it. */
export function relativeInside(root: string, path: string): string {
  const below = relative(root, path);
  if (below === '..' || below.startsWith(`..${sep}`) || below.includes(':')) {
    throw new OrchestratorError(
      'internal',
      `${path} is not below ${root}, which is all that a container sees.`,
    );
  }
  return below.split(sep).join('/');
}

/**
 * Throws unless the run directory is a real folder below `runsPath`. An agent can write to the folder above it: a link
 * put there in advance would send what we write somewhere else on the host.
 */
export async function assertRealFolder(runsPath: string, runDir: string): Promise<void> {
  const below = relativeInside(runsPath, runDir);
  if ((await realpath(runDir)) !== join(await realpath(runsPath), below)) {
    throw new OrchestratorError('internal', `The run directory ${runDir} leads to another place.`, {
      remedy: 'Cancel the task and look at what its agent left there.',
    });
  }
}

/** False for links, pipes and whatever else an agent may have put in the place of a file. */
export async function isRegularFile(path: string): Promise<boolean> {
  return (await lstat(path).catch(whenAbsent))?.isFile() ?? false;
}

/** So many calls for files are open at a time. */
const giving = 64;

/**
 * Gives a whole tree to these ids; links are given themselves and never followed. For a host that runs as root. What
 * vanishes meanwhile needs no owner.
 */
export async function giveTree(
  path: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const found = await giveOne(path, owner).catch(whenAbsent);
  if (found === null || !found.isDirectory()) return;
  const entries = (await readdir(path, { withFileTypes: true }).catch(whenAbsent)) ?? [];
  const files = entries.filter((entry) => !entry.isDirectory());
  for (let first = 0; first < files.length; first += giving) {
    const batch = files.slice(first, first + giving);
    await Promise.all(batch.map(({ name }) => giveOne(join(path, name), owner).catch(whenAbsent)));
  }
  for (const entry of entries) if (entry.isDirectory()) await giveTree(join(path, entry.name), owner);
}

export async function giveOne(
  path: string,
  owner: { readonly uid: number; readonly gid: number },
): Promise<Stats> {
  const found = await lstat(path);
  if (found.uid !== owner.uid || found.gid !== owner.gid) await lchown(path, owner.uid, owner.gid);
  return found;
}
