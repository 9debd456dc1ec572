import { mkdir, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { readIfPresent } from '../process/runDirectory.ts';
import { exists } from './files.ts';
import { Git, withoutLineEnd } from './git.ts';
import { putBackGitFile } from './integrity.ts';
import {
  freshMarker,
  readMarker,
  readRecord,
  removeAdminDir,
  writeMarker,
  writeRecord,
  type WorktreeRecord,
} from './marker.ts';
import { branchPrefix, nameCandidates } from './names.ts';
import { branchCommit, headOf, registeredWorktrees, type RepositoryPlace } from './repository.ts';
import { branchRef, looseRef, type Worktree } from './worktree.ts';

export interface EnsureRequest {
  readonly taskId: string;
  readonly title: string;
  /** null = the branch that is checked out; with a detached HEAD that commit, and nothing to merge into. */
  readonly baseBranch: string | null;
}

/** Makes the task's worktree, or finds it, or mends it: branch, git's entry for it, folder and `.git` file; no other files. */
export async function ensureWorktree(
  place: RepositoryPlace,
  worktreesDir: string,
  request: EnsureRequest,
): Promise<Worktree> {
  const git = new Git({ gitDir: place.gitDir, workTree: place.topLevel });
  await mkdir(worktreesDir, { recursive: true, mode: 0o700 });
  // As git will note it.
  const folder = await realpath(worktreesDir);
  const earlier = await findByTask(place.commonGitDir, request.taskId);
  const record =
    earlier?.record ??
    (await readRecord(git, request.taskId)) ??
    (await newRecord(place, git, folder, request));

  const path = earlier?.path ?? join(folder, basename(record.branch));
  const ref = branchRef(record.branch);
  const tip = (await looseRef(place.commonGitDir, ref)) ?? (await git.commitOf(ref));
  if (tip === null) await createBranch(git, record);
  const adminDir = (await usableAdminDir(place, path, record)) ?? (await register(git, path, record));
  const worktree: Worktree = { ...record, path, adminDir, commonGitDir: place.commonGitDir };
  const isNew = (await readMarker(adminDir)) === null || !(await exists(path));
  // Before the folder: if this is the last thing that happens, an empty folder must not pass for one with all files deleted.
  if (isNew)
    await writeMarker(adminDir, {
      ...((await readMarker(adminDir)) ?? freshMarker(record)),
      populated: false,
    });
  await mkdir(path, { recursive: true });
  await putBackGitFile(worktree);
  return worktree;
}

async function findByTask(
  commonGitDir: string,
  taskId: string,
): Promise<{ record: WorktreeRecord; path: string | null } | null> {
  for (const { adminDir, path } of await registeredWorktrees(commonGitDir)) {
    const marker = await readMarker(adminDir);
    if (marker?.taskId !== taskId) continue;
    const { branch, baseBranch, baseCommit } = marker;
    return { record: { taskId, branch, baseBranch, baseCommit }, path };
  }
  return null;
}

/** Settles on a name and a base, and writes both down before anything is made by them. */
async function newRecord(
  place: RepositoryPlace,
  git: Git,
  folder: string,
  { taskId, title, baseBranch }: EnsureRequest,
): Promise<WorktreeRecord> {
  const head = await headOf(place);
  const base = baseBranch ?? head.branch;
  const baseCommit = base === null ? head.commit : await branchCommit(git, base);
  if ((await git.commitOf(branchRef(withoutSlash(branchPrefix)))) !== null) {
    throw new OrchestratorError(
      'environment',
      'The repository has a branch "orchestrator", so none can begin with "orchestrator/".',
      {
        remedy: 'Rename the branch "orchestrator".',
      },
    );
  }
  for (const name of nameCandidates(taskId, title)) {
    const branch = branchPrefix + name;
    if ((await git.commitOf(branchRef(branch))) !== null || (await exists(join(folder, name)))) continue;
    const record = { taskId, branch, baseBranch: base, baseCommit };
    await writeRecord(git, record);
    return record;
  }
  throw new OrchestratorError('environment', `Every branch name for task ${taskId} is taken.`, {
    remedy: 'Delete branches "orchestrator/..." that are not needed any more.',
  });
}

async function createBranch(git: Git, { branch, baseCommit }: WorktreeRecord): Promise<void> {
  await git.run(['update-ref', '-m', 'orchestrator: task', branchRef(branch), baseCommit, '']);
}

/** git's entry for the folder if git can still work with it; one that is broken is taken away. */
async function usableAdminDir(
  place: RepositoryPlace,
  path: string,
  record: WorktreeRecord,
): Promise<string | null> {
  for (const entry of await registeredWorktrees(place.commonGitDir)) {
    const isOurs = entry.path === path || (await readMarker(entry.adminDir))?.taskId === record.taskId;
    if (!isOurs) continue;
    const { adminDir } = entry;
    if (entry.path === path && (await isUsable(adminDir, place.commonGitDir, record.branch))) return adminDir;
    await removeAdminDir(adminDir);
  }
  return null;
}

async function isUsable(adminDir: string, commonGitDir: string, branch: string): Promise<boolean> {
  // As git itself wrote it, and asked at each stage: files tell without a process.
  const [common, head, tip] = await Promise.all([
    readIfPresent(join(adminDir, 'commondir')),
    readIfPresent(join(adminDir, 'HEAD')),
    looseRef(commonGitDir, branchRef(branch)),
  ]);
  if (common === '../..\n' && head === `ref: ${branchRef(branch)}\n` && tip !== null) return true;
  const git = new Git({ gitDir: adminDir, workTree: commonGitDir });
  const question = ['rev-parse', '--path-format=absolute', '--git-common-dir', 'HEAD^{commit}'];
  const { exitCode, stdout } = await git.ask(question, { answers: [0, 128] });
  return exitCode === 0 && stdout.startsWith(`${commonGitDir}\n`);
}

/** Registers the folder with git. Files that lie in it already stay: a broken entry is no reason to lose work. */
async function register(git: Git, path: string, { branch }: WorktreeRecord): Promise<string> {
  // git wants an empty folder. While this one exists it holds the true files, whatever a crash left in the other.
  const aside = `${path}.aside`;
  if (!(await exists(aside)) && (await exists(path)) && (await readdir(path)).length > 0)
    await rename(path, aside);
  if (await exists(aside)) await rm(path, { recursive: true, force: true });
  await git.run(['worktree', 'add', '--quiet', '--no-checkout', '--', path, branch]);
  const adminDir = withoutLineEnd(await readFile(join(path, '.git'), 'utf8')).replace(/^gitdir: /, '');
  if (await exists(aside)) {
    await rm(path, { recursive: true, force: true });
    await rename(aside, path);
  }
  return adminDir;
}

function withoutSlash(text: string): string {
  return text.replace(/\/$/, '');
}
