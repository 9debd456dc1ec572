import * as vscode from 'vscode';
import { parseBundle } from '../../engine/context/bundle.ts';
import { sealBundle } from '../../engine/context/digest.ts';
import {
  editableSpecification,
  parseEditedSpecification,
  type SpecificationProblem,
} from '../../engine/context/editSpecification.ts';
import type { Digest, TaskId } from '../../engine/domain/ids.ts';
import type { Task } from '../../engine/domain/task.ts';
import { OrchestratorError } from '../../engine/ports/errors.ts';
import type { Session } from '../session.ts';
import { longestMessage, plainLine } from '../views/markdownText.ts';
import { specificationDigest } from './contextDigests.ts';
import { knownTask } from './knownTask.ts';
import { parseSpecificationUri } from './specificationAddress.ts';

/**
 * Specifications as files that a person edits. Saving makes the text the specification that waits for approval. What
 * cannot be one is refused: the editor then keeps it, unsaved, and the Problems panel says what is wrong.
 */
export class SpecificationFiles implements vscode.FileSystemProvider {
  private readonly session: Session;
  private readonly problems = vscode.languages.createDiagnosticCollection('orchestrator-specification');
  private readonly changes = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changes.event;
  /** Those that were opened, and the version that was read last. */
  private readonly opened = new Map<TaskId, { readonly uri: vscode.Uri; readonly digest: Digest }>();

  constructor(session: Session) {
    this.session = session;
  }

  /** Another window may have edited it, or the stage wrote a new one. */
  update(tasks: readonly Task[]): void {
    for (const task of tasks) {
      const known = this.opened.get(task.id);
      if (known !== undefined && specificationDigest(task) !== known.digest)
        this.changes.fire([{ type: vscode.FileChangeType.Changed, uri: known.uri }]);
    }
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { text, at } = await this.read(uri);
    return { type: vscode.FileType.File, ctime: at, mtime: at, size: new TextEncoder().encode(text).length };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return new TextEncoder().encode((await this.read(uri)).text);
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const task = await this.taskOf(uri);
    if (task.phase.type !== 'gate') {
      throw notSaved(
        vscode.l10n.t(
          'The specification of "{0}" no longer waits for approval, so it was not saved. Send the task back with notes instead; your text stays in this editor.',
          task.title,
        ),
      );
    }
    const edited = parseEditedSpecification(new TextDecoder().decode(content));
    if (edited.type === 'invalid') {
      this.problems.set(uri, edited.problems.map(diagnosticOf));
      const [first] = edited.problems;
      throw notSaved(
        vscode.l10n.t(
          'This is no specification yet, so it was not saved; your text stays in this editor. Line {0}: {1}',
          (first?.line ?? 0) + 1,
          first?.message ?? '',
        ),
      );
    }
    this.problems.delete(uri);
    const { body, digest } = sealBundle(edited.bundle);
    if (digest === task.phase.digest) return;
    const rejection = await (
      await this.session.engine()
    ).dispatch({ type: 'edit-specification', taskId: task.id, digest }, [
      { digest, taskId: task.id, runId: null, stage: 'specification', body },
    ]);
    if (rejection !== null) throw notSaved(rejection.message);
  }

  readDirectory(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  createDirectory(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  delete(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  rename(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  dispose(): void {
    this.problems.dispose();
    this.changes.dispose();
  }

  private async taskOf(uri: vscode.Uri): Promise<Task> {
    const taskId = parseSpecificationUri(uri);
    if (taskId === null) throw vscode.FileSystemError.FileNotFound(uri);
    return knownTask(this.session, taskId);
  }

  private async read(uri: vscode.Uri): Promise<{ readonly text: string; readonly at: number }> {
    const task = await this.taskOf(uri);
    const { records } = await this.session.engine();
    const digest = specificationDigest(task);
    const stored = digest === null ? null : await records.bundle(digest);
    const bundle = stored === null ? null : parseBundle(stored.body);
    if (digest === null || bundle?.type !== 'specification') throw vscode.FileSystemError.FileNotFound(uri);
    this.opened.set(task.id, { uri, digest });
    // An earlier text that was edited back is a new version of the same bytes: the newest one counts.
    const version = (await records.bundles(task.id)).findLast((each) => each.digest === digest);
    return { text: editableSpecification(bundle), at: version?.createdAt ?? task.createdAt };
  }
}

/** VS Code tells of a failed save by itself, in a notification: what is in it of a title or a text must make no link there. */
function notSaved(why: string): OrchestratorError {
  return new OrchestratorError('bad-input', plainLine(why, longestMessage));
}

function diagnosticOf({ line, message }: SpecificationProblem): vscode.Diagnostic {
  const range = new vscode.Range(line, 0, line, Number.MAX_SAFE_INTEGER);
  return new vscode.Diagnostic(range, message, vscode.DiagnosticSeverity.Error);
}
