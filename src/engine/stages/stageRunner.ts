import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import type { Activity } from '../claude/activity.ts';
import { runCli } from '../claude/cliRun.ts';
import { commandLine } from '../claude/commandLine.ts';
import { cliEnvironment } from '../claude/environment.ts';
import type { CliOutcome } from '../claude/outcome.ts';
import type { Bundle, QaBundle } from '../context/bundle.ts';
import { sealBundle } from '../context/digest.ts';
import { placeContext, type ContextPart } from '../context/promptContext.ts';
import { renderBundle, renderTests } from '../context/render.ts';
import type { RunYield } from '../domain/commands.ts';
import type { Digest } from '../domain/ids.ts';
import type { Failure } from '../domain/outcome.ts';
import type { Stage } from '../domain/stage.ts';
import type { Run, Task } from '../domain/task.ts';
import type { Clock } from '../ports/clock.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { Workspace } from '../ports/isolation.ts';
import { freshRunDirectory, readIfPresent, writeWhole } from '../process/runDirectory.ts';
import type { Worktree, WorktreeManager } from '../worktrees/worktreeManager.ts';
import { implementation } from './implementation.ts';
import { projectRules } from './prompts/projectRules.ts';
import { failedTestsReport, qa, verdictOf } from './qa.ts';
import { sessionIdOf } from './sessionId.ts';
import { specification } from './specification.ts';
import type { StageContext, StageDefinition } from './stageDefinition.ts';
import { jsonSchemaOf } from './stageOutput.ts';
import { runProjectCommand, type CommandResult } from './testCommand.ts';

/** What the stage was given: the run as recorded, and the bundles behind its input digests. */
export interface StageRunRequest {
  readonly task: Task;
  readonly run: Run;
  readonly workspace: Workspace;
  readonly worktree: Worktree;
  readonly runDir: string;
  /** Where the engine notes how the run began; out of the agent's reach. */
  readonly startFile: string;
  readonly context: StageContext;
  readonly inputs: readonly { readonly digest: Digest; readonly bundle: Bundle }[];
}

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

const definitions: Readonly<Record<Stage, StageDefinition>> = {
  specification,
  implementation,
  qa,
};

const startSchema = v.object({ head: v.string() });

/**
 * Takes one run from its recorded context to a report. Every step is written down in the run directory before the next,
 * so calling it again for the same run (after a crash, from another engine) goes on where it was and starts nothing twice.
 */
export class StageRunner {
  private readonly worktrees: WorktreeManager;
  private readonly clock: Clock;
  private readonly environment: Readonly<Record<string, string | undefined>>;
  private readonly onActivity: (task: Task, run: Run, activity: Activity) => void;

  constructor(options: {
    readonly worktrees: WorktreeManager;
    readonly clock: Clock;
    /** Where the CLI's credentials come from; only an allow-list of it is passed on. */
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly onActivity: (task: Task, run: Run, activity: Activity) => void;
  }) {
    this.worktrees = options.worktrees;
    this.clock = options.clock;
    this.environment = options.environment;
    this.onActivity = options.onActivity;
  }

  async run(request: StageRunRequest, signals: RunSignals): Promise<StageReport> {
    const definition = definitions[request.run.stage];
    const head = await this.begin(request);
    signals.stop.throwIfAborted();
    const tests = definition.reads.tests ? await this.runTests(request, head, signals) : null;
    if (tests !== null && tests.exitCode !== 0) return this.reportFailedTests(request, head, tests);
    signals.stop.throwIfAborted();
    const outcome = await this.ask(definition, request, tests, signals.detach);
    if (outcome.type === 'failure') return { ...outcome, type: 'failed' };
    const output = v.safeParse(definition.output(request.context), outcome.structuredOutput);
    if (!output.success)
      return failed(outcome, {
        code: 'no-verdict',
        message: `The ${request.run.stage} stage answered in another form than it was asked for: ${v.summarize(output.issues)}`,
      });
    const overstep = await this.overstep(definition, request, head);
    if (overstep !== null) return failed(outcome, overstep);
    return this.conclude(definition, request, head, tests, outcome, output.output);
  }

  /** Brings the worktree to its newest checkpoint, once, and returns that commit. */
  private async begin(request: StageRunRequest): Promise<string> {
    const { task, run, runDir, startFile, workspace, worktree } = request;
    const started = await readIfPresent(startFile);
    if (started !== null) return v.parse(startSchema, JSON.parse(started)).head;
    await freshRunDirectory(runDir);
    const head = await this.worktrees.head(worktree);
    // What an attempt that failed left behind would be taken for this run's work; it stays in a salvage commit.
    if ((await this.worktrees.changes(worktree)).length > 0) await this.worktrees.restore(worktree, head);
    await workspace.syncGit({ branch: worktree.branch, commit: head });
    await mkdir(dirname(startFile), { recursive: true });
    await writeWhole(startFile, JSON.stringify({ head, task: task.id, run: run.id }));
    return head;
  }

  private async runTests(
    request: StageRunRequest,
    head: string,
    signals: RunSignals,
  ): Promise<CommandResult | null> {
    const { task, run, runDir, workspace, worktree } = request;
    const command = task.settings.testCommand;
    if (command === null) return null;
    this.onActivity(task, run, { type: 'does', text: `Tests: ${command}` });
    const { timeoutMs } = task.settings.stages[run.stage];
    const tests = await runProjectCommand({
      workspace,
      runDir: testsDirectory(runDir),
      command,
      timeoutMs,
      signal: signals.detach,
    });
    signals.stop.throwIfAborted();
    if (tests.exit.reason === 'lost' || tests.exit.reason === 'stopped') {
      throw new OrchestratorError(
        'killed',
        `The test command was ended before it finished${tests.exit.detail === undefined ? '' : ` (${tests.exit.detail})`}.`,
      );
    }
    // Reports and caches that tests write are neither the implementer's work nor an overstep of QA's.
    if ((await this.worktrees.changes(worktree)).length > 0) await this.worktrees.restore(worktree, head);
    return tests;
  }

  private async ask(
    definition: StageDefinition,
    request: StageRunRequest,
    tests: CommandResult | null,
    detach: AbortSignal,
  ): Promise<CliOutcome> {
    const { task, run, runDir, workspace, context } = request;
    const settings = task.settings.stages[run.stage];
    const contextFolder = join(runDir, 'context');
    const systemPrompt = join(runDir, 'system.md');
    const argv = commandLine({
      claudePath: workspace.claudePath,
      stage: run.stage,
      isolation: workspace.isolation,
      sessionId: sessionIdOf(run.id),
      systemPromptPath: workspace.pathInside(systemPrompt),
      settings,
      testCommand: task.settings.testCommand,
      schema: jsonSchemaOf(definition.output(context)),
      readableDirectories: [workspace.pathInside(contextFolder)],
    });
    let stdin = '';
    if (!(await workspace.wasStarted(runDir))) {
      const parts = await this.contextParts(definition, request, tests);
      const placed = await placeContext(parts, contextFolder, (path) => workspace.pathInside(path));
      await writeWhole(systemPrompt, `${definition.role}${projectRules(await this.rules(request))}\n`);
      stdin = definition.prompt(placed, renderNotes(task, run.stage), context);
    }
    return runCli({
      workspace,
      launch: { runDir, argv, stdin, env: cliEnvironment(this.environment), timeoutMs: settings.timeoutMs },
      clock: this.clock,
      signal: detach,
      onActivity: (activity) => this.onActivity(task, run, activity),
    });
  }

  private async contextParts(
    definition: StageDefinition,
    request: StageRunRequest,
    tests: CommandResult | null,
  ): Promise<readonly ContextPart[]> {
    const parts: ContextPart[] = request.inputs.map(({ digest, bundle }) => ({
      name: bundle.type === 'qa' ? 'qa-report' : bundle.type,
      digest,
      text: renderBundle(bundle),
    }));
    if (definition.reads.diff)
      parts.push({ name: 'diff', digest: null, text: await this.worktrees.diff(request.worktree) });
    if (tests !== null) parts.push({ name: 'tests', digest: null, text: renderTests(tests) });
    return parts;
  }

  private async rules({ task, worktree }: StageRunRequest): Promise<string | null> {
    // From the base commit: an agent must not write the rules of the stage after it.
    return task.settings.trustRepository ? this.worktrees.readBaseFile(worktree, 'CLAUDE.md') : null;
  }

  /** What the stage did that it must not; undone. Null when it kept to its part. */
  private async overstep(
    definition: StageDefinition,
    { run, worktree }: StageRunRequest,
    head: string,
  ): Promise<Failure | null> {
    const damage = [...(await this.worktrees.verify(worktree))];
    if (!definition.changes) {
      const moved = (await this.worktrees.head(worktree)) !== head;
      const changes = await this.worktrees.changes(worktree);
      if (moved || changes.length > 0) {
        damage.push(...changes.map(({ path }) => path), ...(moved ? ['the branch'] : []));
        await this.worktrees.restore(worktree, head);
      }
    }
    if (damage.length === 0) return null;
    const named =
      damage.slice(0, 10).join(', ') + (damage.length > 10 ? ` and ${damage.length - 10} more` : '');
    return {
      code: 'forbidden-change',
      message: `The ${run.stage} stage changed what it must not: ${named}. The changes were undone.`,
    };
  }

  private async conclude(
    definition: StageDefinition,
    request: StageRunRequest,
    head: string,
    tests: CommandResult | null,
    outcome: Extract<CliOutcome, { type: 'success' }>,
    output: unknown,
  ): Promise<StageReport> {
    const { task, run, worktree, context } = request;
    let commit = head;
    if (definition.changes) {
      const checkpoint = await this.worktrees.checkpoint(
        worktree,
        `${task.title}\n\nOrchestrator-Task: ${task.id}\nOrchestrator-Stage: ${run.stage} ${run.attempt}`,
      );
      commit = checkpoint.commit;
      if (commit === head) {
        return failed(outcome, {
          code: 'no-change',
          message: 'The implementation stage said it was done but changed nothing.',
          remedy: 'Send it back with a note, or retry.',
        });
      }
    }
    const summary = await this.worktrees.summary(worktree);
    const bundle = definition.bundle(output, {
      context,
      baseCommit: worktree.baseCommit,
      commit,
      changedFiles: summary.files,
      diffStat: summary.stat,
      tests: tests === null ? null : asTestRun(tests),
    });
    const { body, digest } = sealBundle(bundle);
    const verdict = definition.verdict(bundle);
    const { sessionId, costUsd, cliVersion } = outcome;
    return {
      type: 'succeeded',
      body,
      result: {
        outputDigest: digest,
        sessionId,
        costUsd,
        cliVersion,
        commit,
        ...(verdict === null ? {} : { verdict }),
      },
    };
  }

  private reportFailedTests(request: StageRunRequest, head: string, tests: CommandResult): StageReport {
    const report: QaBundle = failedTestsReport(request.context, asTestRun(tests));
    const { body, digest } = sealBundle(report);
    return {
      type: 'succeeded',
      body,
      result: {
        outputDigest: digest,
        sessionId: null,
        costUsd: 0,
        cliVersion: null,
        commit: head,
        verdict: verdictOf(report),
      },
    };
  }
}

/** Where the engine's own run of the test command lies, within a QA run's directory. */
export function testsDirectory(runDir: string): string {
  return join(runDir, 'tests');
}

function asTestRun({ command, exitCode, durationMs, outputTail }: CommandResult) {
  return { command, exitCode, durationMs, outputTail };
}

function failed(
  { sessionId, costUsd, cliVersion }: Extract<CliOutcome, { type: 'success' }>,
  failure: Failure,
): StageReport {
  return { type: 'failed', failure, sessionId, costUsd, cliVersion };
}

function renderNotes(task: Task, stage: Stage): string {
  const notes = task.notes.filter((note) => note.stage === stage);
  if (notes.length === 0) return '';
  return `\nThe person sent this back with these words, which come before everything above:\n\n${notes.map(({ text }) => `- ${text}`).join('\n')}\n`;
}
