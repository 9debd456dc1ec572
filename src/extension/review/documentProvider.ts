import * as vscode from 'vscode';
import { parseBundle } from '../../engine/context/bundle.ts';
import { renderBundle } from '../../engine/context/render.ts';
import { digestOf } from '../../engine/domain/ids.ts';
import type { Session } from '../session.ts';
import { parseDocumentUri } from './documentAddress.ts';
import { repositoryOf } from './repositoryOf.ts';

/** The text of the read-only documents. What is missing is said in the document: the person is looking at it. */
export class DocumentProvider implements vscode.TextDocumentContentProvider {
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const address = parseDocumentUri(uri);
    switch (address?.type) {
      case 'context':
        return this.context(address.digest);
      case 'file':
        return this.file(address.commit, address.path);
      case undefined:
        return vscode.l10n.t('This address names no document of Orchestrator.');
    }
  }

  private async context(digest: string): Promise<string> {
    const { records } = await this.session.engine();
    const stored = await records.bundle(digestOf(digest));
    if (stored === null) return vscode.l10n.t('This context is not in the storage of this folder.');
    return `${renderBundle(parseBundle(stored.body))}\n`;
  }

  private async file(commit: string, path: string): Promise<string> {
    const file = await repositoryOf(this.session).manager.readFileAt(commit, path);
    switch (file.type) {
      case 'text':
        return file.text;
      case 'binary':
        return vscode.l10n.t('Binary file, {0} bytes.', file.bytes);
      case 'too-large':
        return vscode.l10n.t('File of {0} bytes, too large to be shown here.', file.bytes);
      case 'submodule':
        return vscode.l10n.t('Submodule at commit {0}.', file.commit);
      case 'none':
        return vscode.l10n.t('There is no such file in this commit.');
    }
  }
}
