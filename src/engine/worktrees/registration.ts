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
  writeRecordAndBranch,
  type Marker,
  type WorktreeRecord,
} from './marker.ts';
import { branchPrefix, nameCandidates } from './names.ts';
import { type RecordedWork, refuseLoss, takeUpWork } from './recordedWork.ts';
import { commitOfBranch, refByFiles } from './refFiles.ts';
import {
  branchCommit,
  headOf,
  registeredAt,
  type RegisteredWorktree,
  registeredWorktrees,
  type RepositoryHead,
  type RepositoryPlace,
} from './repository.ts';
import { branchRef, type Worktree } from './worktree.ts';

export interface EnsureRequest {
  readonly taskId: string;
  readonly title: string;
  /** null = the branch that is checked out; with a detached HEAD that commit, and nothing to merge into. */
  readonly baseBranch: string | null;
  /** What must be there with it. Left out where an empty branch in its place does no harm. */
  readonly work?: RecordedWork;
}

/**
 * Makes the task's worktree, or finds it, or mends it: branch, git's entry for it, folder and `.git` file; no other files.
 * Throws `environment`, with nothing made, when its branch is to hold work and is not there.
 * `knownAdminDir`: git's entry as it was found before; where it still is the task's, those of all other tasks are not looked at.
 */
export async function ensureWorktree(
  place: RepositoryPlace,
  worktreesDir: string,
  request: EnsureRequest,
  knownAdminDir: string | null,
): Promise<Worktree> {
  const git = new Git({ gitDir: place.gitDir, workTree: place.topLevel });
  await mkdir(worktreesDir, { recursive: true, mode: 0o700 });
  // As git will note it.
  const folder = await realpath(worktreesDir);
  const entries = await entriesFor(place.commonGitDir, request.taskId, knownAdminDir);
  const earlier = entries.find(({ marker }) => marker?.taskId === request.taskId);
  const known =
    recordOf(earlier) ??
    (await readRecord(git, place.commonGitDir, request.taskId)) ??
    (await takenUp(git, place.commonGitDir, request));
  const record = known ?? (await begin(place, git, folder, request));

  const path = earlier?.path ?? join(folder, basename(record.branch));
  // Whatever git's entry says: it may be the one that was made after the files were put aside.
  await takeBack(path);
  const tip = await commitOfBranch(git, place.commonGitDir, branchRef(record.branch));
  if (tip === null) {
    if (request.work !== undefined) await refuseLoss(git, request.work);
    await createBranch(git, record);
  }
  const adminDir =
    (await usableAdminDir(place, entries, path, record)) ?? (await register(git, path, record));
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

interface Entry extends RegisteredWorktree {
  readonly marker: Marker | null;
}

/** The entries among which the task's are: the one that is known, or all there are. */
async function entriesFor(
  commonGitDir: string,
  taskId: string,
  known: string | null,
): Promise<readonly Entry[]> {
  if (known !== null) {
    const entry = await withMarker(await registeredAt(known));
    if (entry.path !== null && entry.marker?.taskId === taskId) return [entry];
  }
  return Promise.all((await registeredWorktrees(commonGitDir)).map(withMarker));
}

async function withMarker(entry: RegisteredWorktree): Promise<Entry> {
  return { ...entry, marker: await readMarker(entry.adminDir) };
}

function recordOf(entry: Entry | undefined): WorktreeRecord | null {
  if (entry?.marker === null || entry?.marker === undefined) return null;
  const { taskId, branch, baseBranch, baseCommit } = entry.marker;
  return { taskId, branch, baseBranch, baseCommit };
}

async function takenUp(
  git: Git,
  commonGitDir: string,
  { taskId, work }: EnsureRequest,
): Promise<WorktreeRecord | null> {
  return work === undefined ? null : takeUpWork(git, commonGitDir, taskId, work);
}

/** Settles on a name and a base, and writes both down together with the branch, before anything else is made by them. */
async function begin(
  place: RepositoryPlace,
  git: Git,
  folder: string,
  { taskId, title, baseBranch }: EnsureRequest,
): Promise<WorktreeRecord> {
  const [base, blocking, free] = await Promise.all([
    baseOf(place, git, baseBranch),
    commitOfBranch(git, place.commonGitDir, branchRef(withoutSlash(branchPrefix))),
    freeName(git, place.commonGitDir, folder, { taskId, title }),
  ]);
  if (blocking !== null) {
    throw new OrchestratorError(
      'environment',
      'The repository has a branch "orchestrator", so none can begin with "orchestrator/".',
      {
        remedy: 'Rename the branch "orchestrator".',
      },
    );
  }
  if (free === null) {
    throw new OrchestratorError('environment', `Every branch name for task ${taskId} is taken.`, {
      remedy: 'Delete branches "orchestrator/..." that are not needed any more.',
    });
  }
  const record = { taskId, branch: branchPrefix + free, baseBranch: base.branch, baseCommit: base.commit };
  await writeRecordAndBranch(git, record);
  return record;
}

async function baseOf(place: RepositoryPlace, git: Git, baseBranch: string | null): Promise<RepositoryHead> {
  const head = await headOf(place);
  if (baseBranch === null || baseBranch === head.branch) return head;
  return { branch: baseBranch, commit: await branchCommit(git, baseBranch) };
}

/** A name that is neither a branch nor a folder yet; null when all are taken. */
async function freeName(
  git: Git,
  commonGitDir: string,
  folder: string,
  { taskId, title }: Pick<EnsureRequest, 'taskId' | 'title'>,
): Promise<string | null> {
  for (const name of nameCandidates(taskId, title)) {
    const ref = branchRef(branchPrefix + name);
    if ((await commitOfBranch(git, commonGitDir, ref)) === null && !(await exists(join(folder, name))))
      return name;
  }
  return null;
}

async function createBranch(git: Git, { branch, baseCommit }: WorktreeRecord): Promise<void> {
  await git.run(['update-ref', '-m', 'orchestrator: task', branchRef(branch), baseCommit, '']);
}

/** git's entry for the folder if git can still work with it; one that is broken is taken away. */
async function usableAdminDir(
  place: RepositoryPlace,
  entries: readonly Entry[],
  path: string,
  record: WorktreeRecord,
): Promise<string | null> {
  for (const { adminDir, path: at, marker } of entries) {
    if (at !== path && marker?.taskId !== record.taskId) continue;
    if (at === path && (await isUsable(adminDir, place.commonGitDir, record.branch))) return adminDir;
    await removeAdminDir(adminDir);
  }
  return null;
}

async function isUsable(adminDir: string, commonGitDir: string, branch: string): Promise<boolean> {
  // As git itself wrote it, and asked at each stage: files tell without a process.
  const [common, head, tip] = await Promise.all([
    readIfPresent(join(adminDir, 'commondir')),
    readIfPresent(join(adminDir, 'HEAD')),
    refByFiles(commonGitDir, branchRef(branch)),
  ]);
  if (common === '../..\n' && head === `ref: ${branchRef(branch)}\n` && typeof tip === 'string') return true;
  const git = new Git({ gitDir: adminDir, workTree: commonGitDir });
  const question = ['rev-parse', '--path-format=absolute', '--git-common-dir', 'HEAD^{commit}'];
  const { exitCode, stdout } = await git.ask(question, { answers: [0, 128] });
  return exitCode === 0 && stdout.startsWith(`${commonGitDir}\n`);
}

/** Registers the folder with git. Files that lie in it already stay: a broken entry is no reason to lose work. */
async function register(git: Git, path: string, { branch }: WorktreeRecord): Promise<string> {
  // git wants an empty folder.
  if ((await exists(path)) && (await readdir(path)).length > 0) await rename(path, asideOf(path));
  await git.run(['worktree', 'add', '--quiet', '--no-checkout', '--', path, branch]);
  const adminDir = withoutLineEnd(await readFile(join(path, '.git'), 'utf8')).replace(/^gitdir: /, '');
  await takeBack(path);
  return adminDir;
}

/** Puts the files back that lie aside, since a crash perhaps: until then they are the true ones. */
async function takeBack(path: string): Promise<void> {
  const aside = asideOf(path);
  if (!(await exists(aside))) return;
  const others = (await exists(path)) ? (await readdir(path)).filter((name) => name !== '.git') : [];
  if (others.length > 0) {
    throw new OrchestratorError('environment', `Both "${path}" and "${aside}" hold files of the task.`, {
      remedy: 'Move one of them away, then retry the task.',
    });
  }
  await rm(path, { recursive: true, force: true });
  await rename(aside, path);
}

function asideOf(path: string): string {
  return `${path}.aside`;
}

function withoutSlash(text: string): string {
  return text.replace(/\/$/, '');
}
