import type { Change, HostMessage, InspectorView, RunView } from '../../src/engine/protocol/inspector.ts';

/** What the page knows, from the snapshot and every delta after it. */
export interface InspectorState {
  readonly view: InspectorView | null;
  /** Number of the last message that was taken in. */
  readonly seq: number;
  /** A delta was missed: nothing is taken in before the next snapshot. */
  readonly isWaiting: boolean;
  readonly unavailable: { readonly message: string; readonly remedy: string | null } | null;
}

export const emptyState: InspectorState = { view: null, seq: 0, isWaiting: true, unavailable: null };

export interface Reception {
  readonly state: InspectorState;
  /** A delta does not follow the last one: the page needs a snapshot. Told once. */
  readonly isGap: boolean;
  /** The changes that were taken in; none of a message that was not. */
  readonly changes: readonly Change[];
}

/** Takes in a message of the host. Pure. */
export function receive(state: InspectorState, message: Exclude<HostMessage, { type: 'answer' }>): Reception {
  switch (message.type) {
    case 'snapshot':
      return {
        state: { view: message.view, seq: message.seq, isWaiting: false, unavailable: null },
        isGap: false,
        changes: [],
      };
    case 'delta':
      if (state.isWaiting || state.view === null) return { state, isGap: false, changes: [] };
      if (message.seq !== state.seq + 1)
        return { state: { ...state, isWaiting: true }, isGap: true, changes: [] };
      return {
        state: { ...state, seq: message.seq, view: message.changes.reduce(withChange, state.view) },
        isGap: false,
        changes: message.changes,
      };
    case 'unavailable':
      return {
        state: {
          ...emptyState,
          seq: state.seq,
          unavailable: { message: message.message, remedy: message.remedy },
        },
        isGap: false,
        changes: [],
      };
  }
}

function withChange(view: InspectorView, change: Change): InspectorView {
  switch (change.type) {
    case 'task':
      // A field is there or not; none is ever sent as undefined.
      return { ...view, task: { ...view.task, ...(change.set as Partial<InspectorView['task']>) } };
    case 'run':
      return { ...view, runs: withRun(view.runs, change.run) };
    case 'bundles':
      return { ...view, bundles: [...view.bundles, ...change.added] };
    case 'audit':
    case 'live':
    case 'show':
      return view;
  }
}

function withRun(runs: readonly RunView[], run: RunView): RunView[] {
  const isKnown = runs.some(({ id }) => id === run.id);
  return isKnown ? runs.map((each) => (each.id === run.id ? run : each)) : [...runs, run];
}
