import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { webviewHtml, type WebviewName } from './webviewHtml.ts';

/** The folder with the pages' scripts and styles: a page can load nothing else. */
const pagesFolder = (context: vscode.ExtensionContext): vscode.Uri =>
  vscode.Uri.joinPath(context.extensionUri, 'dist', 'webview');

export const pageOptions = (context: vscode.ExtensionContext): vscode.WebviewOptions => ({
  enableScripts: true,
  enableForms: false,
  localResourceRoots: [pagesFolder(context)],
});

/** The picture on a panel's tab: a file cannot follow the theme's colours, so there is one for each kind. */
const tabIcon = (
  context: vscode.ExtensionContext,
): { readonly light: vscode.Uri; readonly dark: vscode.Uri } => {
  const picture = (kind: string): vscode.Uri =>
    vscode.Uri.joinPath(context.extensionUri, 'media', 'icons', `tab-${kind}.svg`);
  return { light: picture('light'), dark: picture('dark') };
};

/** Draws a page in a panel. */
export function loadPage(
  panel: vscode.WebviewPanel,
  context: vscode.ExtensionContext,
  page: { readonly name: WebviewName; readonly taskId?: string },
): void {
  const { webview } = panel;
  panel.iconPath = tabIcon(context);
  webview.options = pageOptions(context);
  webview.html = webviewHtml({
    ...page,
    title: panel.title,
    nonce: randomBytes(18).toString('base64'),
    cspSource: webview.cspSource,
    language: vscode.env.language,
    strings: vscode.l10n.bundle ?? null,
    resource: (file) => webview.asWebviewUri(vscode.Uri.joinPath(pagesFolder(context), file)).toString(),
  });
}
