import type * as vscode from 'vscode';
import { activateExtension, type Activated } from './activation.ts';

let activated: Activated | null = null;

export function activate(context: vscode.ExtensionContext): void {
  activated = activateExtension(context);
}

/** VS Code waits 5 s for it. */
export async function deactivate(): Promise<void> {
  await activated?.close();
  activated = null;
}
