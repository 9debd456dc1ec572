import * as vscode from 'vscode';
import { longestMessage, plainLine } from '../views/markdownText.ts';

interface Question {
  readonly severity: 'info' | 'warning';
  readonly question: string;
  /** What the yes brings about. */
  readonly detail: string;
  readonly yes: string;
}

/** Asks for a yes before something that is not taken back. Throws a cancellation for anything else. */
export async function confirm({ severity, question, detail, yes }: Question): Promise<void> {
  const show: (text: string, options: vscode.MessageOptions, yes: string) => Thenable<string | undefined> =
    severity === 'info' ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  const plain = (text: string): string => plainLine(text, longestMessage);
  if ((await show(plain(question), { modal: true, detail: plain(detail) }, yes)) !== yes)
    throw new vscode.CancellationError();
}
