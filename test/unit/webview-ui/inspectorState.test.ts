import { expect, test } from 'vitest';
import { digestOf, runIdOf, taskIdOf } from '../../../src/engine/domain/ids.ts';
import {
  parseHostMessage,
  parsePageMessage,
  parseSavedState,
  type Change,
  type InspectorView,
  type RunView,
} from '../../../src/engine/protocol/inspector.ts';
import { emptyState, receive, type InspectorState } from '../../../webview-ui/src/inspectorState.ts';

const taskId = taskIdOf('00000000-0000-4000-8000-000000000000');

const run: RunView = {
  id: runIdOf(taskId, 'specification', 1),
  stage: 'specification',
  attempt: 1,
  status: 'running',
  outcome: null,
  inputDigests: [],
  outputDigest: null,
  startedAt: 1,
  completedAt: null,
  costUsd: 0,
};

const view: InspectorView = {
  task: {
    taskId,
    title: 'Title',
    description: '',
    phase: 'running',
    stage: 'specification',
    reason: null,
    needsPerson: false,
    createdAt: 0,
    branch: null,
    worktree: null,
    commit: null,
    port: null,
    qaRounds: 0,
    maxQaRounds: 3,
    maxBudgetUsd: null,
    accepted: [],
    actions: ['pause'],
  },
  runs: [run],
  bundles: [],
};

const opened = (): InspectorState => receive(emptyState, { type: 'snapshot', seq: 7, view }).state;
const delta = (seq: number, ...changes: Change[]) => ({ type: 'delta', seq, changes }) as const;

test('deltas that follow the snapshot change only what they name', () => {
  const { state, isGap } = receive(
    opened(),
    delta(
      8,
      { type: 'task', set: { phase: 'gate' } },
      { type: 'run', run: { ...run, status: 'completed', outcome: 'success', completedAt: 5 } },
      { type: 'run', run: { ...run, id: runIdOf(taskId, 'implementation', 1), stage: 'implementation' } },
      {
        type: 'bundles',
        added: [
          {
            digest: digestOf('a'.repeat(64)),
            stage: 'specification',
            version: 1,
            runId: run.id,
            createdAt: 5,
          },
        ],
      },
    ),
  );
  expect(isGap).toBe(false);
  expect(state.view?.task).toEqual({ ...view.task, phase: 'gate' });
  expect(state.view?.runs.map(({ status }) => status)).toEqual(['completed', 'running']);
  expect(state.view?.bundles).toHaveLength(1);
});

test('a gap is told once, and nothing is taken in before the next snapshot', () => {
  const missed = receive(opened(), delta(9, { type: 'task', set: { title: 'Late' } }));
  expect(missed).toMatchObject({ isGap: true, changes: [] });
  const later = receive(missed.state, delta(10, { type: 'task', set: { title: 'Later' } }));
  expect(later).toMatchObject({ isGap: false, changes: [] });
  expect(later.state.view?.task.title).toBe('Title');
  const mended = receive(later.state, { type: 'snapshot', seq: 12, view });
  expect(
    receive(mended.state, delta(13, { type: 'task', set: { title: 'Now' } })).state.view?.task.title,
  ).toBe('Now');
});

test('a delta that comes a second time is a gap too', () => {
  const once = receive(opened(), delta(8)).state;
  expect(receive(once, delta(8)).isGap).toBe(true);
});

test('a delta before the first snapshot is dropped without a question: the snapshot is on its way', () => {
  expect(receive(emptyState, delta(1))).toEqual({ state: emptyState, isGap: false, changes: [] });
});

test('what cannot be shown takes the place of what was shown', () => {
  const { state } = receive(opened(), { type: 'unavailable', message: 'Gone.', remedy: null });
  expect(state).toMatchObject({ view: null, unavailable: { message: 'Gone.' } });
  expect(receive(state, delta(8)).changes).toEqual([]);
});

test.each([
  { type: 'snapshot', seq: 1, view: { ...view, extra: true } },
  { type: 'snapshot', seq: -1, view },
  { type: 'delta', seq: 1, changes: [{ type: 'script', run: 'alert(1)' }] },
  { type: 'delta', seq: '1', changes: [] },
  'delta',
  undefined,
])('the page drops what is no message of the host: %j', (message) => {
  expect(parseHostMessage(message)).toBeNull();
});

test.each([
  { type: 'act', action: 'delete-everything' },
  { type: 'watch', runId: `${taskId}/../../x` },
  { type: 'ask', id: 1, question: { type: 'live', runId: run.id, from: 0, count: 501 } },
  { type: 'ask', id: 1, question: { type: 'bundle', digest: 'A'.repeat(64) } },
  { type: 'ready', now: true },
  null,
])('the host drops what is no message of the page: %j', (message) => {
  expect(parsePageMessage(message)).toBeNull();
});

test('saved state is where the page was, of a real task, or nothing', () => {
  expect(parseSavedState({ taskId, page: 'qa', data: 'x' })).toEqual({ taskId, page: 'qa' });
  expect(parseSavedState({ taskId: 'x' })).toBeNull();
  expect(parseSavedState({ taskId, page: 'settings' })).toBeNull();
});
