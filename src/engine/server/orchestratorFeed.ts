import type { TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Occurrence, TaskFeed, TaskModel } from '../inspection/taskFeed.ts';
import { TaskList } from '../inspection/taskList.ts';
import type { Engine } from '../engine.ts';
import type { Notice } from '../notice.ts';
import type { OrchestratorService } from '../orchestratorService.ts';

/** An engine of this process. */
export interface EngineHere extends Engine {
  readonly service: Pick<OrchestratorService, 'subscribe' | 'slots'>;
}

/** The engine of this process as a server follows it. */
export class OrchestratorFeed implements TaskFeed {
  readonly tasks: TaskModel;
  readonly onNotice: Occurrence<Notice>;
  readonly storagePath: string;
  private readonly engineHere: EngineHere;
  private readonly list = new TaskList();
  private readonly noticeListeners = new Set<(notice: Notice) => unknown>();
  private readonly taskListeners = new Set<(tasks: readonly Task[]) => unknown>();
  private readonly unsubscribe: () => void;

  private constructor(engineHere: EngineHere, storagePath: string) {
    this.engineHere = engineHere;
    this.storagePath = storagePath;
    this.onNotice = occurrenceOf(this.noticeListeners);
    this.tasks = {
      all: () => this.list.all(),
      get: (id: TaskId) => this.list.get(id),
      slots: () => this.list.slots(),
      onDidChange: occurrenceOf(this.taskListeners),
    };
    this.unsubscribe = engineHere.service.subscribe((notice) => this.hear(notice));
  }

  static async open(engineHere: EngineHere, storagePath: string): Promise<OrchestratorFeed> {
    const feed = new OrchestratorFeed(engineHere, storagePath);
    await feed.list.load(engineHere.records, engineHere.service.slots());
    return feed;
  }

  /** An engine of one's own never stands in another state. */
  onDidChangeState: TaskFeed['onDidChangeState'] = () => ({ dispose() {} });

  engine: TaskFeed['engine'] = () => Promise.resolve(this.engineHere);

  dispose(): void {
    this.unsubscribe();
    this.noticeListeners.clear();
    this.taskListeners.clear();
  }

  private hear(notice: Notice): void {
    // The model first: whoever hears of a row finds the task as the row left it.
    const changed = notice.type === 'committed' ? this.list.apply(notice) : null;
    for (const listener of this.noticeListeners) listener(notice);
    if (changed !== null) for (const listener of this.taskListeners) listener(changed);
  }
}

function occurrenceOf<T>(listeners: Set<(value: T) => unknown>): Occurrence<T> {
  return (listener) => {
    // One of its own for each asking: the same function may listen twice.
    const own = (value: T): unknown => listener(value);
    listeners.add(own);
    return { dispose: () => void listeners.delete(own) };
  };
}
