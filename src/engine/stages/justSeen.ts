import type { Workspace } from '../ports/isolation.ts';

/** What a person changes within this time after it was seen counts as changed during the stage that follows. */
const atOnceMs = 500;

/** What was seen of a workspace between two programs of the agent's, for the stage that follows at once; as long as its lease stands. */
export class JustSeen<Seen> {
  private readonly forMs: number;
  private readonly seen = new WeakMap<Workspace, { readonly what: Seen; readonly at: number }>();

  constructor(forMs = atOnceMs) {
    this.forMs = forMs;
  }

  /** `at`: `performance.now()` when it was seen. */
  note(workspace: Workspace, what: Seen, at = performance.now()): void {
    this.seen.set(workspace, { what, at });
  }

  /** Null when that is too long ago. Forgets it: the agent runs next. */
  take(workspace: Workspace): Seen | null {
    const seen = this.seen.get(workspace);
    this.seen.delete(workspace);
    return seen !== undefined && performance.now() - seen.at < this.forMs ? seen.what : null;
  }
}
