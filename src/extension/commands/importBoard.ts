import { homedir } from 'node:os';
import * as vscode from 'vscode';
import type { BoardProject } from '../../engine/interop/vibeKanban/board.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { taskSettings } from '../config.ts';
import { commandIds, viewIds } from '../contributions/ids.ts';
import { longestRow, plainLine } from '../views/markdownText.ts';
import type { CommandBody, CommandContext } from './context.ts';

type Context = Pick<CommandContext, 'session' | 'importingEngine' | 'loadEngine' | 'messages' | 'extension'>;

/** Takes the tasks of a Vibe Kanban board over. The board is only read, and no task starts by itself. */
export function importBoard(context: Context): CommandBody {
  return async () => {
    const { session, extension, messages } = context;
    const engine = await context.importingEngine();
    const { repositoryPath } = session;
    if (repositoryPath === null)
      throw new OrchestratorError('environment', vscode.l10n.t('No repository is open.'));
    const { interop } = context.loadEngine();
    const path = await pickDatabase(context);
    const distFolder = vscode.Uri.joinPath(extension.extensionUri, 'dist').fsPath;
    const board = await interop.BoardFile.open(path, distFolder);
    const counts = { imported: 0, known: 0, skipped: 0 };
    try {
      const projects = await pickProjects(context, board.projects, repositoryPath);
      await vscode.window.withProgress({ location: { viewId: viewIds.tasks } }, async () => {
        const outcomes = interop.importBoard(engine, {
          pages: board.pages(),
          projects,
          settings: taskSettings(vscode.Uri.file(repositoryPath)),
          now: Date.now(),
          dryRun: false,
        });
        for await (const { type } of outcomes) counts[type] += 1;
      });
    } finally {
      await board.close();
    }
    messages.info(
      vscode.l10n.t(
        '{0} tasks imported, none of which starts by itself; {1} were here already, {2} cannot be taken.',
        counts.imported,
        counts.known,
        counts.skipped,
      ),
      { label: vscode.l10n.t('Open Board'), command: commandIds.openBoard, args: [] },
    );
  };
}

async function pickDatabase({ loadEngine }: Context): Promise<string> {
  const found = await loadEngine().interop.findVibeKanbanDatabases({
    platform: process.platform,
    home: homedir(),
    environment: process.env,
  });
  const browse = vscode.l10n.t('Another File...');
  const picked = await vscode.window.showQuickPick([...found, browse], {
    placeHolder: vscode.l10n.t('The database of the board'),
  });
  if (picked === undefined) throw new vscode.CancellationError();
  if (picked !== browse) return picked;
  const [file] =
    (await vscode.window.showOpenDialog({
      canSelectMany: false,
      filters: { SQLite: ['sqlite', 'db'] },
      openLabel: vscode.l10n.t('Import'),
    })) ?? [];
  if (file === undefined) throw new vscode.CancellationError();
  return file.fsPath;
}

/** Those of this repository, or those the person picks where none says so. */
async function pickProjects(
  { loadEngine }: Context,
  projects: readonly BoardProject[],
  repositoryPath: string,
): Promise<readonly BoardProject[]> {
  const { interop } = loadEngine();
  const here = await interop.locateRepository(repositoryPath);
  const choices = await interop.chooseProjects(projects, null, async (path) => {
    const there = await interop.locateRepository(path).catch(() => null);
    return there === null ? null : there.commonGitDir === here.commonGitDir;
  });
  const own = choices.filter(({ isTaken }) => isTaken).map(({ project }) => project);
  if (own.length > 0) return own;
  const picked = await vscode.window.showQuickPick(
    choices.map(({ project, reason }) => ({
      label: plainLine(project.name, longestRow),
      description: vscode.l10n.t('{0} tasks', project.taskCount),
      detail: plainLine(reason ?? '', longestRow),
      project,
    })),
    {
      canPickMany: true,
      placeHolder: vscode.l10n.t('No project says that it is of this repository: pick those that are'),
    },
  );
  if (picked === undefined || picked.length === 0) throw new vscode.CancellationError();
  return picked.map(({ project }) => project);
}
