import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliEnvironment } from '../../../src/engine/claude/environment.ts';
import { parseBundle } from '../../../src/engine/context/bundle.ts';
import { nextRunOf } from '../../../src/engine/domain/progress.ts';
import type { Stage } from '../../../src/engine/domain/stage.ts';
import type { Task, TaskSettings } from '../../../src/engine/domain/task.ts';
import type { ExpectedProgram, Launch } from '../../../src/engine/ports/isolation.ts';
import type { StageContext } from '../../../src/engine/stages/stageDefinition.ts';
import { StageRunner } from '../../../src/engine/stages/stageRunner.ts';
import { systemClock } from '../../../src/engine/systemClock.ts';
import type { Worktree, WorktreeManager } from '../../../src/engine/worktrees/worktreeManager.ts';
import { GitRepository } from '../../support/gitRepository.ts';
import { ActingWorkspace } from '../../support/actingWorkspace.ts';
import { queuedTask } from '../../support/storeFixtures.ts';
import { runOf } from '../../support/viewTasks.ts';

let repository: GitRepository;
let worktrees: WorktreeManager;
let worktree: Worktree;
let task: Task;
let context: StageContext;
let workspace: ActingWorkspace;
let acting: () => Promise<object>;

beforeEach(async () => {
  repository = await GitRepository.create();
  await repository.commit('Rules', { 'CLAUDE.md': 'Write tests.\n' });
  worktrees = repository.manager();
  task = taskWith({});
  context = {
    request: { type: 'request', format: 1, title: task.title, description: '' },
    specification: null,
    implementation: null,
    qa: null,
  };
  worktree = await worktrees.ensure({ taskId: task.id, title: task.title, baseBranch: null });
  await worktrees.populate(worktree, { copyFiles: [] });
  workspace = new ActingWorkspace(worktree.path, () => acting());
});

afterEach(() => repository.remove());

function taskWith(settings: Partial<TaskSettings>): Task {
  const made = queuedTask();
  const ungated = { gates: [], testCommand: null, maxBudgetUsd: null, trustRepository: true };
  return { ...made, settings: { ...made.settings, isolation: 'process', ...ungated, ...settings } };
}

const answers: Readonly<Record<Stage, object>> = {
  specification: {
    spec_markdown: '# Spec',
    acceptance_criteria: ['One.', 'Two.'],
    open_questions: [],
    files: [],
    risks: [],
  },
  implementation: { summary: 'Done.', criteria: { 'AC-1': { how: 'So.' }, 'AC-2': { how: 'So.' } } },
  qa: {
    verdict: 'pass',
    summary: 'Fine.',
    criteria: {
      'AC-1': { verdict: 'pass', evidence: 'here' },
      'AC-2': { verdict: 'pass', evidence: 'here' },
    },
    findings: [],
  },
};

const environment = cliEnvironment({ ANTHROPIC_API_KEY: 'sk-made-up-for-tests' });

/** Runs the stage to its end, as the engine would: the task and its context are then those after it. */
async function play(
  runner: StageRunner,
  stage: Stage,
  act: () => Promise<void> = async () => {},
  early: 'takes early programs' | 'takes none' = 'takes early programs',
): Promise<{ readonly expected: readonly (ExpectedProgram | null)[]; readonly launch: Launch | undefined }> {
  acting = async () => {
    await act();
    return answers[stage];
  };
  const [expectedBefore, startsBefore] = [workspace.expected.length, workspace.starts.length];
  workspace.takesEarly = early === 'takes early programs';
  const { runId, attempt } = nextRunOf(task, stage);
  const run = runOf({ id: runId, stage, attempt });
  task = { ...task, runs: [...task.runs, run] };
  const pathOf = (folder: string, id: string): string => join(repository.root, folder, ...id.split('/'));
  const runDir = pathOf('runs', runId);
  const signals = { detach: new AbortController().signal, stop: new AbortController().signal };
  const report = await runner.run(
    {
      task,
      run,
      workspace,
      worktree,
      runDir,
      runDirOf: (id) => pathOf('runs', id),
      startFile: pathOf('starts', runId),
      context,
      inputs: [],
    },
    signals,
  );
  if (report.type === 'succeeded') {
    const bundle = parseBundle(report.body);
    context = { ...context, [bundle.type]: bundle };
    const { costUsd } = report.result;
    task = { ...task, runs: task.runs.map((each) => (each.id === runId ? { ...each, costUsd } : each)) };
  }
  return { expected: workspace.expected.slice(expectedBefore), launch: workspace.starts[startsBefore] };
}

const newRunner = (): StageRunner =>
  new StageRunner({
    worktrees,
    clock: systemClock,
    cliEnvironment: () => environment,
    onActivity: () => {},
  });

const last = <Item>(items: readonly Item[]): Item | undefined => items.at(-1);
const change = (): Promise<void> => writeFile(join(worktree.path, 'made.txt'), 'made\n');
const programOf = (launch: Launch | undefined): ExpectedProgram | undefined =>
  launch === undefined ? undefined : { argv: launch.argv, env: launch.env };

describe('the program that is expected first', () => {
  it('is the one that comes', async () => {
    const runner = newRunner();
    const runDirOf = (id: string): string => join(repository.root, 'runs', ...id.split('/'));
    await runner.expectFirst({ task, worktree, workspace, runDirOf });
    expect(last(workspace.expected)).toEqual(programOf((await play(runner, 'specification')).launch));
  });

  it.each([
    ['later stages, which read what is in the database', { stage: 'implementation' as const, budget: null }],
    ['a task whose budget is spent', { runs: [runOf({ costUsd: 2 })], budget: 1 }],
  ])('is not known for %s', async (_name, { budget, ...changes }) => {
    const settings = { ...task.settings, maxBudgetUsd: budget };
    const runDirOf = (): string => join(repository.root, 'none');
    await newRunner().expectFirst({ task: { ...task, ...changes, settings }, worktree, workspace, runDirOf });
    expect(workspace.expected).toEqual([]);
  });
});

describe('the program that is expected after a stage', () => {
  it.each([
    ['without a budget', {}],
    ['with a budget of which something is spent', { maxBudgetUsd: 0.7 }],
    ['in a repository whose rules are not trusted', { trustRepository: false }],
  ])('is the one that comes, %s', async (_name, settings) => {
    task = { ...taskWith(settings), id: task.id };
    const runner = newRunner();
    const specified = await play(runner, 'specification');
    const made = await play(runner, 'implementation', change);
    expect(last(specified.expected)).toEqual(programOf(made.launch));
    const judged = await play(runner, 'qa');
    expect(last(made.expected)).toEqual(programOf(judged.launch));
    // Nothing follows by itself.
    expect(judged.expected).toEqual([null]);
  });

  it('finds the files that it is started with, and so does its run', async () => {
    const runner = newRunner();
    const { expected } = await play(runner, 'specification');
    const argv: readonly string[] = last(expected)?.argv ?? [];
    const path = argv[argv.indexOf('--append-system-prompt-file') + 1] ?? '';
    const early = await readFile(path, 'utf8');
    expect(early).toContain('Write tests.');
    const { launch } = await play(runner, 'implementation', change);
    expect(launch?.argv).toContain(path);
    expect(await readFile(path, 'utf8')).toBe(early);
  });

  it('vouches for no directory that another run could write in before its own begins', async () => {
    const runner = newRunner();
    await play(runner, 'specification');
    const planted = join(
      repository.root,
      'runs',
      ...nextRunOf(task, 'implementation').runId.split('/'),
      'exit.json',
    );
    task = { ...taskWith({ gates: ['specification'] }), id: task.id, runs: task.runs };
    await play(runner, 'specification', () => writeFile(planted, '{}'));
    expect(existsSync(planted)).toBe(true);
    await play(runner, 'implementation', change);
    expect(existsSync(planted)).toBe(false);
  });

  it.each([
    ['a person reads the specification first', { gates: ['specification'] as const }],
    ['the budget is spent', { maxBudgetUsd: 0.2 }],
  ])('is none where %s', async (_name, settings) => {
    task = { ...taskWith(settings), id: task.id };
    expect((await play(newRunner(), 'specification')).expected).toEqual([null]);
  });

  it('is not known where the tests run before it', async () => {
    task = { ...taskWith({ testCommand: 'true' }), id: task.id };
    const runner = newRunner();
    await play(runner, 'specification');
    const { expected } = await play(runner, 'implementation', change);
    expect(expected).toEqual([null, null]);
  });

  it('is none after a stage that did something to git', async () => {
    const runner = newRunner();
    const { expected } = await play(runner, 'specification', async () => {
      await writeFile(join(worktree.path, '.git'), 'gitdir: /elsewhere\n');
    });
    expect(expected).toEqual([null]);
  });

  it('that cannot be started fails no stage: its run will tell', async () => {
    const { expected } = await play(newRunner(), 'specification', async () => {}, 'takes none');
    expect(expected).toEqual([null]);
    expect(context.specification).not.toBeNull();
  });
});
