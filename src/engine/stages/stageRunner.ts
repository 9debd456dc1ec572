import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Activity } from '../claude/activity.ts';
import { runCli } from '../claude/cliRun.ts';
import type { CliOutcome } from '../claude/outcome.ts';
import type { TestRun } from '../context/bundle.ts';
import { sealBundle } from '../context/digest.ts';
import { budgetLeftUsd, budgetSpent } from '../domain/budget.ts';
import type { RunYield } from '../domain/commands.ts';
import type { Failure } from '../domain/outcome.ts';
import { type Run, type Task, totalCostUsd } from '../domain/task.ts';
import type { Clock } from '../ports/clock.ts';
import { errorOf, failureOf, OrchestratorError } from '../ports/errors.ts';
import type { Workspace } from '../ports/isolation.ts';
import { secretValuesOf } from '../process/redactor.ts';
import { type WatchedEnd, watchingDisk } from '../process/watchedProgram.ts';
import { checkoutOf } from '../worktrees/worktree.ts';
import type { CheckedOut, Snapshot, WorktreeManager } from '../worktrees/worktreeManager.ts';
import { definitions } from './definitions.ts';
import { ExpectedRuns } from './expectedRuns.ts';
import { failedTestsReport, verdictOf } from './qa.ts';
import type { StageDefinition } from './stageDefinition.ts';
import { stageProgram } from './stageProgram.ts';
import { composePrompt, type PromptSources, readPromptSources } from './stagePrompt.ts';
import type { StageRunRequest } from './stageRunRequest.ts';
import { StageTree } from './stageTree.ts';
import { runProjectCommand } from './testCommand.ts';
import { nothingDone, resultOf, type Work } from './work.ts';

export type StageReport =
  | { readonly type: 'succeeded'; readonly result: RunYield; readonly body: string }
  | {
      readonly type: 'failed';
      readonly failure: Failure;
      readonly sessionId: string | null;
      readonly costUsd: number;
      readonly cliVersion: string | null;
    };

/** `detach`: the engine closes, the run goes on without it. `stop`: a person wants it ended; start nothing more. */
export interface RunSignals {
  readonly detach: AbortSignal;
  readonly stop: AbortSignal;
}

type Succeeded = Extract<CliOutcome, { type: 'success' }>;

interface Answered {
  readonly head: string;
  readonly tests: TestRun | null;
  readonly sources: Promise<PromptSources>;
  readonly outcome: Succeeded;
}

/**
 * Takes one run from its recorded context to a report. Every step is written down in the run directory before the next,
 * so calling it again for the same run (after a crash, from another engine) goes on where it was and starts nothing twice.
 */
export class StageRunner {
  private readonly worktrees: WorktreeManager;
  private readonly tree: StageTree;
  private readonly expected: ExpectedRuns;
  private readonly clock: Clock;
  private readonly cliEnvironment: () => Readonly<Record<string, string>>;
  private readonly onActivity: (task: Task, run: Run, activity: Activity) => void;

  constructor(options: {
    readonly worktrees: WorktreeManager;
    readonly clock: Clock;
    /** The CLI's environment, credentials included; asked at each run. */
    readonly cliEnvironment: () => Readonly<Record<string, string>>;
    readonly onActivity: (task: Task, run: Run, activity: Activity) => void;
  }) {
    this.worktrees = options.worktrees;
    this.tree = new StageTree(options.worktrees, () => secretValuesOf(options.cliEnvironment()));
    this.expected = new ExpectedRuns(this.tree, options.worktrees, options.cliEnvironment);
    this.clock = options.clock;
    this.cliEnvironment = options.cliEnvironment;
    this.onActivity = options.onActivity;
  }

  /** The task's first run will follow: see `ExpectedRuns.first`. */
  expectFirst(request: Parameters<ExpectedRuns['first']>[0]): Promise<void> {
    return this.expected.first(request);
  }

  /** See `StageTree`. */
  noteCheckedOut(workspace: Workspace, checkedOut: CheckedOut): void {
    this.tree.noteCheckedOut(workspace, checkedOut);
  }

  async run(request: StageRunRequest, signals: RunSignals): Promise<StageReport> {
    try {
      return await this.carryOut(request, signals);
    } catch (error) {
      if (signals.detach.aborted) throw error;
      // It ends here, however it ended: what was planted meanwhile must not wait for the next git command.
      const planted = await this.tree.overstepOutside(request);
      if (planted === null || signals.stop.aborted) throw error;
      const message = `${planted.message} ${error instanceof Error ? error.message : String(error)}`;
      throw new OrchestratorError(planted.code, message, { cause: error });
    }
  }

  private async carryOut(request: StageRunRequest, signals: RunSignals): Promise<StageReport> {
    const definition = definitions[request.run.stage];
    const { workspace } = request;
    await workspace.expectRun(null);
    // While the worktree is looked at: neither needs the other.
    const sources = readPromptSources(definition, request, this.worktrees);
    // Awaited where the prompt is made, unless the run ends before that.
    sources.catch(() => undefined);
    const head = await this.tree.begin(request);
    signals.stop.throwIfAborted();
    const tests = definition.reads.tests ? await this.runTests(request, head, signals) : null;
    if (tests !== null && tests.exitCode !== 0) {
      const planted = await this.tree.overstepOutside(request);
      return planted === null ? reportFailedTests(request, head, tests) : failed(nothingAsked, planted);
    }
    const asked = await this.onDisk(request, request.runDir, signals, () =>
      this.ask(definition, request, { head, tests, sources }, signals.detach),
    );
    const outcome: CliOutcome =
      asked.type === 'ended'
        ? asked.value
        : { ...spent(asked.value ?? nothingAsked), type: 'failure', failure: asked.failure };
    if (outcome.type === 'failure') return this.ended(request, outcome, outcome.failure);
    try {
      return await this.accept(definition, request, { head, tests, sources, outcome }, signals.stop);
    } catch (error) {
      if (signals.detach.aborted) throw error;
      return this.ended(request, outcome, failureOf(error));
    }
  }

  /** What was spent stays known, whatever else went wrong; and what was planted meanwhile must not wait for the next git command. */
  private async ended(request: StageRunRequest, outcome: Spent, failure: Failure): Promise<StageReport> {
    const planted = await this.tree.overstepOutside(request).catch(failureOf);
    return failed(
      outcome,
      planted === null ? failure : { ...planted, message: `${planted.message} ${failure.message}` },
    );
  }

  /** Takes over what a stage handed in that ended well, as far as its CLI knows. */
  private async accept(
    definition: StageDefinition,
    request: StageRunRequest,
    { head, tests, sources, outcome }: Answered,
    stop: AbortSignal,
  ): Promise<StageReport> {
    const output = v.safeParse(definition.output(request.context), outcome.structuredOutput);
    if (!output.success) {
      const message = `The ${request.run.stage} stage answered in another form than asked: ${v.summarize(output.issues)}`;
      return failed(outcome, { code: 'no-verdict', message });
    }
    const verified = await this.tree.verify(definition, request);
    const [examined] = await Promise.all([
      this.tree.examine(definition, request, head, verified),
      verified.planted.length > 0 || stop.aborted
        ? null
        : this.expected.after(definition, request, {
            output: output.output,
            costUsd: outcome.costUsd,
            head,
            sources,
          }),
    ]);
    if (examined.type === 'overstepped') return failed(outcome, examined.failure);
    const work = definition.changes ? await this.record(request, head, examined.snapshot) : nothingDone(head);
    if (work === null) return failed(outcome, nothingChanged);
    return conclude(definition, request, { ...work, tests, outcome, output: output.output });
  }

  /** Commits the stage's work and sums up the task's; null when there is none. */
  private async record(request: StageRunRequest, head: string, snapshot: Snapshot): Promise<Work | null> {
    const [commit, summary] = await Promise.all([
      this.tree.checkpoint(request, head, snapshot),
      this.worktrees.summary(request.worktree, snapshot),
    ]);
    return commit === null ? null : { commit, ...summary };
  }

  private async runTests(
    request: StageRunRequest,
    head: string,
    signals: RunSignals,
  ): Promise<TestRun | null> {
    const { task, run, runDir, workspace, worktree } = request;
    const command = task.settings.testCommand;
    if (command === null) return null;
    this.onActivity(task, run, { type: 'does', text: `Tests: ${command}` });
    const testsDir = testsDirectory(runDir);
    const tested = await this.onDisk(request, testsDir, signals, () =>
      runProjectCommand({
        workspace,
        runDir: testsDir,
        command,
        timeoutMs: task.settings.stages[run.stage].timeoutMs,
        checkout: checkoutOf(worktree, head),
        signal: signals.detach,
      }),
    );
    signals.stop.throwIfAborted();
    if (tested.type === 'disk-full') throw errorOf(tested.failure);
    const { exit, ...tests } = tested.value;
    if (exit.reason === 'lost' || exit.reason === 'stopped') {
      const detail = exit.detail === undefined ? '' : ` (${exit.detail})`;
      throw new OrchestratorError('killed', `The test command was ended before it finished${detail}.`);
    }
    await workspace.expectRun(null);
    // Reports and caches that tests write are neither the implementer's work nor an overstep of QA's.
    await this.tree.cleanTo(head, worktree);
    return tests;
  }

  /** Runs a program of the stage that is known by this run directory. */
  private async onDisk<Value>(
    { run, workspace, worktree, startFile }: StageRunRequest,
    runDir: string,
    { detach }: RunSignals,
    program: () => Promise<Value>,
  ): Promise<WatchedEnd<Value>> {
    const watched = {
      name: `${run.stage} stage`,
      folder: worktree.path,
      since: (await stat(startFile)).mtimeMs,
      clock: this.clock,
      stop: () => workspace.stop(runDir),
      detach,
    };
    return watchingDisk(watched, program);
  }

  private async ask(
    definition: StageDefinition,
    request: StageRunRequest,
    {
      head,
      tests,
      sources,
    }: { readonly head: string; readonly tests: TestRun | null; readonly sources: Promise<PromptSources> },
    detach: AbortSignal,
  ): Promise<CliOutcome> {
    const { task, run, runDir, workspace, worktree } = request;
    const settings = task.settings.stages[run.stage];
    const leftUsd = budgetLeftUsd(task) ?? Infinity;
    const env = this.cliEnvironment();
    const outcome = await runCli({
      workspace,
      runDir,
      env,
      launch: async () => ({
        ...(await stageProgram(definition, request, env)),
        runDir,
        stdin: await composePrompt(definition, request, tests, await sources),
        timeoutMs: settings.timeoutMs,
        checkout: checkoutOf(worktree, head),
      }),
      clock: this.clock,
      signal: detach,
      onActivity: (activity) => this.onActivity(task, run, activity),
    });
    const isOfTask =
      outcome.type === 'failure' && outcome.failure.code === 'budget' && leftUsd < settings.maxBudgetUsd;
    return isOfTask
      ? { ...outcome, failure: budgetSpent(task, totalCostUsd(task) + outcome.costUsd) }
      : outcome;
  }
}

function conclude(
  definition: StageDefinition,
  request: StageRunRequest,
  done: Work & { readonly tests: TestRun | null; readonly outcome: Succeeded; readonly output: unknown },
): StageReport {
  const bundle = definition.bundle(done.output, resultOf(request, done, done.tests));
  const { body, digest: outputDigest } = sealBundle(bundle);
  const verdict = definition.verdict(bundle);
  const { sessionId, costUsd, cliVersion } = done.outcome;
  const produced = { outputDigest, sessionId, costUsd, cliVersion, commit: done.commit };
  return { type: 'succeeded', body, result: verdict === null ? produced : { ...produced, verdict } };
}

/** Where the engine's own run of the test command lies, within a QA run's directory. */
export function testsDirectory(runDir: string): string {
  return join(runDir, 'tests');
}

const nothingChanged: Failure = {
  code: 'no-change',
  message: 'The implementation stage said it was done but changed nothing.',
  remedy: 'Send it back with a note, or retry.',
};

function reportFailedTests({ context }: StageRunRequest, commit: string, tests: TestRun): StageReport {
  const report = failedTestsReport(context, tests);
  const { body, digest: outputDigest } = sealBundle(report);
  const verdict = verdictOf(report);
  return {
    type: 'succeeded',
    body,
    result: { outputDigest, sessionId: null, costUsd: 0, cliVersion: null, commit, verdict },
  };
}

const nothingAsked = { sessionId: null, costUsd: 0, cliVersion: null };

type Spent = Pick<CliOutcome, 'sessionId' | 'costUsd' | 'cliVersion'>;

const spent = ({ sessionId, costUsd, cliVersion }: Spent): Spent => ({ sessionId, costUsd, cliVersion });

function failed(outcome: Spent, failure: Failure): StageReport {
  return { ...spent(outcome), type: 'failed', failure };
}
