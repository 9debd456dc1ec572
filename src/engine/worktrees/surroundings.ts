import * as v from 'valibot';
import { readIfPresent } from '../process/runDirectory.ts';
import { salvage } from './commits.ts';
import { Git } from './git.ts';
import { hooksOf, hooksSchema, putBackHooks } from './hooks.ts';
import { putBackSettings } from './protectedSettings.ts';
import type { RepositoryPlace } from './repository.ts';
import { historyOf, type Worktree } from './worktree.ts';
import { join } from 'node:path';

/**
 * What an agent on the host could turn against the person, who goes on working in the repository meanwhile: refs other
 * than tasks' own, settings, hooks.
 */
export const surroundingsSchema = v.object({
  /** Name -> object. */
  refs: v.record(v.string(), v.string()),
  /** File -> its text. */
  settings: v.record(v.string(), v.nullable(v.string())),
  hooks: hooksSchema,
});

export type Surroundings = v.InferOutput<typeof surroundingsSchema>;

/** By this name the agent's own git commands are known in reflogs; a container's git has it too. */
export const agentIdentity = {
  GIT_COMMITTER_NAME: 'Orchestrator agent',
  GIT_COMMITTER_EMAIL: 'agent@localhost',
} as const;

const settingsFiles = ['config', 'config.worktree', 'info/attributes'] as const;

export async function surroundingsOf(
  place: RepositoryPlace,
  refs: Surroundings['refs'] | null,
): Promise<Surroundings> {
  const { commonGitDir } = place;
  const settings = await Promise.all(
    settingsFiles.map(async (name) => [name, await readIfPresent(join(commonGitDir, name))] as const),
  );
  return {
    refs: refs ?? (await refsOf(gitIn(place))),
    settings: Object.fromEntries(settings),
    hooks: hooksOf(commonGitDir),
  };
}

/**
 * Undoes what would run a program at the next git command: settings and hooks. Returns what that was; empty when nothing.
 * Before any git command, which would obey them.
 */
export async function putBackPrograms(
  place: RepositoryPlace,
  worktree: Worktree,
  before: Surroundings,
): Promise<readonly string[]> {
  const findings: string[] = [];
  for (const [name, text] of Object.entries(before.settings))
    findings.push(...(await putBackSettings(join(place.commonGitDir, name), name, text)));
  findings.push(...(await putBackHooks(place.commonGitDir, worktree, before.hooks)));
  return findings;
}

/** How refs other than a task's own were found after its agent ran, and what was undone of it; empty when nothing. */
export interface FoundRefs {
  readonly refs: Surroundings['refs'];
  readonly findings: readonly string[];
}

/** Undoes what the agent did to refs other than its task's. */
export async function putBackRefs(
  place: RepositoryPlace,
  worktree: Worktree,
  before: Surroundings,
): Promise<FoundRefs> {
  const git = gitIn(place);
  const refs = await refsOf(git);
  const findings: string[] = [];
  for (const [name, to] of Object.entries(refs)) {
    const from = before.refs[name];
    if (from === to || !(await isByAgent(git, name))) continue;
    const commit = await historyOf(worktree).commitOf(to);
    if (commit !== null) await salvage(worktree, commit);
    const change = from === undefined ? ['-d', name, to] : [name, from, to];
    await git.run(['update-ref', '--no-deref', ...change]);
    findings.push(`${name} was ${from === undefined ? 'made' : 'moved'}.`);
  }
  return { refs, findings };
}

async function refsOf(git: Git): Promise<Surroundings['refs']> {
  const list = await git.run(['for-each-ref', '--format=%(objectname) %(symref) %(refname)']);
  return Object.fromEntries(
    list.split('\n').flatMap((line) => {
      const [object = '', symref, name = ''] = line.split(' ');
      const isOther = name !== '' && symref === '' && !/^refs\/(heads\/)?orchestrator\//.test(name);
      return isOther ? [[name, object] as const] : [];
    }),
  );
}

/** By the reflog, or the tagger. What neither tells about is left alone: the person may just as well have done it. */
async function isByAgent(git: Git, name: string): Promise<boolean> {
  const { stdout: moved } = await git.ask(
    ['log', '--no-show-signature', '-g', '-1', '--format=%ge', name, '--'],
    {
      answers: [0, 128],
    },
  );
  const tagged = await git.run(['for-each-ref', '--format=%(taggeremail:trim)', name]);
  return [moved, tagged].some((email) => email.trim() === agentIdentity.GIT_COMMITTER_EMAIL);
}

function gitIn({ gitDir, topLevel }: RepositoryPlace): Git {
  return new Git({ gitDir, workTree: topLevel });
}
