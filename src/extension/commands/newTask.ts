import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { createTask, type NewTask } from '../../engine/createTask.ts';
import { type TaskId, taskIdOf } from '../../engine/domain/ids.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import { scopeOf, taskSettings } from '../config.ts';
import { commandIds } from '../contributions/ids.ts';
import { longestRow, plainLine } from '../views/markdownText.ts';
import { taskLabel } from '../views/taskLabels.ts';
import type { CommandBody, CommandContext } from './context.ts';
import {
  draftOfMarkdown,
  draftOfSelection,
  draftOfTodo,
  draftsOfChecklist,
  type TaskDraft,
} from './taskDrafts.ts';
import { askForTask } from './taskInput.ts';

type Context = Pick<CommandContext, 'session' | 'messages'>;

/** A title and a description from another extension or a test: then nothing is asked. */
const draftSchema = v.object({
  title: v.pipe(v.string(), v.trim(), v.nonEmpty()),
  description: v.optional(v.string(), ''),
});

/** Of a Markdown file that is larger than this a person means a part. */
const longestFile = 256 * 1024;

export function newTask(context: Context): CommandBody {
  return async (arg) => {
    if (arg === undefined || arg === null) return askAndCreate(context, { title: '', description: '' });
    const draft = v.safeParse(draftSchema, arg);
    if (!draft.success) throw new OrchestratorError('bad-input', vscode.l10n.t('A new task needs a title.'));
    await create(context, draft.output);
  };
}

export function newTaskFromSelection(context: Context): CommandBody {
  return async () => {
    const { document, selection } = activeEditor();
    if (selection.isEmpty) throw new OrchestratorError('bad-input', vscode.l10n.t('Nothing is selected.'));
    const path = vscode.workspace.asRelativePath(document.uri, false);
    await askAndCreate(
      context,
      draftOfSelection(document.getText(selection), path, selection.start.line + 1, document.languageId),
    );
  };
}

export function newTaskFromTodo(context: Context): CommandBody {
  return async () => {
    const { document, selection } = activeEditor();
    const path = vscode.workspace.asRelativePath(document.uri, false);
    const { line } = selection.active;
    const draft = draftOfTodo(document.lineAt(line).text, path, line + 1);
    if (draft === null) {
      throw new OrchestratorError('bad-input', vscode.l10n.t('There is no TODO comment in this line.'), {
        remedy: vscode.l10n.t('Put the cursor into the line of the comment.'),
      });
    }
    await askAndCreate(context, draft);
  };
}

export function newTaskFromMarkdown(context: Context): CommandBody {
  return async (arg) => {
    const { text, uri } = await markdownOf(arg);
    await askAndCreate(context, draftOfMarkdown(text, basename(uri.path)));
  };
}

export function newTasksFromChecklist(context: Context): CommandBody {
  return async (arg) => {
    const { text, uri } = await markdownOf(arg);
    const drafts = draftsOfChecklist(text, vscode.workspace.asRelativePath(uri, false));
    if (drafts.length === 0) {
      throw new OrchestratorError(
        'bad-input',
        vscode.l10n.t('There is no open item of a checklist in {0}.', basename(uri.path)),
        {
          remedy: vscode.l10n.t('An open item is a line that begins with "- [ ] ".'),
        },
      );
    }
    const picked = await vscode.window.showQuickPick(
      drafts.map((draft) => ({
        label: taskLabel(draft),
        detail: plainLine(draft.description, longestRow),
        picked: true,
        draft,
      })),
      { canPickMany: true, placeHolder: vscode.l10n.t('The items that become tasks') },
    );
    if (picked === undefined || picked.length === 0) throw new vscode.CancellationError();
    for (const { draft } of picked) await create(context, draft);
    context.messages.info(vscode.l10n.t('{0} tasks created.', picked.length));
  };
}

async function askAndCreate(context: Context, draft: TaskDraft): Promise<void> {
  const answer = await askForTask(draft);
  const id = await create(context, answer, answer.start ? {} : { paused: true });
  if (answer.start) return;
  context.messages.info(vscode.l10n.t('"{0}" is kept for later.', answer.title), {
    label: vscode.l10n.t('Start'),
    command: commandIds.start,
    args: [id],
  });
}

async function create(
  { session }: Context,
  { title, description }: TaskDraft,
  how: Pick<NewTask, 'paused'> = {},
): Promise<TaskId> {
  // Opened first: the settings are those of the folder that the session works on.
  const engine = await session.engine();
  const settings = taskSettings(scopeOf(session));
  const taskId = taskIdOf(randomUUID());
  const rejection = await createTask(engine, {
    id: taskId,
    title,
    description,
    priority: 0,
    settings,
    ...how,
  });
  if (rejection !== null) throw new OrchestratorError('bad-input', rejection.message);
  return taskId;
}

function activeEditor(): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (editor !== undefined) return editor;
  throw new OrchestratorError('bad-input', vscode.l10n.t('No file is open in an editor.'));
}

/** The file a menu of the explorer or an editor's title named, else the one in the active editor, else one to pick. */
async function markdownOf(arg: unknown): Promise<{ readonly text: string; readonly uri: vscode.Uri }> {
  const uri = arg instanceof vscode.Uri ? arg : (activeMarkdown() ?? (await pickMarkdown()));
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  const text = open?.getText() ?? new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  if (text.length > longestFile) {
    throw new OrchestratorError(
      'bad-input',
      vscode.l10n.t('{0} is too large for a task.', basename(uri.path)),
      {
        remedy: vscode.l10n.t('Select the part that is meant, and use New Task from Selection.'),
      },
    );
  }
  return { text, uri };
}

function activeMarkdown(): vscode.Uri | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document?.languageId === 'markdown' ? document.uri : undefined;
}

async function pickMarkdown(): Promise<vscode.Uri> {
  const [picked] =
    (await vscode.window.showOpenDialog({
      canSelectMany: false,
      filters: { Markdown: ['md', 'markdown'] },
      openLabel: vscode.l10n.t('Make a Task of It'),
    })) ?? [];
  if (picked === undefined) throw new vscode.CancellationError();
  return picked;
}
