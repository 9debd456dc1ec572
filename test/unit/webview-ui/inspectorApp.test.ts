// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from 'vitest';
import { runIdOf, taskIdOf } from '../../../src/engine/domain/ids.ts';
import { InspectorApp } from '../../../webview-ui/src/inspectorApp.ts';

const taskId = taskIdOf('00000000-0000-4000-8000-000000000000');

const task = {
  taskId,
  title: 'Title',
  description: '',
  phase: 'queued',
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
};
const snapshot = (seq: number, title = 'Title') => ({
  type: 'snapshot',
  seq,
  view: { task: { ...task, title }, runs: [], bundles: [] },
});

/** VS Code's side: what the page sent and saved. */
class Api {
  readonly sent: unknown[] = [];
  saved: unknown;

  constructor(saved?: unknown) {
    this.saved = saved;
  }

  postMessage(message: unknown): void {
    this.sent.push(message);
  }

  getState(): unknown {
    return this.saved;
  }

  setState(state: unknown): void {
    this.saved = state;
  }
}

let root: HTMLElement;

beforeEach(() => {
  root = document.createElement('div');
  document.body.replaceChildren(root);
});

const heading = (): string | undefined => root.querySelector('h1')?.textContent;

test('asks for a snapshot when it opens, and once when a delta is missing', async () => {
  const api = new Api();
  const app = new InspectorApp(root, api, taskId);
  app.start();
  expect(api.sent).toEqual([{ type: 'ready' }]);
  app.channel.receive(snapshot(1));
  await vi.waitFor(() => expect(heading()).toBe('Title'));

  app.channel.receive({ type: 'delta', seq: 3, changes: [{ type: 'task', set: { title: 'Missed' } }] });
  app.channel.receive({ type: 'delta', seq: 4, changes: [{ type: 'task', set: { title: 'Missed too' } }] });
  expect(api.sent).toEqual([{ type: 'ready' }, { type: 'ready' }]);
  app.channel.receive(snapshot(5, 'Whole again'));
  await vi.waitFor(() => expect(heading()).toBe('Whole again'));
});

test('saves where it is and nothing else, and goes back there', async () => {
  const api = new Api({ taskId, page: 'cost', secret: 'x' });
  const app = new InspectorApp(root, api, taskId);
  app.channel.receive(snapshot(1));
  await vi.waitFor(() => expect(root.textContent).toContain('Nothing was spent yet.'));
  app.channel.receive({ type: 'delta', seq: 2, changes: [{ type: 'show', page: 'qa' }] });
  expect(api.saved).toEqual({ taskId, page: 'qa' });
});

test('goes back to the versions that are compared, and to what is looked for', async () => {
  const digest = 'a'.repeat(64);
  const bundle = (version: number) => ({
    digest,
    stage: 'specification',
    version,
    runId: null,
    createdAt: version,
  });
  const runId = runIdOf(taskId, 'specification', 1);
  const run = {
    id: runId,
    stage: 'specification',
    attempt: 1,
    status: 'completed',
    outcome: 'success',
    inputDigests: [],
    outputDigest: digest,
    startedAt: 0,
    completedAt: 1,
    costUsd: 0,
  };
  const place = {
    taskId,
    context: 'specification-2',
    compared: 'specification-1',
    search: 'TODO',
    auditWords: 'merge',
    auditActor: 'person',
  };
  const api = new Api({ ...place, page: 'context' });
  const app = new InspectorApp(root, api, taskId);
  app.channel.receive({ ...snapshot(1), view: { task, runs: [run], bundles: [1, 2, 3].map(bundle) } });
  const chosen = (label: string): string | undefined =>
    root.querySelector(`vscode-dropdown[aria-label="${label}"] [selected]`)?.textContent;
  await vi.waitFor(() => expect(chosen('Compare with')).toBe('version 1'));
  expect(chosen('Context')).toBe('Specification, version 2');

  const field = (): string | undefined => root.querySelector<HTMLInputElement>('vscode-text-field')?.value;
  app.goTo({ page: 'live' });
  await vi.waitFor(() => expect(field()).toBe('TODO'));
  app.goTo({ page: 'audit' });
  await vi.waitFor(() => expect(field()).toBe('merge'));
  expect(chosen('Actor')).toBe('person');
  expect(api.saved).toEqual({ ...place, page: 'audit' });
});

test('drops what is no message, and takes a title for text', async () => {
  const app = new InspectorApp(root, new Api(), taskId);
  for (const message of [null, 'snapshot', { type: 'snapshot', seq: 1, view: {} }])
    app.channel.receive(message);
  app.channel.receive(snapshot(1, '<img src=x onerror=alert(1)>'));
  await vi.waitFor(() => expect(heading()).toBe('<img src=x onerror=alert(1)>'));
  expect(root.querySelector('img')).toBeNull();
});

test('says why there is nothing to show', async () => {
  const app = new InspectorApp(root, new Api(), taskId);
  app.channel.receive({ type: 'unavailable', message: 'The folder is not trusted.', remedy: 'Trust it.' });
  await vi.waitFor(() => expect(root.textContent).toContain('Trust it.'));
});

test('asks another host again for what the lost one owed it', async () => {
  const api = new Api();
  const app = new InspectorApp(root, api, taskId);
  app.start();
  app.channel.receive(snapshot(1));
  const answer = app.channel.ask({ type: 'verify' });
  app.reconnect();
  app.channel.receive(snapshot(1));
  const asked = { type: 'ask', id: 1, question: { type: 'verify' } };
  expect(api.sent).toEqual([{ type: 'ready' }, asked, { type: 'ready' }, asked]);
  app.channel.receive({
    type: 'answer',
    id: 1,
    answer: { type: 'verify', ok: true, rows: 6, firstBadRow: null },
  });
  expect(await answer).toMatchObject({ rows: 6 });
  app.stop();
  await vi.waitFor(() => expect(root.textContent).toBe(''));
});
