import { emptyAllocation } from '../../src/engine/domain/allocation.ts';
import { leaseIdOf, runIdOf, type Digest, type RunId } from '../../src/engine/domain/ids.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import type { Bundle } from '../../src/engine/context/bundle.ts';
import { sealBundle } from '../../src/engine/context/digest.ts';
import type { Records } from '../../src/engine/engine.ts';
import type { Notice } from '../../src/engine/notice.ts';
import type { AuditRow, StoredBundle } from '../../src/engine/ports/store.ts';
import type { Session, SessionState } from '../../src/extension/session.ts';
import { EventEmitter } from './fakeVscode.ts';
import { queuedTask } from './storeFixtures.ts';

/** A session over records in memory, for one task, that a test moves along. */
export class WebviewSession implements Session {
  state: SessionState = { type: 'driving' };
  readonly repositoryPath = '/repository';
  readonly storagePath: string;
  task: Task;
  readonly rows: AuditRow[] = [];
  readonly stored: StoredBundle[] = [];
  readonly tasks;
  /** What `engine()` rejects with, if anything. */
  refusal: Error | null = null;
  private readonly stateChanges = new EventEmitter<SessionState>();
  private readonly notices = new EventEmitter<Notice>();
  private readonly taskChanges = new EventEmitter<readonly Task[]>();
  readonly onDidChangeState = this.stateChanges.event as Session['onDidChangeState'];
  readonly onNotice = this.notices.event as Session['onNotice'];

  constructor(storagePath: string, task: Task) {
    this.storagePath = storagePath;
    this.task = task;
    this.tasks = {
      all: () => [this.task],
      get: (id: string) => (id === this.task.id ? this.task : undefined),
      slots: () => emptyAllocation.slots,
      onDidChange: this.taskChanges.event as Session['tasks']['onDidChange'],
    };
  }

  /** Commits: the task as it is now, with rows of these events. */
  commit(task: Task, ...types: readonly AuditRow['type'][]): void {
    this.task = task;
    const rows = types.map((type) => this.addRow(type));
    this.notices.fire({ type: 'committed', rows, tasks: [task], slots: emptyAllocation.slots });
    this.taskChanges.fire([task]);
  }

  changeState(state: SessionState): void {
    this.state = state;
    this.stateChanges.fire(state);
  }

  addRow(type: AuditRow['type'], actor: AuditRow['actor'] = 'engine'): AuditRow {
    const seq = this.rows.length + 1;
    const row: AuditRow = {
      seq,
      at: this.task.createdAt + seq * 1_000,
      taskId: this.task.id,
      type,
      actor,
      cause: actor === 'person' ? 'create' : 'run-succeeded',
      data: { stage: this.task.stage },
      hash: String(seq).padStart(64, '0'),
    };
    this.rows.push(row);
    return row;
  }

  addBundle(bundle: Bundle, runId: RunId | null = null): Digest {
    const { body, digest } = sealBundle(bundle);
    const version = this.stored.filter(({ stage }) => stage === bundle.type).length + 1;
    const createdAt = this.task.createdAt + version * 1_000;
    this.stored.push({ digest, taskId: this.task.id, runId, stage: bundle.type, body, version, createdAt });
    return digest;
  }

  engine() {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    const records: Records = {
      task: (id) => Promise.resolve(id === this.task.id ? this.task : null),
      taskIdsWithPrefix: () => Promise.resolve([this.task.id]),
      tasks: ({ offset }) => Promise.resolve(offset === 0 ? [this.task] : []),
      bundle: (digest) => Promise.resolve(this.stored.find((each) => each.digest === digest) ?? null),
      bundles: () => Promise.resolve(this.stored),
      audit: ({ after, limit }) =>
        Promise.resolve(this.rows.filter(({ seq }) => seq > after).slice(0, limit)),
      verifyAudit: () => Promise.resolve({ ok: true, rows: this.rows.length, firstBadRow: null }),
      damage: () => Promise.resolve([]),
    };
    return Promise.resolve({
      records,
      dispatch: () => Promise.resolve(null),
      settled: () => Promise.resolve(),
      close: () => Promise.resolve(),
    });
  }

  dispose(): void {}
}

/** A task whose first QA found faults, and that runs its second: every page of the inspector has something to show. */
export function inspectedSession(storagePath: string): WebviewSession {
  const start = 1_700_000_000_000;
  const session = new WebviewSession(
    storagePath,
    queuedTask({ title: 'Add title case to tiny text', stage: 'qa', createdAt: start }),
  );
  const { id } = session.task;
  const run = (stage: Task['stage'], attempt: number) => runIdOf(id, stage, attempt);
  const request = session.addBundle({
    type: 'request',
    format: 1,
    title: 'Add title case',
    description: 'Words get a capital letter.',
  });
  const specification = (markdown: string) =>
    session.addBundle(
      {
        type: 'specification',
        format: 1,
        markdown,
        criteria: [
          { id: 'AC-1', text: 'Each word begins with a capital letter.' },
          { id: 'AC-2', text: 'The empty text stays empty.' },
        ],
        openQuestions: ['What about “McDonald”?'],
        files: ['src/title.js'],
        risks: [],
      },
      run('specification', 1),
    );
  specification('# Title case\n\nA first idea.\n\n- one\n- two');
  const accepted = specification(
    '# Title case\n\nAdd `titleCase(text)`.\n\n| Input | Output |\n| --- | --- |\n| `a b` | `A B` |\n\n```js\ntitleCase("a b");\n```\n\n[Rules](https://example.org/rules)\n\n- [x] decided\n- two',
  );
  const implementation = session.addBundle(
    {
      type: 'implementation',
      format: 1,
      summary: 'Added titleCase and its tests.',
      criteria: [{ id: 'AC-1', how: 'By a regular expression.' }],
      baseCommit: 'b'.repeat(40),
      commit: 'c'.repeat(40),
      changedFiles: ['src/title.js'],
      diffStat: ' src/title.js | 12 ++++++++++++',
    },
    run('implementation', 1),
  );
  const report = session.addBundle(
    {
      type: 'qa',
      format: 1,
      verdict: 'fail',
      summary: 'The empty text throws.',
      criteria: [
        { id: 'AC-1', verdict: 'pass', evidence: 'test/title.test.js: "capitalises"' },
        { id: 'AC-2', verdict: 'fail', evidence: 'titleCase("") throws a TypeError.' },
      ],
      findings: [
        { severity: 'major', message: 'No check for the empty text.', file: 'src/title.js', line: 3 },
      ],
      tests: {
        command: 'npm test',
        exitCode: 1,
        durationMs: 2_345,
        outputTail: 'not ok 2 - empty text\n# fail 1',
      },
    },
    run('qa', 1),
  );
  const common = { sessionId: null, containerPort: 8081, costUsd: 0.42 };
  const past = (
    stage: Task['stage'],
    attempt: number,
    from: number,
    inputDigests: readonly Digest[],
    outputDigest: Digest,
  ) => ({
    ...common,
    id: run(stage, attempt),
    stage,
    attempt,
    status: 'completed' as const,
    outcome: 'success' as const,
    inputDigests,
    outputDigest,
    startedAt: start + from,
    completedAt: start + from + 95_000,
  });
  session.task = {
    ...session.task,
    requestDigest: request,
    accepted: { specification: accepted, implementation },
    phase: { type: 'running', leaseId: leaseIdOf(8081, 1), runId: run('qa', 2) },
    qaRounds: 1,
    worktree: {
      path: '/worktrees/title',
      branch: 'task/title',
      baseBranch: 'main',
      baseCommit: 'b'.repeat(40),
    },
    runs: [
      past('specification', 1, 1_000, [request], accepted),
      past('implementation', 1, 100_000, [request, accepted], implementation),
      {
        ...past('qa', 1, 200_000, [request, accepted, implementation], report),
        status: 'failed',
        outcome: 'qa-failed',
      },
      {
        ...past('qa', 2, 300_000, [request, accepted, implementation], report),
        status: 'running',
        outcome: null,
        outputDigest: null,
        startedAt: Date.now() - 83_000,
        completedAt: null,
        costUsd: 0,
      },
    ],
  };
  session.addRow('task.created', 'person');
  for (const type of [
    'task.queued',
    'task.admitted',
    'run.started',
    'run.completed',
    'context.accepted',
  ] as const)
    session.addRow(type);
  return session;
}

/** Lines as the CLI writes them. */
export const cliOutput = {
  says: (text: string) =>
    JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text }] } }),
  does: (id: string, name: string, input: unknown) =>
    JSON.stringify({ type: 'assistant', message: { content: [{ type: 'tool_use', id, name, input }] } }),
  result: (id: string, content: string, is_error = false) =>
    JSON.stringify({
      type: 'user',
      message: { content: [{ type: 'tool_result', tool_use_id: id, content, is_error }] },
    }),
  end: (usage: object) =>
    JSON.stringify({
      type: 'result',
      subtype: 'success',
      is_error: false,
      result: 'Done.',
      num_turns: 3,
      usage,
    }),
};
