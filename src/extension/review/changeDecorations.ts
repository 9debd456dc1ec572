import { join } from 'node:path';
import * as vscode from 'vscode';
import type { TaskId } from '../../engine/domain/ids.ts';
import { isFinal, type Task } from '../../engine/domain/task.ts';
import type { FileChange } from '../../engine/worktrees/commits.ts';
import type { TaskFeed } from '../../engine/inspection/taskFeed.ts';
import { plainLine } from '../views/markdownText.ts';

/** A file and how a task changed it. */
interface Mark {
  readonly uri: vscode.Uri;
  readonly title: string;
  readonly kind: FileChange['kind'];
}

/** Tasks read when a window opens: what is older gets its marks with its next commit. */
const readAtStart = 100;

/** Files marked for one task: a change of thousands is read in the diff editor. */
const mostFiles = 1_000;

/**
 * Marks the files that unfinished tasks have changed, in their worktrees and in the checkout: who edits one of them by
 * hand sees that a merge is coming. What a task changed is asked of git once for each of its commits.
 */
export class ChangeDecorations implements vscode.FileDecorationProvider {
  private readonly tasks: TaskFeed['tasks'];
  private readonly changesOf: (task: Task) => Promise<readonly FileChange[]>;
  private readonly checkout: () => string | null;
  private readonly report: (error: unknown) => void;
  /** The commit whose changes are shown, or being read, of each task. */
  private readonly commits = new Map<TaskId, string>();
  private readonly marks = new Map<TaskId, ReadonlyMap<string, Mark>>();
  /** One git at a time. */
  private reading: Promise<void> = Promise.resolve();
  private readonly changed = new vscode.EventEmitter<vscode.Uri[]>();
  readonly onDidChangeFileDecorations = this.changed.event;

  constructor(options: {
    readonly tasks: TaskFeed['tasks'];
    readonly changesOf: (task: Task) => Promise<readonly FileChange[]>;
    /** The folder of the person's own checkout. */
    readonly checkout: () => string | null;
    readonly report: (error: unknown) => void;
  }) {
    this.tasks = options.tasks;
    this.changesOf = options.changesOf;
    this.checkout = options.checkout;
    this.report = options.report;
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== 'file' || this.marks.size === 0) return undefined;
    const key = uri.toString();
    const found = [...this.marks.values()].flatMap((marks) => marks.get(key) ?? []);
    const [first, ...others] = found;
    if (first === undefined) return undefined;
    return {
      badge: others.length === 0 ? letters[first.kind] : String(found.length),
      color: new vscode.ThemeColor('gitDecoration.modifiedResourceForeground'),
      tooltip: found.map(tooltipOf).join('\n'),
    };
  }

  update(tasks: readonly Task[]): void {
    for (const task of tasks) {
      const commit = isFinal(task) ? null : task.commit;
      if (commit === null) {
        this.commits.delete(task.id);
        this.show(task.id, new Map());
      } else if (this.commits.get(task.id) !== commit) {
        this.commits.set(task.id, commit);
        this.reading = this.reading.then(() => this.read(task, commit)).catch(this.report);
      }
    }
  }

  /** Everything anew: the engine has been opened, or another one is followed. */
  reload(): void {
    const open = this.tasks.all().filter((task) => !isFinal(task) && task.commit !== null);
    this.update(open.slice(0, readAtStart));
  }

  dispose(): void {
    this.commits.clear();
    this.changed.dispose();
  }

  private async read(task: Task, commit: string): Promise<void> {
    // Meanwhile there may be a newer commit, or none wanted.
    const isWanted = (): boolean => this.commits.get(task.id) === commit;
    if (!isWanted()) return;
    const changes = await this.changesOf(task);
    if (isWanted()) this.show(task.id, this.marksOf(task, changes));
  }

  private marksOf(task: Task, changes: readonly FileChange[]): ReadonlyMap<string, Mark> {
    const folders = [task.worktree?.path ?? null, this.checkout()].filter((folder) => folder !== null);
    const title = plainLine(task.title, 60);
    return new Map(
      changes.slice(0, mostFiles).flatMap(({ path, kind }) =>
        folders.map((folder) => {
          const uri = vscode.Uri.file(join(folder, path));
          return [uri.toString(), { uri, title, kind }] as const;
        }),
      ),
    );
  }

  private show(taskId: TaskId, marks: ReadonlyMap<string, Mark>): void {
    const before = this.marks.get(taskId);
    if (marks.size === 0) this.marks.delete(taskId);
    else this.marks.set(taskId, marks);
    const touched = [...(before?.values() ?? []), ...marks.values()].map(({ uri }) => uri);
    if (touched.length > 0) this.changed.fire(touched);
  }
}

const letters: Readonly<Record<FileChange['kind'], string>> = { added: 'A', modified: 'M', deleted: 'D' };

function tooltipOf({ title, kind }: Mark): string {
  switch (kind) {
    case 'added':
      return vscode.l10n.t('Added by the task "{0}", on its branch', title);
    case 'deleted':
      return vscode.l10n.t('Deleted by the task "{0}", on its branch', title);
    default:
      return vscode.l10n.t('Changed by the task "{0}", on its branch', title);
  }
}
