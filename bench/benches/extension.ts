import { execFile } from 'node:child_process';
import { appendFile, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { emptyAllocation } from '../../src/engine/domain/allocation.ts';
import { leaseIdOf, runIdOf } from '../../src/engine/domain/ids.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import { InspectorHost } from '../../src/engine/inspection/inspectorHost.ts';
import { readers } from '../../src/engine/inspection/readers.ts';
import type { TaskFeed, TaskModel } from '../../src/engine/inspection/taskFeed.ts';
import type { HostMessage } from '../../src/engine/protocol/inspector.ts';
import { TasksTree } from '../../src/extension/views/tasksTree.ts';
import { atMost, type Bench, type BenchContext, measurement, type Row } from '../harness/bench.ts';
import { agentLines, bytesOf } from '../harness/cliStream.ts';
import { lifeTransitions, numberedTask } from '../harness/seeds.ts';
import { inTurns, timed } from '../harness/turns.ts';

const taskCount = 10_000;
const linesASecond = 10_000;
const followedMs = 60_000;
/** A pipe brings lines by the dozen. */
const tickMs = 50;

const kilobytes = async (path: string): Promise<number> => (await stat(path)).size / 1024;

async function run(context: BenchContext): Promise<readonly Row[]> {
  const turns = context.pairs ?? 20;
  const loads: number[] = [];
  const activations: number[] = [];
  const program = join(context.root, 'bench', 'programs', 'activate.mjs');
  for (let turn = -1; turn < turns; turn += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, [program, context.distFolder]);
    const [load = 0, activate = 0] = stdout.split(' ').map(Number);
    if (turn < 0) continue;
    loads.push(load);
    activations.push(load + activate);
  }
  const transitions = await lifeTransitions(context, 1);
  const completed = transitions
    .flatMap(({ tasks }) => tasks)
    .findLast(({ phase }) => phase.type === 'completed');
  if (completed === undefined) throw new Error('The recorded life has no completed task');
  return [
    measurement('activation: load and activate', 'ms', activations, { figure: atMost(50) }),
    measurement('of that, loading the bundle', 'ms', loads),
    measurement('extension.js', 'KB', [await kilobytes(join(context.distFolder, 'extension.js'))], {
      figure: atMost(150),
    }),
    measurement(
      'the inspector’s page',
      'KB',
      [await kilobytes(join(context.distFolder, 'webview', 'inspector.js'))],
      {
        figure: atMost(400),
      },
    ),
    ...(await treeRows(completed, turns)),
    ...(await inspectorRows(context, completed)),
  ];
}

async function treeRows(completed: Task, turns: number): Promise<readonly Row[]> {
  const phases: readonly Task['phase'][] = [
    { type: 'queued', since: 1, reason: 'created' },
    { type: 'paused' },
    completed.phase,
  ];
  const tasks = Array.from({ length: taskCount }, (_, index) => ({
    ...numberedTask(completed, index),
    phase: phases[index % phases.length] ?? completed.phase,
  }));
  const model: TaskModel = {
    all: () => tasks,
    get: () => undefined,
    slots: () => emptyAllocation.slots,
    onDidChange: () => ({ dispose() {} }),
  };
  const draw = (tree: TasksTree): void => {
    for (const group of tree.getChildren())
      for (const row of [group, ...tree.getChildren(group)]) tree.getTreeItem(row);
  };
  let tree = new TasksTree(model, Date.now);
  const [drawn, changed] = await inTurns(turns, [
    () =>
      timed(() => {
        tree = new TasksTree(model, Date.now);
        draw(tree);
      }),
    (turn) =>
      timed(() => {
        const task = tasks[turn + 5];
        if (task === undefined) throw new RangeError('There is no such task');
        tree.update([{ ...task, updatedAt: Date.now(), title: `Task ${turn}` }]);
        draw(tree);
      }),
  ]);
  return [
    measurement('the tree of 10,000 tasks, drawn', 'ms', drawn, { figure: atMost(100) }),
    measurement('a change of one of them, everything that is open drawn anew', 'ms', changed, {
      figure: atMost(5),
    }),
  ];
}

async function inspectorRows({ scratch, say }: BenchContext, completed: Task): Promise<readonly Row[]> {
  const runId = runIdOf(completed.id, 'implementation', 1);
  const task: Task = {
    ...completed,
    phase: { type: 'running', leaseId: leaseIdOf(8081, 1), runId },
    runs: completed.runs.map((past) =>
      past.id === runId ? { ...past, status: 'running', outcome: null, completedAt: null } : past,
    ),
  };
  const folder = join(scratch, 'runs', ...runId.split('/'));
  await mkdir(folder, { recursive: true });
  const nothing = () => ({ dispose() {} });
  const feed: TaskFeed = {
    tasks: { all: () => [task], get: () => task, slots: () => emptyAllocation.slots, onDidChange: nothing },
    onNotice: nothing,
    onDidChangeState: nothing,
    engine: async () => ({ records: { bundles: async () => [], task: async () => task } }) as never,
    storagePath: scratch,
  };
  let total = 0;
  let opened = (): void => {};
  const isOpen = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const host = new InspectorHost({
    taskId: task.id,
    session: feed,
    readers: () => readers,
    post: (message: HostMessage) => {
      // As VS Code does: what is sent crosses to another process.
      const { length } = JSON.stringify(message);
      if (message.type === 'snapshot') opened();
      if (message.type === 'delta')
        for (const change of message.changes) if (change.type === 'live') ({ total } = change.state);
      return Promise.resolve(length);
    },
    act: () => {},
    open: () => {},
    onTitle: () => {},
    report: (error) => {
      throw error;
    },
  });
  host.receive({ type: 'ready' });
  await isOpen;
  host.receive({ type: 'watch', runId });
  // Each is one entry, so that what is shown can be counted.
  const lines = agentLines(linesASecond * 2).filter((line) => line.includes('"type":"assistant"'));
  const perTick = (linesASecond * tickMs) / 1000;
  const pieces = Array.from({ length: Math.floor(lines.length / perTick) }, (_, index) =>
    bytesOf(lines.slice(index * perTick, (index + 1) * perTick)),
  );
  say(`${linesASecond} lines a second for ${followedMs / 1000} s`);
  const file = join(folder, 'stdout.jsonl');
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  let written = 0;
  let early = 0;
  for (let tick = 0; performance.now() - startedAt < followedMs; tick += 1) {
    const piece = pieces[tick % pieces.length];
    if (piece === undefined) throw new Error('There is nothing to write');
    await appendFile(file, piece);
    written += perTick;
    if (early === 0 && performance.now() - startedAt > followedMs / 4) early = process.memoryUsage.rss();
    // Never ahead of the clock, and catching up when behind it.
    const due = startedAt + (tick + 1) * tickMs - performance.now();
    if (due > 0) await delay(due);
  }
  const grown = process.memoryUsage.rss() - early;
  const { user, system } = process.cpuUsage(cpuBefore);
  const deadline = performance.now() + 10_000;
  while (total < written && performance.now() < deadline) await delay(50);
  host.dispose();
  const seconds = followedMs / 1000;
  return [
    measurement(
      'lines a second that the inspector’s half in the extension took in',
      '/s',
      [written / seconds],
      {
        figure: { of: 'value', relation: '>=', bound: linesASecond * 0.99 },
      },
    ),
    measurement('of these, not shown', 'lines', [written - total], { figure: atMost(0) }),
    measurement('memory it grew by in the last three quarters', 'MB', [grown / 2 ** 20], {
      figure: atMost(32),
    }),
    measurement('CPU for that, with what writes the lines', '% of one core', [
      ((user + system) / 1000 / followedMs) * 100,
    ]),
  ];
}

export const extension: Bench = { title: 'The extension', run };
