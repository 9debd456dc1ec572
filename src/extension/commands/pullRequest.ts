import * as vscode from 'vscode';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { EngineBundle } from '../engineBundle.ts';
import { viewIds } from '../contributions/ids.ts';
import { confirm } from './confirm.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { questions } from './moves.ts';
import { oneTask } from './taskArgument.ts';

/** Pushing and opening a pull request talk to a server that may be slow, never this slow. */
const serverTimeoutMs = 120_000;

/** Pushes the branch of a completed task to its remote and opens a pull request with GitHub's `gh`. */
export function createPullRequest({
  session,
  messages,
  loadEngine,
}: Pick<CommandContext, 'session' | 'messages' | 'loadEngine'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().pullRequest);
    const { worktree } = task;
    const repository = session.repositoryPath;
    if (worktree === null || repository === null)
      throw new OrchestratorError('bad-input', questions().pullRequest.none);
    const bundle = loadEngine();
    const gh = await findGh(bundle, repository);
    await confirm({
      severity: 'info',
      question: vscode.l10n.t('Create a pull request for "{0}"?', task.title),
      detail: vscode.l10n.t('The branch {0} is pushed to "origin".', worktree.branch),
      yes: vscode.l10n.t('Push and Create'),
    });
    const run = (program: string, ...args: readonly string[]): Promise<string> =>
      runIn(bundle, repository, program, args);
    const url = await vscode.window.withProgress({ location: { viewId: viewIds.tasks } }, async () => {
      await run('git', 'push', '--set-upstream', 'origin', `refs/heads/${worktree.branch}`);
      const base = worktree.baseBranch === null ? [] : ['--base', worktree.baseBranch];
      const body = task.description === '' ? task.title : task.description;
      return run(
        gh,
        'pr',
        'create',
        '--head',
        worktree.branch,
        ...base,
        '--title',
        task.title,
        '--body',
        body,
      );
    });
    messages.info(vscode.l10n.t('The pull request for "{0}" is open.', task.title), {
      label: vscode.l10n.t('Open'),
      command: 'vscode.open',
      args: [vscode.Uri.parse(url.trim().split('\n').at(-1) ?? '')],
    });
  };
}

async function findGh({ findExecutable }: EngineBundle, repository: string): Promise<string> {
  const gh = await findExecutable('gh', process.env['PATH'] ?? '', [repository]);
  if (gh !== null) return gh;
  throw new OrchestratorError('environment', vscode.l10n.t('GitHub\'s command line "gh" was not found.'), {
    remedy: vscode.l10n.t('Install it from https://cli.github.com and sign in with "gh auth login".'),
  });
}

async function runIn(
  { execute }: EngineBundle,
  cwd: string,
  program: string,
  args: readonly string[],
): Promise<string> {
  const { exitCode, stdout, stderr } = await execute(program, args, {
    cwd,
    // Nobody could answer a question.
    env: { GIT_TERMINAL_PROMPT: '0', GH_PROMPT_DISABLED: '1' },
    timeoutMs: serverTimeoutMs,
  });
  if (exitCode === 0) return stdout;
  throw new OrchestratorError('environment', stderr.trim().split('\n').slice(-3).join(' '));
}
