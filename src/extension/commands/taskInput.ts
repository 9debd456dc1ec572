import * as vscode from 'vscode';
import type { TaskDraft } from './taskDrafts.ts';

export interface TaskAnswer extends TaskDraft {
  /** False: kept for later. */
  readonly start: boolean;
}

/** What a step was left with. */
type Step<Value> = { readonly type: 'next'; readonly value: Value } | { readonly type: 'back' };

const steps = 3;

/** Title, description, and when to start, one after the other; each step can go back. Throws when it was left. */
export async function askForTask(draft: TaskDraft): Promise<TaskAnswer> {
  let { title, description } = draft;
  for (let step = 1; ;) {
    if (step === 1) {
      const answer = await askText(
        step,
        title,
        vscode.l10n.t('What is to be done, in a few words?'),
        (text) => (text.trim() === '' ? vscode.l10n.t('A task needs a title.') : undefined),
      );
      if (answer.type === 'next') {
        title = answer.value.trim();
        step = 2;
      }
    } else if (step === 2) {
      const prompt = vscode.l10n.t(
        'In more words: what exactly, and how will you know that it is done? May stay empty.',
      );
      const answer = await askText(step, onOneLine(description), prompt, () => undefined);
      if (answer.type === 'next') {
        // A text of several lines that was not touched keeps its lines.
        if (answer.value !== onOneLine(description)) description = answer.value.trim();
        step = 3;
      } else step = 1;
    } else {
      const answer = await askStart(step);
      if (answer.type === 'next') return { title, description, start: answer.value };
      step = 2;
    }
  }
}

function askText(
  step: number,
  value: string,
  prompt: string,
  check: (text: string) => string | undefined,
): Promise<Step<string>> {
  const input = vscode.window.createInputBox();
  input.title = vscode.l10n.t('New Task');
  input.step = step;
  input.totalSteps = steps;
  input.value = value;
  input.prompt = prompt;
  input.ignoreFocusOut = true;
  if (step > 1) input.buttons = [vscode.QuickInputButtons.Back];
  input.onDidChangeValue((text) => {
    input.validationMessage = check(text);
  });
  return answerOf(input, () => {
    input.validationMessage = check(input.value);
    return input.validationMessage === undefined ? input.value : null;
  });
}

function askStart(step: number): Promise<Step<boolean>> {
  const pick = vscode.window.createQuickPick<vscode.QuickPickItem & { readonly start: boolean }>();
  pick.title = vscode.l10n.t('New Task');
  pick.step = step;
  pick.totalSteps = steps;
  pick.ignoreFocusOut = true;
  pick.buttons = [vscode.QuickInputButtons.Back];
  pick.items = [
    {
      label: vscode.l10n.t('Start'),
      detail: vscode.l10n.t('As soon as it has its turn.'),
      start: true,
    },
    { label: vscode.l10n.t('Keep for Later'), detail: vscode.l10n.t('Until you start it.'), start: false },
  ];
  return answerOf(pick, () => pick.selectedItems[0]?.start ?? null);
}

/** Shows it until it was answered (`read` gave a value), or went back; throws when it was left. */
function answerOf<Value>(
  input: vscode.InputBox | vscode.QuickPick<vscode.QuickPickItem & { readonly start: boolean }>,
  read: () => Value | null,
): Promise<Step<Value>> {
  return new Promise<Step<Value>>((resolve, reject) => {
    input.onDidAccept(() => {
      const value = read();
      if (value !== null) resolve({ type: 'next', value });
    });
    input.onDidTriggerButton((button) => {
      if (button === vscode.QuickInputButtons.Back) resolve({ type: 'back' });
    });
    input.onDidHide(() => reject(new vscode.CancellationError()));
    input.show();
  }).finally(() => input.dispose());
}

/** An input box shows one line. */
function onOneLine(text: string): string {
  return text.replaceAll(/\s*\r?\n\s*/g, ' ');
}
