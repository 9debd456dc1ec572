import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { digestOf, type RunId } from '../../../src/engine/domain/ids.ts';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import type {
  Answer,
  Change,
  HostMessage,
  InspectorAction,
  Question,
} from '../../../src/engine/protocol/inspector.ts';
import { parseHostMessage } from '../../../src/engine/protocol/inspector.ts';
import { InspectorHost } from '../../../src/engine/inspection/inspectorHost.ts';
import { readers } from '../../../src/engine/inspection/readers.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { cliOutput, inspectedSession, type WebviewSession } from '../../support/webviewSession.ts';

/** A host with a page that keeps what it gets. */
class Page {
  readonly messages: HostMessage[] = [];
  readonly acted: string[] = [];
  readonly opened: unknown[] = [];
  readonly session: WebviewSession;
  readonly host: InspectorHost;
  /** What `post` resolves with: a test can let a message wait. */
  delivery: () => Promise<unknown> = () => Promise.resolve(true);
  private lastId = 0;

  constructor(session: WebviewSession, offers: (action: InspectorAction) => boolean = () => true) {
    this.session = session;
    this.host = new InspectorHost({
      taskId: session.task.id,
      session,
      readers: () => readers,
      post: (message) => {
        // What is sent is what the page accepts.
        expect(parseHostMessage(structuredClone(message))).not.toBeNull();
        this.messages.push(message);
        return this.delivery();
      },
      act: (action) => this.acted.push(action),
      offers,
      open: (...place) => this.opened.push(place),
      onTitle: () => undefined,
      report: (error) => {
        throw error;
      },
    });
    onTestFinished(() => this.host.dispose());
  }

  static async make(): Promise<Page> {
    return new Page(inspectedSession(await temporaryDirectory()));
  }

  async open(): Promise<this> {
    this.host.receive({ type: 'ready' });
    await vi.waitFor(() => expect(this.messages.at(0)?.type).toBe('snapshot'));
    return this;
  }

  get changes(): Change[] {
    return this.messages.flatMap((message) => (message.type === 'delta' ? message.changes : []));
  }

  async ask(question: Question): Promise<Answer> {
    this.lastId += 1;
    const id = this.lastId;
    this.host.receive({ type: 'ask', id, question });
    return vi.waitFor(() => {
      const found = this.messages.find((message) => message.type === 'answer' && message.id === id);
      if (found?.type !== 'answer') throw new Error('no answer yet');
      return found.answer;
    });
  }

  get running(): RunId {
    const run = this.session.task.runs.at(-1);
    if (run === undefined) throw new Error('the task has no run');
    return run.id;
  }

  async write(runId: RunId, lines: readonly string[]): Promise<void> {
    const path = join(this.session.storagePath, 'runs', runId, 'stdout.jsonl');
    await mkdir(dirname(path), { recursive: true });
    await appendFile(path, lines.map((line) => `${line}\n`).join(''));
  }

  liveTotal(): number {
    return this.changes.findLast((change) => change.type === 'live')?.state.total ?? -1;
  }
}

test('sends one snapshot, and from then on only what changed, numbered without a gap', async () => {
  const page = await (await Page.make()).open();
  const { task } = page.session;
  page.session.commit({ ...task, phase: { type: 'paused' } }, 'task.paused');
  await vi.waitFor(() => expect(page.changes.some(({ type }) => type === 'task')).toBe(true));

  expect(page.messages.map((message) => ('seq' in message ? message.seq : 0))).toEqual([1, 2, 3]);
  const sets = page.changes.flatMap((change) => (change.type === 'task' ? [change.set] : []));
  expect(sets).toEqual([
    {
      phase: 'paused',
      reason: 'It is paused.',
      needsPerson: true,
      actions: ['resume', 'send-back', 'show-changes', 'cancel'],
    },
  ]);
  expect(
    page.changes.flatMap((change) => (change.type === 'audit' ? change.rows.map(({ type }) => type) : [])),
  ).toEqual(['task.paused']);
});

test('answers a page that lost its place with a new snapshot', async () => {
  const page = await (await Page.make()).open();
  page.host.receive({ type: 'ready' });
  await vi.waitFor(() => expect(page.messages.filter(({ type }) => type === 'snapshot')).toHaveLength(2));
});

test('sends nothing to a page that was unloaded', async () => {
  const page = await (await Page.make()).open();
  page.host.pageLeft();
  page.session.commit({ ...page.session.task, phase: { type: 'paused' } }, 'task.paused');
  await new Promise(setImmediate);
  expect(page.messages).toHaveLength(1);
});

test('does only what the page offers, and drops what is no message', async () => {
  const page = await (await Page.make()).open();
  for (const message of [
    { type: 'act', action: 'accept' },
    { type: 'act', action: 'pause' },
    { type: 'act', action: 'workbench.action.quit' },
    { type: 'ask', id: 1, question: { type: 'live', runId: '../../etc/passwd', from: 0, count: 1 } },
    { type: 'ask', id: 2, question: { type: 'audit', after: 0, limit: 1e9 } },
    'pause',
    null,
  ])
    page.host.receive(message);
  await new Promise(setImmediate);
  expect(page.acted).toEqual(['pause']);
  expect(page.messages).toHaveLength(1);
});

test('tells why there is nothing to show, and shows it once there is', async () => {
  const page = await Page.make();
  page.session.refusal = new OrchestratorError('environment', 'The folder is not trusted.', {
    remedy: 'Trust it.',
  });
  page.host.receive({ type: 'ready' });
  await vi.waitFor(() =>
    expect(page.messages).toEqual([
      { type: 'unavailable', message: 'The folder is not trusted.', remedy: 'Trust it.' },
    ]),
  );
  page.session.refusal = null;
  page.session.changeState({ type: 'driving' });
  await vi.waitFor(() => expect(page.messages.at(-1)?.type).toBe('snapshot'));
});

test('goes to a page that was asked for before the panel had loaded', async () => {
  const page = await Page.make();
  page.host.show('qa');
  await page.open();
  expect(page.changes).toEqual([{ type: 'show', page: 'qa' }]);
});

test('renders a bundle, checks its digest, and joins a report with the words of its criteria', async () => {
  const page = await (await Page.make()).open();
  const { accepted, runs } = page.session.task;
  const specification = accepted.specification ?? digestOf('');
  expect(await page.ask({ type: 'bundle', digest: specification })).toMatchObject({
    type: 'bundle',
    isIntact: true,
    isCut: false,
    markdown: expect.stringContaining('**AC-2**: The empty text stays empty.'),
  });
  const digest = runs[2]?.outputDigest ?? digestOf('');
  expect(await page.ask({ type: 'report', digest })).toMatchObject({
    verdict: 'fail',
    criteria: [
      { id: 'AC-1', text: 'Each word begins with a capital letter.' },
      { id: 'AC-2', verdict: 'fail' },
    ],
  });
  expect(await page.ask({ type: 'bundle', digest: digestOf('0'.repeat(64)) })).toMatchObject({
    type: 'failed',
  });
});

test('follows the output of the watched run, and reads any range of it again', async () => {
  const page = await (await Page.make()).open();
  await page.write(page.running, [
    cliOutput.says('Hello'),
    cliOutput.does('1', 'Bash', { command: 'npm test' }),
  ]);
  page.host.receive({ type: 'watch', runId: page.running });
  await vi.waitFor(() => expect(page.liveTotal()).toBe(2));
  await page.write(page.running, [cliOutput.result('1', 'ok 1\nok 2')]);
  await vi.waitFor(
    () =>
      expect(page.changes.flatMap((change) => (change.type === 'live' ? change.answered : []))).toEqual([
        { index: 1, call: 'done' },
      ]),
    { timeout: 10_000 },
  );
  expect(page.liveTotal()).toBe(2);

  expect(await page.ask({ type: 'live', runId: page.running, from: 1, count: 10 })).toEqual({
    type: 'live',
    runId: page.running,
    entries: [{ index: 1, kind: 'does', text: 'Bash npm test', hasDetail: true, call: 'done' }],
  });
  expect(await page.ask({ type: 'live-detail', runId: page.running, index: 1 })).toMatchObject({
    text: expect.stringContaining('npm test'),
    result: { text: 'ok 1\nok 2', isCut: false },
  });
  expect(await page.ask({ type: 'live-search', runId: page.running, text: 'NPM' })).toMatchObject({
    matches: [1],
  });
});

test('sends a slow page no queue of live deltas, and loses no entry', async () => {
  const page = await (await Page.make()).open();
  const taken: (() => void)[] = [];
  await page.write(page.running, [cliOutput.says('first')]);
  page.delivery = () => new Promise<void>((resolve) => taken.push(resolve));
  page.host.receive({ type: 'watch', runId: page.running });
  await vi.waitFor(() => expect(page.liveTotal()).toBe(1));
  const sent = page.messages.length;
  await page.write(
    page.running,
    Array.from({ length: 5_000 }, (_, index) => cliOutput.says(`line ${index}`)),
  );
  const waited = page.session.task;
  page.session.commit({
    ...waited,
    runs: waited.runs.map((run) => ({ ...run, status: 'completed' as const })),
  });
  // The host has read it all; the page still has the first message to take.
  await vi.waitFor(
    async () =>
      expect(await page.ask({ type: 'live', runId: page.running, from: 5_000, count: 1 })).toMatchObject({
        entries: [{ index: 5_000 }],
      }),
    { timeout: 10_000 },
  );
  expect(
    page.messages
      .slice(sent)
      .filter((message) => message.type === 'delta' && message.changes[0]?.type === 'live'),
  ).toEqual([]);

  page.delivery = () => Promise.resolve(true);
  for (const resolve of taken) resolve();
  await vi.waitFor(() => expect(page.liveTotal()).toBe(5_001), { timeout: 10_000 });
  const answer = await page.ask({ type: 'live', runId: page.running, from: 2_500, count: 1 });
  expect(answer).toMatchObject({ entries: [{ index: 2_500, text: 'line 2499' }] });
});

test('a question about a run that is only just to be watched waits until it is', async () => {
  const page = await (await Page.make()).open();
  await page.write(page.running, [cliOutput.says('hello')]);
  page.host.receive({ type: 'watch', runId: page.running });
  expect((await page.ask({ type: 'live', runId: page.running, from: 0, count: 1 })).type).toBe('live');
});

test('offers only what its surroundings can do, and does nothing else', async () => {
  const page = new Page(inspectedSession(await temporaryDirectory()), (action) => action === 'cancel');
  await page.open();
  expect(page.messages[0]).toMatchObject({ view: { task: { actions: ['cancel'] } } });
  page.host.receive({ type: 'act', action: 'pause' });
  page.host.receive({ type: 'act', action: 'cancel' });
  expect(page.acted).toEqual(['cancel']);
});

test('reads the tokens of a run from its last line', async () => {
  const page = await (await Page.make()).open();
  await page.write(page.running, [
    cliOutput.says('{"type":"result","usage":{}}'),
    cliOutput.end({ input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 30 }),
  ]);
  expect(await page.ask({ type: 'usage', runId: page.running })).toMatchObject({
    tokens: { input: 10, output: 20, cacheRead: 30, cacheWrite: 0 },
  });
});

test('keeps to the runs of its own task', async () => {
  const page = await (await Page.make()).open();
  const other = `${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}/qa-1` as RunId;
  await writeFile(join(page.session.storagePath, 'secret'), 'secret');
  expect(await page.ask({ type: 'usage', runId: other })).toMatchObject({ type: 'failed' });
});
