import type { SavedState } from '../../../src/engine/protocol/inspector.ts';
import type { HostChannel } from '../hostChannel.ts';

/** What a page of the inspector gets of the whole. */
export interface PageHost {
  readonly channel: HostChannel;
  /** Draws again, soon. */
  update(): void;
  /** Whether a place in the worktree can be opened from here. */
  readonly opensFiles: boolean;
  /** Where the page is; kept over reloads. */
  readonly place: SavedState;
  goTo(change: Partial<Omit<SavedState, 'taskId'>>): void;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
