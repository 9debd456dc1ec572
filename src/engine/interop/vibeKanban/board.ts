import type { TaskStatus } from '../../domain/task.ts';

/** A project of a board. */
export interface BoardProject {
  /** Lower-case UUID. */
  readonly id: string;
  readonly name: string;
  /** Of its repositories, as the board wrote them; later versions have several. */
  readonly repositoryPaths: readonly string[];
  readonly taskCount: number;
}

/** A task of a board, checked. */
export interface BoardTask {
  readonly id: string;
  readonly projectId: string;
  readonly title: string;
  readonly description: string;
  readonly status: TaskStatus;
  /** Epoch ms; null when the board has none that can be read. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
  readonly parentAttempt: string | null;
  readonly parentTask: string | null;
  /** What could not be kept to the letter, in sentences. */
  readonly notes: readonly string[];
}

/** A row that cannot become a task. */
export interface BoardSkip {
  /** Null when it names none. */
  readonly projectId: string | null;
  readonly id: string | null;
  readonly title: string | null;
  /** A clause: `its status is "later"`. */
  readonly reason: string;
}

export interface BoardPage {
  readonly tasks: readonly BoardTask[];
  readonly skipped: readonly BoardSkip[];
}
