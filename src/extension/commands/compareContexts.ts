import * as vscode from 'vscode';
import type { Records } from '../../engine/engine.ts';
import type { Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { contextUri } from '../review/openDocuments.ts';
import { plainLine } from '../views/markdownText.ts';
import { clockTime, stageLabel } from '../views/taskLabels.ts';
import type { CommandBody, CommandContext } from './context.ts';
import { questions } from './moves.ts';
import { oneTask } from './taskArgument.ts';

type Version = Awaited<ReturnType<Records['bundles']>>[number];

/** Shows two versions of what a stage of a task passed on in the diff editor. */
export function compareContexts({ session }: Pick<CommandContext, 'session'>): CommandBody {
  return async (arg) => {
    const task = await oneTask(session, arg, questions().any);
    const { records } = await session.engine();
    const versions = await records.bundles(task.id);
    const isOneOfSeveral = ({ stage }: Version): boolean =>
      versions.filter((each) => each.stage === stage).length > 1;
    const candidates = versions.filter(isOneOfSeveral).toReversed();
    if (candidates.length === 0) {
      throw new OrchestratorError(
        'bad-input',
        vscode.l10n.t('No context of "{0}" has a second version to compare with.', task.title),
      );
    }
    const one = await pick(candidates, vscode.l10n.t('The version to compare'));
    const others = candidates.filter(({ stage, version }) => stage === one.stage && version !== one.version);
    const other = others.length === 1 ? others[0] : await pick(others, vscode.l10n.t('Compare with'));
    if (other === undefined) return;
    const [before, after] = one.version < other.version ? [one, other] : [other, one];
    await vscode.commands.executeCommand(
      'vscode.diff',
      uriOf(task, before),
      uriOf(task, after),
      vscode.l10n.t(
        '{0} of "{1}": version {2} and {3}',
        nameOf(one.stage),
        plainLine(task.title, 60),
        before.version,
        after.version,
      ),
      { preview: true },
    );
  };
}

async function pick(versions: readonly Version[], placeHolder: string): Promise<Version> {
  const now = Date.now();
  const picked = await vscode.window.showQuickPick(
    versions.map((version) => ({
      label: vscode.l10n.t('{0}, version {1}', nameOf(version.stage), version.version),
      description: clockTime(version.createdAt, now),
      version,
    })),
    { placeHolder },
  );
  if (picked === undefined) throw new vscode.CancellationError();
  return picked.version;
}

function uriOf(task: Task, { digest, stage, version }: Version): vscode.Uri {
  return contextUri(task, digest, `${stage} v${version}`);
}

function nameOf(stage: Version['stage']): string {
  return stage === 'request' ? vscode.l10n.t('Request') : stageLabel(stage);
}
