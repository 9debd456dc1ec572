import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { quarantineOf } from './integrity.ts';
import type { Worktree } from './worktree.ts';

const hookSchema = v.variant('type', [
  /** `content` in base64. */
  v.object({ type: v.literal('file'), mode: v.number(), content: v.string() }),
  v.object({ type: v.literal('link'), target: v.string() }),
]);

type Hook = v.InferOutput<typeof hookSchema>;

/** Path below the hooks folder -> what lies there. */
export const hooksSchema = v.record(v.string(), hookSchema);

type Hooks = v.InferOutput<typeof hooksSchema>;

/** Read synchronously: they are few and small, and each of git's samples through the thread pool, at every stage, took far longer. */
export function hooksOf(commonGitDir: string): Hooks {
  const folder = join(commonGitDir, 'hooks');
  if (!existsSync(folder)) return {};
  const hooks = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(
    (name) => [name, hookAt(join(folder, name))] as const,
  );
  return Object.fromEntries(hooks.filter((entry): entry is readonly [string, Hook] => entry[1] !== null));
}

function hookAt(path: string): Hook | null {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) return { type: 'link', target: readlinkSync(path) };
  if (!status.isFile()) return null;
  return { type: 'file', mode: status.mode & 0o777, content: readFileSync(path, 'base64') };
}

/** Makes the hooks those again that were there; what lies in their place is put into quarantine. Returns what was wrong. */
export async function putBackHooks(
  commonGitDir: string,
  worktree: Worktree,
  before: Hooks,
): Promise<readonly string[]> {
  const now = hooksOf(commonGitDir);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]),
  );
  for (const name of changed) {
    const path = join(commonGitDir, 'hooks', name);
    if (now[name] !== undefined) await quarantine(worktree, path);
    const hook = before[name];
    if (hook !== undefined) await restore(path, hook);
  }
  return changed.map((name) => `The hook ${name} was changed.`);
}

async function quarantine(worktree: Worktree, path: string): Promise<void> {
  const folder = quarantineOf(worktree);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rename(path, join(folder, `${(await readdir(folder)).length + 1}-hook`));
}

async function restore(path: string, hook: Hook): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (hook.type === 'link') {
    await symlink(hook.target, path);
    return;
  }
  await writeFile(path, Buffer.from(hook.content, 'base64'), { flag: 'wx' });
  await chmod(path, hook.mode);
}
