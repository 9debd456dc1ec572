import * as vscode from 'vscode';

/** Asks for words to filter by, shows the effect while they are typed, and goes back to `current` on Escape. */
export function askForFilter(current: string, filterBy: (text: string) => void): void {
  const input = vscode.window.createInputBox();
  let chosen = current;
  input.title = vscode.l10n.t('Filter Tasks');
  input.placeholder = vscode.l10n.t('Words of the title, description, branch or id');
  input.value = current;
  input.onDidChangeValue(filterBy);
  input.onDidAccept(() => {
    chosen = input.value;
    input.hide();
  });
  input.onDidHide(() => {
    filterBy(chosen);
    input.dispose();
  });
  input.show();
}
