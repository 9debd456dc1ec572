import { beforeEach, describe, expect, test, vi } from 'vitest';
import { emptyAllocation } from '../../../../src/engine/domain/allocation.ts';
import { type Digest, digestOf } from '../../../../src/engine/domain/ids.ts';
import type { Phase, Task } from '../../../../src/engine/domain/task.ts';
import type { QaBundle } from '../../../../src/engine/context/bundle.ts';
import type { Engine, Records } from '../../../../src/engine/engine.ts';
import type { StoredBundle } from '../../../../src/engine/ports/store.ts';
import { qaReportDigest, specificationDigest } from '../../../../src/extension/review/contextDigests.ts';
import { documentUri, parseDocumentUri } from '../../../../src/extension/review/documentAddress.ts';
import { DocumentProvider } from '../../../../src/extension/review/documentProvider.ts';
import { findingPlaces } from '../../../../src/extension/review/findingPlaces.ts';
import { QaProblems } from '../../../../src/extension/review/qaProblems.ts';
import type { TaskModel } from '../../../../src/engine/inspection/taskFeed.ts';
import type { Session, SessionState } from '../../../../src/extension/session.ts';
import { EventEmitter, problems, Uri } from '../../../support/fakeVscode.ts';
import { idOf, runOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

const first = digestOf('1'.repeat(64));
const second = digestOf('2'.repeat(64));
const worktree = { path: '/w/clock', branch: 'orchestrator/clock', baseBranch: 'main', baseCommit: 'c' };

function qaReport(findings: QaBundle['findings']): QaBundle {
  return { type: 'qa', format: 1, verdict: 'fail', summary: 'Bad.', criteria: [], findings, tests: null };
}

/** A window whose storage holds these reports; each is handed out when the test says so. */
class SessionOfReports implements Session {
  readonly state: SessionState = { type: 'driving' };
  readonly onDidChangeState = new EventEmitter<SessionState>().event;
  readonly onNotice = new EventEmitter<never>().event;
  readonly repositoryPath = '/r';
  readonly storagePath = '/s';
  readonly tasks: TaskModel;
  private readonly reports: ReadonlyMap<Digest, string>;
  /** Reading a report waits for these. */
  readonly delays = new Map<Digest, Promise<void>>();

  constructor(tasks: readonly Task[], reports: Readonly<Record<string, QaBundle | string>>) {
    this.reports = new Map(
      Object.entries(reports).map(([digest, report]) => [
        digestOf(digest),
        typeof report === 'string' ? report : JSON.stringify(report),
      ]),
    );
    this.tasks = {
      all: () => tasks,
      get: (id) => tasks.find((task) => task.id === id),
      slots: () => emptyAllocation.slots,
      onDidChange: new EventEmitter<readonly Task[]>().event,
    };
  }

  engine(): Promise<Engine> {
    const refuse = (): Promise<never> => Promise.reject(new Error('not part of this test'));
    const records: Records = {
      task: refuse,
      taskIdsWithPrefix: refuse,
      tasks: refuse,
      bundles: refuse,
      audit: refuse,
      verifyAudit: refuse,
      damage: refuse,
      bundle: (digest) => this.bundle(digest),
    };
    return Promise.resolve({ records, dispatch: refuse, settled: refuse, close: refuse });
  }

  dispose(): void {}

  private async bundle(digest: Digest): Promise<StoredBundle | null> {
    await this.delays.get(digest);
    const body = this.reports.get(digest);
    if (body === undefined) return null;
    return { digest, taskId: idOf(1), runId: null, stage: 'qa', body, version: 1, createdAt: 0 };
  }
}

/** A task whose QA yielded these reports, in order. */
function judged(phase: Phase['type'], ...digests: readonly Digest[]): Task {
  return taskIn(phase, 1, {
    worktree,
    stage: 'qa',
    runs: digests.map((outputDigest) => runOf({ stage: 'qa', status: 'completed', outputDigest })),
  });
}

const shown = (): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    [...problems].map(([uri, list]) => [
      uri,
      list.map(({ range, severity, message }) => `${range.start.line} ${severity} ${message}`),
    ]),
  );

beforeEach(() => {
  problems.clear();
});

describe('addresses of documents', () => {
  test.each([
    { type: 'context', digest: '1'.repeat(64), name: 'Add a clock (qa v2)' },
    { type: 'file', commit: 'a'.repeat(40), path: 'src/ü b/#?%.ts' },
    { type: 'file', commit: 'a'.repeat(64), path: 'line\nbreak' },
  ] as const)('%j comes back as it was', (address) => {
    expect(parseDocumentUri(documentUri(address))).toEqual(address);
  });

  test('a hostile title is no more than the name of one file', () => {
    const { path } = documentUri({ type: 'context', digest: '1'.repeat(64), name: '../../etc/\u0000passwd' });
    expect(path).toBe('/.. .. etc passwd.md');
  });

  test('two versions of a file have one path, or a comparison would call it renamed', () => {
    const [one, other] = ['a', 'b'].map((letter) =>
      documentUri({ type: 'file', commit: letter.repeat(40), path: 'src/a.ts' }),
    );
    expect(one?.path).toBe(other?.path);
    expect(one).not.toEqual(other);
  });

  test.each([
    ['context', '/x.md', '1'.repeat(40)],
    ['file', '/readme.md', 'HEAD'],
    ['file', '/', 'a'.repeat(40)],
    ['file', '/x', `--help${'a'.repeat(40)}`],
    ['other', '/x', 'a'.repeat(40)],
  ])('%s%s of %s is none', (authority, path, query) => {
    expect(parseDocumentUri({ scheme: 'orchestrator', authority, path, query })).toBeNull();
  });
});

describe('which version is read', () => {
  test('of the specification: the one that waits for approval, else the accepted, else the newest', () => {
    const runs = [runOf({ status: 'completed', outputDigest: first })];
    expect(specificationDigest(taskIn('gate', 1, { runs }))).toBe('b'.repeat(64));
    expect(specificationDigest(taskIn('paused', 1, { runs, accepted: { specification: second } }))).toBe(
      second,
    );
    expect(specificationDigest(taskIn('paused', 1, { runs }))).toBe(first);
    expect(specificationDigest(taskIn('queued'))).toBeNull();
  });

  test('of QA: the newest, whatever it says', () => {
    expect(qaReportDigest(judged('attention', first, second))).toBe(second);
    expect(qaReportDigest(taskIn('running'))).toBeNull();
  });
});

describe('places of findings', () => {
  const place = (file: string | null, line: number | null) =>
    findingPlaces({ findings: [{ severity: 'major', message: 'Bad', file, line }] })[0];

  test('are counted from 0, in the repository', () => {
    expect(place('src/a.ts', 7)).toEqual({ path: 'src/a.ts', line: 6, severity: 'major', message: 'Bad' });
    expect(place('./src//a.ts', null)).toMatchObject({ path: 'src/a.ts', line: 0 });
    expect(place(null, 7)).toMatchObject({ path: null, line: 0 });
  });

  test.each([
    '/etc/passwd',
    '../secret',
    'a/../../b',
    'C:\\Windows',
    '\\\\host\\share',
    '.git/config',
    '',
    '.',
  ])('never leave it: %j is on the report', (file) => {
    expect(place(file, 3)).toMatchObject({ path: null, line: 0, message: `Bad (${file})` });
  });

  test.each([0, -1, 1.5, 1e308, Number.NaN])('line %d is none', (line) => {
    expect(place('a', line)?.line).toBe(0);
  });
});

describe('findings in the Problems panel', () => {
  const report = qaReport([
    { severity: 'blocker', message: 'Wrong hour', file: 'src/clock.ts', line: 3 },
    { severity: 'minor', message: 'Typo', file: 'src/clock.ts', line: null },
    { severity: 'major', message: 'Tests fail', file: null, line: null },
  ]);
  const reportUri = `orchestrator://context/Task 1 (QA report).md?${first}`;

  test('stand in the worktree with their severity; what has no place stands on the report', async () => {
    const task = judged('attention', first);
    new QaProblems(new SessionOfReports([task], { [first]: report })).reload();
    await vi.waitFor(() => expect(problems.size).toBe(2));
    expect(shown()).toEqual({
      'file:///w/clock/src/clock.ts': ['2 0 Wrong hour', '0 2 Typo'],
      [reportUri]: ['0 1 Tests fail'],
    });
    expect(problems.get('file:///w/clock/src/clock.ts')?.[0]?.code).toMatchObject({ value: 'blocker' });
  });

  test('are those of the newest report, and go when the task is done', async () => {
    const newer = qaReport([{ severity: 'major', message: 'Still wrong', file: 'src/b.ts', line: 1 }]);
    const found = new QaProblems(new SessionOfReports([], { [first]: report, [second]: newer }));
    found.update([judged('attention', first)]);
    await vi.waitFor(() => expect(problems.size).toBe(2));
    found.update([judged('completed', first, second)]);
    await vi.waitFor(() => expect(shown()).toEqual({ 'file:///w/clock/src/b.ts': ['0 1 Still wrong'] }));
    found.update([judged('done', first, second)]);
    expect(problems.size).toBe(0);
  });

  test('an old report that comes late does not take the place of the newer one', async () => {
    const newer = qaReport([{ severity: 'major', message: 'Still wrong', file: 'src/b.ts', line: 1 }]);
    const session = new SessionOfReports([], { [first]: report, [second]: newer });
    let release = (): void => {};
    session.delays.set(
      first,
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    const found = new QaProblems(session);
    found.update([judged('attention', first)]);
    found.update([judged('attention', first, second)]);
    await vi.waitFor(() => expect(problems.size).toBe(1));
    release();
    // The late one has been read when a third, asked for after it, is there.
    const read = vi.spyOn(session, 'engine');
    found.update([{ ...judged('attention', first), id: idOf(2) }]);
    await vi.waitFor(() => expect(problems.size).toBe(3));
    expect(read).toHaveBeenCalledTimes(1);
    expect(shown()['file:///w/clock/src/b.ts']).toEqual(['0 1 Still wrong']);
  });

  test('a report that cannot be read says so where its findings would be', async () => {
    new QaProblems(new SessionOfReports([judged('attention', first)], { [first]: '{' })).reload();
    await vi.waitFor(() => expect(problems.size).toBe(1));
    expect(shown()[reportUri]?.[0]).toMatch(/^0 1 The QA report cannot be read: /);
  });
});

describe('read-only documents', () => {
  const session = new SessionOfReports([], { [first]: qaReport([]) });
  const textOf = (address: {
    readonly authority: string;
    readonly path: string;
    readonly query: string;
  }): Promise<string> => {
    const uri: unknown = Uri.from({ scheme: 'orchestrator', ...address });
    return new DocumentProvider(session).provideTextDocumentContent(uri as never);
  };

  test('a version of the context is read by its digest', async () => {
    expect(await textOf(documentUri({ type: 'context', digest: first, name: 'x' }))).toBe(
      'Verdict: **fail**. Bad.\n',
    );
  });

  test('what is not there, or no address of ours, is said in the document', async () => {
    expect(await textOf(documentUri({ type: 'context', digest: second, name: 'x' }))).toMatch(
      /not in the storage/,
    );
    expect(await textOf({ authority: 'file', path: '/readme.md', query: 'HEAD' })).toMatch(
      /names no document/,
    );
  });
});
