import { join } from 'node:path';
import * as vscode from 'vscode';
import { parseBundle } from '../../engine/context/bundle.ts';
import type { Digest, TaskId } from '../../engine/domain/ids.ts';
import { isFinal, type Task } from '../../engine/domain/task.ts';
import type { Session } from '../session.ts';
import { plainLine } from '../views/markdownText.ts';
import { qaReportDigest } from './contextDigests.ts';
import { type FindingPlace, findingPlaces } from './findingPlaces.ts';
import { contextUri } from './openDocuments.ts';

type Found = readonly (readonly [vscode.Uri, readonly vscode.Diagnostic[]])[];

/** Reports read when a window opens: findings of tasks older than the newest so many are history, not problems. */
const readAtStart = 100;

/**
 * The findings of each open task's newest QA report in the Problems panel, at their place in the task's worktree. A newer
 * report takes the place of an older one; accepting or cancelling the task clears them.
 */
export class QaProblems {
  private readonly session: Session;
  private readonly collection = vscode.languages.createDiagnosticCollection('orchestrator');
  /** The report that is shown, or being read, of each task. */
  private readonly wanted = new Map<TaskId, Digest>();
  private readonly places = new Map<TaskId, readonly vscode.Uri[]>();

  constructor(session: Session) {
    this.session = session;
  }

  /** Everything anew: the engine has been opened, or another one is followed. */
  reload(): void {
    const { type } = this.session.state;
    for (const taskId of this.wanted.keys()) this.clear(taskId);
    if (type !== 'driving' && type !== 'following') return;
    const open = this.session.tasks
      .all()
      .filter((task) => !isFinal(task) && qaReportDigest(task) !== null)
      .slice(0, readAtStart);
    this.update(open);
  }

  update(tasks: readonly Task[]): void {
    for (const task of tasks) {
      const digest = isFinal(task) ? null : qaReportDigest(task);
      if (digest === null) {
        this.clear(task.id);
      } else if (this.wanted.get(task.id) !== digest) {
        this.wanted.set(task.id, digest);
        void this.read(task, digest);
      }
    }
  }

  dispose(): void {
    this.wanted.clear();
    this.collection.dispose();
  }

  private async read(task: Task, digest: Digest): Promise<void> {
    const found = await this.diagnosticsOf(task, digest).catch((error: unknown): Found => [
      [reportUri(task, digest), [unreadable(error)]],
    ]);
    // Meanwhile there may be a newer report, or none wanted.
    if (this.wanted.get(task.id) !== digest) return;
    this.forget(task.id);
    for (const [uri, diagnostics] of found) this.collection.set(uri, diagnostics);
    this.places.set(
      task.id,
      found.map(([uri]) => uri),
    );
  }

  private async diagnosticsOf(task: Task, digest: Digest): Promise<Found> {
    const { records } = await this.session.engine();
    const stored = await records.bundle(digest);
    const bundle = stored === null ? null : parseBundle(stored.body);
    if (bundle?.type !== 'qa') return [];
    const folder = task.worktree?.path ?? this.session.repositoryPath;
    const whole = reportUri(task, digest);
    const byPlace = new Map<string, [vscode.Uri, vscode.Diagnostic[]]>();
    for (const place of findingPlaces(bundle)) {
      const uri = place.path === null || folder === null ? whole : vscode.Uri.file(join(folder, place.path));
      const entry = byPlace.get(uri.toString()) ?? [uri, []];
      entry[1].push(diagnosticOf(place, task, whole));
      byPlace.set(uri.toString(), entry);
    }
    return [...byPlace.values()];
  }

  private clear(taskId: TaskId): void {
    this.wanted.delete(taskId);
    this.forget(taskId);
  }

  private forget(taskId: TaskId): void {
    for (const uri of this.places.get(taskId) ?? []) this.collection.delete(uri);
    this.places.delete(taskId);
  }
}

function reportUri(task: Task, digest: Digest): vscode.Uri {
  return contextUri(task, digest, vscode.l10n.t('QA report'));
}

/** The person is told where they would look for the findings. */
function unreadable(error: unknown): vscode.Diagnostic {
  const why = error instanceof Error ? error.message : String(error);
  return new vscode.Diagnostic(
    new vscode.Range(0, 0, 0, 0),
    vscode.l10n.t('The QA report cannot be read: {0}', why),
    vscode.DiagnosticSeverity.Warning,
  );
}

function diagnosticOf(place: FindingPlace, task: Task, report: vscode.Uri): vscode.Diagnostic {
  const range = new vscode.Range(place.line, 0, place.line, Number.MAX_SAFE_INTEGER);
  const diagnostic = new vscode.Diagnostic(range, plainLine(place.message, 1000), severityOf(place));
  diagnostic.source = vscode.l10n.t('QA of "{0}"', plainLine(task.title, 40));
  diagnostic.code = { value: place.severity, target: report };
  return diagnostic;
}

function severityOf({ severity }: FindingPlace): vscode.DiagnosticSeverity {
  switch (severity) {
    case 'blocker':
      return vscode.DiagnosticSeverity.Error;
    case 'major':
      return vscode.DiagnosticSeverity.Warning;
    case 'minor':
      return vscode.DiagnosticSeverity.Information;
  }
}
