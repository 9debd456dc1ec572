import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import * as vscode from 'vscode';
import { plainLine } from '../views/markdownText.ts';

/** Shows a file of a worktree beside the panel. What a report names outside of the worktree, also through a link, is not opened. */
export async function openLocation(worktreePath: string, file: string, line: number | null): Promise<void> {
  const path = await placeInside(worktreePath, file);
  if (path === null) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t('{0} is not a file of this task’s worktree.', plainLine(file, 200)),
    );
    return;
  }
  const row = line === null ? 0 : Math.max(0, Math.trunc(line) - 1);
  await vscode.window.showTextDocument(vscode.Uri.file(path), {
    viewColumn: vscode.ViewColumn.Beside,
    preview: true,
    selection: new vscode.Range(row, 0, row, 0),
  });
}

async function placeInside(worktreePath: string, file: string): Promise<string | null> {
  try {
    const root = await realpath(worktreePath);
    const path = await realpath(resolve(root, file));
    return path.startsWith(`${root}${sep}`) ? path : null;
  } catch {
    // It does not exist, which is what the person is told.
    return null;
  }
}
