import { join } from 'node:path';
import { inside } from '../allocation/containerLayout.ts';
import { assertNever } from '../domain/assertNever.ts';
import type { RunId, TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import {
  parsePageMessage,
  type Answer,
  type Change,
  type HostMessage,
  type InspectorAction,
  type InspectorPage,
  type InspectorView,
  type Question,
} from '../protocol/inspector.ts';
import type { TaskFeed } from './taskFeed.ts';
import { auditRowViewOf, changesBetween, inspectorViewOf } from './inspectorView.ts';
import { LiveFeed } from './liveFeed.ts';
import type { Readers } from './readers.ts';

export interface InspectorHostOptions {
  readonly taskId: TaskId;
  readonly session: TaskFeed;
  readonly readers: () => Readers;
  /** To the page; resolves when it has it, or has no way to. */
  readonly post: (message: HostMessage) => PromiseLike<unknown>;
  readonly act: (action: InspectorAction) => void;
  /** Which of the moves that make sense the page may offer; without it, all of them. */
  readonly offers?: (action: InspectorAction) => boolean;
  /** `file` is what a report says, relative to the worktree: not to be trusted. */
  readonly open: (worktreePath: string, file: string, line: number | null) => void;
  readonly onTitle: (title: string) => void;
  readonly report: (error: unknown) => void;
}

/** The inspector's half in the extension: all data is here, the page has a snapshot and the deltas after it. */
export class InspectorHost {
  private readonly options: InspectorHostOptions;
  private readonly subscriptions: readonly { dispose(): void }[];
  /** What the page shows; null = it has nothing yet. */
  private shown: InspectorView | null = null;
  private seq = 0;
  private isReady = false;
  private isDisposed = false;
  private isStale = false;
  private isRefreshing = false;
  private page: InspectorPage | null = null;
  private feed: LiveFeed | null = null;
  private wanted: RunId | null = null;
  /** Settles when the run that was asked for last is watched. */
  private watching = Promise.resolve();
  private runEnded: (() => void) | null = null;

  constructor(options: InspectorHostOptions) {
    this.options = options;
    const { session, taskId } = options;
    this.subscriptions = [
      session.onDidChangeState(() => this.refresh()),
      session.tasks.onDidChange((tasks) => {
        // Slots alone may have changed, which shows as the task's port.
        if (tasks.length === 0 || tasks.some(({ id }) => id === taskId)) this.refresh();
      }),
      session.onNotice((notice) => {
        if (notice.type !== 'committed' || this.shown === null) return;
        const rows = notice.rows.filter((row) => row.taskId === taskId).map(auditRowViewOf);
        if (rows.length > 0) this.sendChanges([{ type: 'audit', rows }]);
      }),
    ];
  }

  /** A message of the page, unparsed. */
  receive(message: unknown): void {
    const parsed = parsePageMessage(message);
    if (parsed === null || this.isDisposed) return;
    switch (parsed.type) {
      case 'ready':
        this.isReady = true;
        this.shown = null;
        this.refresh();
        return;
      case 'ask':
        void this.answer(parsed.id, parsed.question).catch(this.options.report);
        return;
      case 'watch':
        this.watching = this.watch(parsed.runId).catch(this.options.report);
        return;
      case 'act':
        if (this.shown?.task.actions.includes(parsed.action) === true) this.options.act(parsed.action);
        return;
      case 'open': {
        const worktree = this.shown?.task.worktree ?? null;
        if (worktree !== null) this.options.open(worktree, parsed.file, parsed.line);
        return;
      }
      default:
        assertNever(parsed);
    }
  }

  /** Goes to a page, now or as soon as there is one to go to. */
  show(page: InspectorPage): void {
    if (this.shown === null) this.page = page;
    else this.sendChanges([{ type: 'show', page }]);
  }

  /** The page is gone until it says `ready` again: VS Code unloads what is hidden. */
  pageLeft(): void {
    this.isReady = false;
    this.shown = null;
  }

  dispose(): void {
    this.isDisposed = true;
    this.feed?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private refresh(): void {
    this.isStale = true;
    if (this.isRefreshing || !this.isReady || this.isDisposed) return;
    this.isRefreshing = true;
    this.catchUp()
      .catch(this.options.report)
      .finally(() => {
        this.isRefreshing = false;
        if (this.isStale) this.refresh();
      });
  }

  private async catchUp(): Promise<void> {
    while (this.isStale && this.isReady && !this.isDisposed) {
      this.isStale = false;
      const view = await this.view().catch((error: unknown) => this.sendUnavailable(error));
      // The page may have been reloaded or closed meanwhile.
      if (view === null || !this.isReady || this.isDisposed) continue;
      if (this.shown === null) this.sendSnapshot(view);
      else this.sendChanges(changesBetween(this.shown, view));
      this.shown = view;
      this.options.onTitle(view.task.title);
      this.settleFeed(view);
    }
  }

  private sendSnapshot(view: InspectorView): void {
    this.seq += 1;
    this.post({ type: 'snapshot', seq: this.seq, view });
    if (this.page !== null) this.sendChanges([{ type: 'show', page: this.page }]);
    this.page = null;
  }

  private sendChanges(changes: readonly Change[]): PromiseLike<unknown> {
    if (changes.length === 0 || !this.isReady || this.isDisposed) return Promise.resolve();
    this.seq += 1;
    return this.post({ type: 'delta', seq: this.seq, changes: [...changes] });
  }

  private sendUnavailable(error: unknown): null {
    const known = OrchestratorError.is(error);
    if (!known) this.options.report(error);
    const message = error instanceof Error ? error.message : String(error);
    this.post({ type: 'unavailable', message, remedy: known ? (error.remedy ?? null) : null });
    this.shown = null;
    return null;
  }

  private post(message: HostMessage): PromiseLike<unknown> {
    return this.isDisposed ? Promise.resolve() : this.options.post(message);
  }

  private async view(): Promise<InspectorView> {
    const { session, taskId, offers } = this.options;
    const { records } = await session.engine();
    const [task, bundles] = await Promise.all([this.task(records), records.bundles(taskId)]);
    const view = inspectorViewOf(task, session.tasks.slots(), bundles);
    if (offers === undefined) return view;
    return { ...view, task: { ...view.task, actions: view.task.actions.filter(offers) } };
  }

  private async task(records: Records): Promise<Task> {
    const { session, taskId } = this.options;
    const task = session.tasks.get(taskId) ?? (await records.task(taskId));
    if (task === null)
      throw new OrchestratorError('bad-input', 'This task is not in the storage of the open folder.', {
        remedy: 'Open the folder that the task belongs to.',
      });
    return task;
  }

  private async answer(id: number, question: Question): Promise<void> {
    const answer = await this.find(question).catch((error: unknown): Answer => {
      if (!OrchestratorError.is(error)) this.options.report(error);
      return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
    });
    if (this.isReady) this.post({ type: 'answer', id, answer });
  }

  private async find(question: Question): Promise<Answer> {
    const { session, taskId } = this.options;
    const { records } = await session.engine();
    switch (question.type) {
      case 'bundle':
        return this.options.readers().readBundle(records, await this.task(records), question.digest);
      case 'report':
        return this.options.readers().readReport(records, await this.task(records), question.digest);
      case 'audit': {
        const { after, limit } = question;
        const rows = await records.audit({ taskId, after, limit });
        return { type: 'audit', rows: rows.map(auditRowViewOf), isLast: rows.length < limit };
      }
      case 'verify':
        return { type: 'verify', ...(await records.verifyAudit()) };
      case 'usage': {
        const { readUsage } = this.options.readers();
        return {
          type: 'usage',
          runId: question.runId,
          tokens: await readUsage(this.outputPath(question.runId)),
        };
      }
      case 'live':
        return {
          type: 'live',
          runId: question.runId,
          entries: [...(await (await this.watched(question.runId)).entries(question.from, question.count))],
        };
      case 'live-detail': {
        const { runId, index } = question;
        const detail = await (await this.watched(runId)).detail(index);
        if (detail === null) throw new OrchestratorError('bad-input', 'This entry is not there any more.');
        return { type: 'live-detail', runId, index, ...detail };
      }
      case 'live-search': {
        const { runId, text } = question;
        return { type: 'live-search', runId, ...(await (await this.watched(runId)).search(text)) };
      }
    }
  }

  private async watched(runId: RunId): Promise<LiveFeed['output']> {
    await this.watching;
    if (this.feed?.runId === runId) return this.feed.output;
    throw new OrchestratorError('bad-input', 'This run is not the one that is watched.');
  }

  private async watch(runId: RunId | null): Promise<void> {
    this.wanted = runId;
    if (runId !== null && this.feed?.runId === runId) {
      this.feed.restart();
      return;
    }
    this.feed?.dispose();
    this.feed = null;
    if (runId === null) return;
    const path = this.outputPath(runId);
    const { records } = await this.options.session.engine();
    const { openOutput } = this.options.readers();
    const task = await this.task(records);
    // Another one may have been chosen meanwhile.
    if (this.isDisposed || this.wanted !== runId || this.feed !== null) return;
    const until = new Promise<void>((resolve) => {
      this.runEnded = resolve;
    });
    this.feed = new LiveFeed({
      runId,
      output: openOutput(path, pathSeenByAgent(task)),
      until,
      send: (state, tail, answered) => this.sendChanges([{ type: 'live', state, tail, answered }]),
      report: this.options.report,
    });
    this.settleFeed(inspectorViewOf(task, this.options.session.tasks.slots(), []));
  }

  private settleFeed(view: InspectorView): void {
    const run = view.runs.find(({ id }) => id === this.feed?.runId);
    if (run?.status !== 'running') this.runEnded?.();
  }

  private outputPath(runId: RunId): string {
    const { storagePath } = this.options.session;
    if (storagePath === null) throw new OrchestratorError('bad-input', 'The open folder has no storage.');
    // The validator knows the form of an id: nothing in it leads elsewhere. Of which task it is, it cannot know.
    if (!runId.startsWith(`${this.options.taskId}/`))
      throw new OrchestratorError('bad-input', 'This run is of another task.');
    return join(storagePath, 'runs', ...runId.split('/'), 'stdout.jsonl');
  }
}

function pathSeenByAgent(task: Task): string {
  return task.settings.isolation === 'docker' ? inside.workspace : (task.worktree?.path ?? '');
}
