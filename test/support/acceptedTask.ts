import type { TaskId } from '../../src/engine/domain/ids.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import type { AuditRow } from '../../src/engine/ports/store.ts';
import { taskIn } from './viewTasks.ts';

/** An engine that knows one task, accepted by a person, and as long a history of it as a test wants. */
export class AcceptedTask {
  readonly rows: AuditRow[] = [];
  /** As it is once its merge has ended. */
  readonly ended: Task;
  private readonly ending: Promise<void>;
  private isEnded = false;
  private resolveEnding: () => void = () => undefined;

  readonly records = {
    task: (): Promise<Task> => Promise.resolve(this.isEnded ? this.ended : taskIn('merging')),
    audit: ({ after, limit }: { readonly after: number; readonly limit: number }) =>
      Promise.resolve(this.rows.filter(({ seq }) => seq > after).slice(0, limit)),
  };

  constructor(phase: 'completed' | 'done') {
    this.ended = taskIn(phase);
    this.ending = new Promise((resolve) => {
      this.resolveEnding = resolve;
    });
  }

  get id(): TaskId {
    return this.ended.id;
  }

  settled(): Promise<void> {
    return this.ending;
  }

  /** The merge has ended. */
  end(): void {
    this.isEnded = true;
    this.resolveEnding();
  }

  record(type: AuditRow['type'], data: unknown): void {
    const about = { at: 0, taskId: this.id, actor: 'engine', cause: 'merge', hash: '0'.repeat(64) } as const;
    this.rows.push({ seq: this.rows.length + 1, type, data, ...about });
  }
}
