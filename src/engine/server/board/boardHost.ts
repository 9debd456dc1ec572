import { assertNever } from '../../domain/assertNever.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { Task } from '../../domain/task.ts';
import { GroupedTasks } from '../../inspection/groupedTasks.ts';
import { InspectorHost } from '../../inspection/inspectorHost.ts';
import type { Readers } from '../../inspection/readers.ts';
import { taskFilter } from '../../inspection/taskFilter.ts';
import type { TaskFeed } from '../../inspection/taskFeed.ts';
import { mergeFailure } from '../../mergeFailure.ts';
import { OrchestratorError } from '../../ports/errors.ts';
import {
  limitOf,
  parseBoardPageMessage,
  type BoardAccess,
  type BoardCard,
  type BoardChange,
  type BoardColumn,
  type BoardHostMessage,
  type BoardLook,
  type BoardMove,
} from '../../protocol/board.ts';
import type { InspectorAction } from '../../protocol/inspector.ts';
import { taskGroups, type TaskGroup } from '../../protocol/taskGroups.ts';
import { cardOf, isBoardAction, portsByTask } from './boardCard.ts';

/** A page shows one inspector at a time, and may open the next before it has closed the last. */
const mostInspectors = 4;
/** A person waits for one before they make the next. */
const mostMovesAtOnce = 20;

/** What an inspector on the board offers beyond a person's moves, and only its surroundings can do. */
export type BoardExtra = Extract<InspectorAction, 'show-changes' | 'open-app'>;

export interface BoardHostOptions {
  readonly feed: TaskFeed;
  readonly access: BoardAccess;
  /** What has to be done before a move is made; a rejection refuses the move. */
  readonly beforeMove?: (move: BoardMove) => Promise<void>;
  readonly readers: () => Readers;
  /** To the page; resolves when it has it, or has no way to: what changes meanwhile goes with the next one. */
  readonly post: (message: BoardHostMessage) => PromiseLike<unknown>;
  readonly extras: readonly BoardExtra[];
  readonly onExtra: (extra: BoardExtra, taskId: TaskId) => void;
  /** `file` is what a report says, relative to the worktree: not to be trusted. */
  readonly onOpenFile: (worktreePath: string, file: string, line: number | null) => void;
  /** Hears of defects; what a person can mend is told in the page. */
  readonly report: (error: unknown) => void;
}

interface Shown {
  readonly task: Task;
  readonly port: number | null;
  readonly card: BoardCard;
}

/**
 * The board's half beside the engine. The page has the first cards of each column and gets what changed of them; however
 * much happens, and however slow the page is, one message is on its way and the next one holds all that is new.
 */
export class BoardHost {
  private readonly options: BoardHostOptions;
  private readonly subscriptions: readonly { dispose(): void }[];
  private readonly grouped = new GroupedTasks();
  private readonly inspectors = new Map<number, InspectorHost>();
  private look: BoardLook = { find: '', limits: {} };
  /** What the page shows; null = it has nothing yet. */
  private shown: Map<TaskId, Shown> | null = null;
  private columns: readonly BoardColumn[] = [];
  private seq = 0;
  private isReady = false;
  private isLoaded = false;
  private isStale = false;
  private isSending = false;
  private isDisposed = false;
  private moves = 0;

  constructor(options: BoardHostOptions) {
    this.options = options;
    const { feed } = options;
    this.subscriptions = [
      feed.tasks.onDidChange((tasks) => {
        if (this.isLoaded) this.grouped.update(tasks);
        this.changed();
      }),
      feed.onDidChangeState(() => {
        this.isLoaded = false;
        this.changed();
      }),
    ];
  }

  /** A message of the page, unparsed. False for what is none. */
  receive(message: unknown): boolean {
    const parsed = parseBoardPageMessage(message);
    if (parsed === null) return false;
    if (this.isDisposed) return true;
    switch (parsed.type) {
      case 'ready':
        this.isReady = true;
        this.shown = null;
        this.lookAt(parsed.look);
        break;
      case 'look':
        this.lookAt(parsed.look);
        break;
      case 'move':
        void this.move(parsed.id, parsed.move).catch(this.options.report);
        break;
      case 'open':
        this.openInspector(parsed.channel, parsed.taskId);
        break;
      case 'close':
        this.closeInspector(parsed.channel);
        break;
      case 'inspector':
        this.inspectors.get(parsed.channel)?.receive(parsed.message);
        break;
      default:
        assertNever(parsed);
    }
    return true;
  }

  /** The page is gone until it says `ready` again: VS Code unloads what is hidden. */
  pageLeft(): void {
    this.isReady = false;
    this.shown = null;
    for (const channel of this.inspectors.keys()) this.closeInspector(channel);
  }

  dispose(): void {
    this.isDisposed = true;
    this.pageLeft();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private lookAt(look: BoardLook): void {
    if (look.find !== this.look.find) this.grouped.setFilter(taskFilter(look.find));
    this.look = look;
    this.changed();
  }

  private changed(): void {
    this.isStale = true;
    if (this.isSending || !this.isReady || this.isDisposed) return;
    this.isSending = true;
    this.catchUp()
      .catch(this.options.report)
      .finally(() => {
        this.isSending = false;
        if (this.isStale) this.changed();
      });
  }

  private async catchUp(): Promise<void> {
    while (this.isStale && this.isReady && !this.isDisposed) {
      this.isStale = false;
      try {
        await this.options.feed.engine();
      } catch (error) {
        await this.sendUnavailable(error);
        continue;
      }
      // The page may have been reloaded or closed meanwhile.
      if (this.isReady && !this.isDisposed) await this.send();
    }
  }

  private async send(): Promise<void> {
    const { feed, access, post } = this.options;
    if (!this.isLoaded) this.grouped.replaceAll(feed.tasks.all());
    this.isLoaded = true;
    const before = this.shown;
    const after = this.visible(before);
    const columns = taskGroups.map((group) => this.column(group));
    const changes = before === null ? [] : changesBetween(before, after, this.columns, columns);
    this.shown = after;
    this.columns = columns;
    if (before !== null && changes.length === 0) return;
    this.seq += 1;
    const { seq } = this;
    await post(
      before === null
        ? { type: 'snapshot', seq, access, columns, cards: [...after.values()].map(({ card }) => card) }
        : { type: 'delta', seq, changes },
    );
  }

  private column(group: TaskGroup): BoardColumn {
    return { group, found: this.grouped.rows(group).length, total: this.grouped.total(group) };
  }

  private visible(before: ReadonlyMap<TaskId, Shown> | null): Map<TaskId, Shown> {
    const { feed, access } = this.options;
    const ports = portsByTask(feed.tasks.slots());
    const visible = new Map<TaskId, Shown>();
    for (const group of taskGroups) {
      for (const task of this.grouped.rows(group).slice(0, limitOf(this.look, group))) {
        const port = ports.get(task.id) ?? null;
        const known = before?.get(task.id);
        const isSame = known?.task === task && known.port === port;
        visible.set(task.id, isSame ? known : { task, port, card: cardOf(task, port, access) });
      }
    }
    return visible;
  }

  private async sendUnavailable(error: unknown): Promise<void> {
    this.shown = null;
    const { message, remedy } = this.wordsOf(error);
    await this.options.post({ type: 'unavailable', message, remedy });
  }

  private async move(id: number, move: BoardMove): Promise<void> {
    const refusal = await this.refusalOf(move);
    if (!this.isDisposed) await this.options.post({ type: 'moved', id, refusal });
  }

  private async refusalOf(move: BoardMove): Promise<string | null> {
    const { access, feed, beforeMove } = this.options;
    if (access !== 'move') return readOnly;
    if (this.moves >= mostMovesAtOnce) return 'Too many moves at once: wait until the earlier ones are made.';
    this.moves += 1;
    try {
      const engine = await feed.engine();
      await beforeMove?.(move);
      const rejection = await engine.dispatch(move, []);
      if (rejection !== null) return rejection.message;
      // It is made when the branch is merged, and that may fail.
      const failure = move.type === 'accept' ? await mergeFailure(engine, move.taskId) : null;
      return failure === null ? null : this.sentencesOf(failure);
    } catch (error) {
      return this.sentencesOf(error);
    } finally {
      this.moves -= 1;
    }
  }

  private openInspector(channel: number, taskId: TaskId): void {
    this.closeInspector(channel);
    const [oldest] = this.inspectors.keys();
    if (this.inspectors.size >= mostInspectors && oldest !== undefined) this.closeInspector(oldest);
    const { feed, readers, access, extras, onExtra, onOpenFile, post, report } = this.options;
    const extraOf = (action: InspectorAction): BoardExtra | undefined =>
      extras.find((extra) => extra === action);
    this.inspectors.set(
      channel,
      new InspectorHost({
        taskId,
        session: feed,
        readers,
        post: (message) => post({ type: 'inspector', channel, message }),
        // Moves come as the board's own: they need words that the page asks for.
        act: (action) => {
          const extra = extraOf(action);
          if (extra !== undefined) onExtra(extra, taskId);
        },
        offers: (action) => extraOf(action) !== undefined || (access === 'move' && isBoardAction(action)),
        open: onOpenFile,
        onTitle: () => undefined,
        report,
      }),
    );
  }

  private closeInspector(channel: number): void {
    this.inspectors.get(channel)?.dispose();
    this.inspectors.delete(channel);
  }

  private sentencesOf(error: unknown): string {
    const { message, remedy } = this.wordsOf(error);
    return remedy === null ? message : `${message} ${remedy}`;
  }

  /** What a person may read of an error: a defect's own words can hold paths. */
  private wordsOf(error: unknown): { readonly message: string; readonly remedy: string | null } {
    if (OrchestratorError.is(error)) return { message: error.message, remedy: error.remedy ?? null };
    this.options.report(error);
    return { message: 'The engine failed.', remedy: 'Its log says why. Start it again.' };
  }
}

const readOnly = 'This board is open for reading only. Open it with an address that allows moves.';

function changesBetween(
  before: ReadonlyMap<TaskId, Shown>,
  after: ReadonlyMap<TaskId, Shown>,
  columnsBefore: readonly BoardColumn[],
  columns: readonly BoardColumn[],
): BoardChange[] {
  const changes: BoardChange[] = [];
  for (const [id, { card }] of after) if (before.get(id)?.card !== card) changes.push({ type: 'card', card });
  for (const id of before.keys()) if (!after.has(id)) changes.push({ type: 'gone', id });
  for (const [index, column] of columns.entries()) {
    const known = columnsBefore[index];
    if (known?.found !== column.found || known.total !== column.total)
      changes.push({ type: 'column', column });
  }
  return changes;
}
