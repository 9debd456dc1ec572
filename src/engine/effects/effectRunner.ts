import { assertNever } from '../domain/assertNever.ts';
import type { ReportCommand } from '../domain/commands.ts';
import type { Effect } from '../domain/effects.ts';
import type { RunId, TaskId } from '../domain/ids.ts';
import type { Run, Task } from '../domain/task.ts';
import { type Clock, waitUntil } from '../ports/clock.ts';
import { failureOf, OrchestratorError } from '../ports/errors.ts';
import { standing, type Workspace } from '../ports/isolation.ts';
import type { Logger } from '../ports/logger.ts';
import type { NewBundle, Store } from '../ports/store.ts';
import { readIfPresent, wasLaunched } from '../process/runDirectory.ts';
import { testsDirectory, type StageReport, type StageRunner } from '../stages/stageRunner.ts';
import type { WorktreeManager } from '../worktrees/worktreeManager.ts';
import { acceptWork } from './acceptWork.ts';
import type { Preparation } from './preparation.ts';
import { contextOf, inputsOf } from './runInputs.ts';
import type { RunPaths } from './runPaths.ts';
import type { Workspaces } from './workspaces.ts';

/** Giving back or ending what an isolation holds, while that one is away (Docker, say): tried again after this long. */
const awayRetryMs = 10_000;

type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>;

export interface EffectRunnerOptions {
  readonly store: Store;
  readonly worktrees: Pick<WorktreeManager, 'uncommitted' | 'accept' | 'populate' | 'remove'>;
  readonly workspaces: Pick<Workspaces, 'acquire' | 'release'>;
  readonly preparation: Pick<Preparation, 'prepare' | 'worktree' | 'worktreeWithWork'>;
  readonly stageRunner: Pick<StageRunner, 'run'>;
  readonly paths: RunPaths;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The jitter of backoffs: 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** The task as it is now; null when it is final and done with. */
  readonly task: (id: TaskId) => Task | null;
  readonly report: (command: ReportCommand, bundles: readonly NewBundle[]) => Promise<void>;
}

interface OpenEffect {
  readonly effect: Effect;
  /** The engine closes, or the effect no longer matters. */
  readonly detach: AbortController;
  /** A person wants what it does ended. */
  readonly stop: AbortController;
  done: Promise<void>;
}

/** Carries out effects and reports their outcomes. Each kind is idempotent, so any of them may be issued again. */
export class EffectRunner {
  private readonly open = new Map<string, OpenEffect>();
  private readonly options: EffectRunnerOptions;

  constructor(options: EffectRunnerOptions) {
    this.options = options;
  }

  /** Starts it; one that is under way already goes on. */
  issue(effect: Effect): void {
    if (this.open.has(effect.key)) return;
    const entry: OpenEffect = {
      effect,
      detach: new AbortController(),
      stop: new AbortController(),
      done: Promise.resolve(),
    };
    this.open.set(effect.key, entry);
    entry.done = this.perform(entry)
      .catch((error: unknown) => {
        if (!entry.detach.signal.aborted) {
          this.options.logger.error('effect.failed', { key: effect.key, error: String(error) });
        }
      })
      .finally(() => {
        if (this.open.get(effect.key) === entry) this.open.delete(effect.key);
      });
  }

  /** It has its outcome, or is not wanted any more: timers end, and the key is free for the next effect. */
  settle(key: string): void {
    const entry = this.open.get(key);
    if (entry === undefined) return;
    this.open.delete(key);
    entry.detach.abort();
  }

  /** Lets go of everything; runs that are under way go on by themselves. Resolves when nothing more will be reported. */
  async detach(): Promise<void> {
    const entries = [...this.open.values()];
    for (const { detach } of entries) detach.abort();
    await Promise.all(entries.map(({ done }) => done));
  }

  private perform(entry: OpenEffect): Promise<void> {
    const { effect } = entry;
    switch (effect.type) {
      case 'prepare':
        return this.prepare(effect, entry);
      case 'run':
        return this.run(effect, entry);
      case 'stop':
        return this.stop(effect, entry);
      case 'release':
        return this.release(effect, entry);
      case 'merge':
        return this.merge(effect);
      case 'clean-up':
        return this.cleanUp(effect);
      case 'wait':
        return this.at(effect.until, entry, { type: 'wait-over', taskId: effect.taskId });
      case 'expire-lease':
        return this.at(effect.until, entry, {
          type: 'lease-expired',
          taskId: effect.taskId,
          leaseId: effect.leaseId,
        });
      case 'recheck-slot':
        return this.at(effect.until, entry, {
          type: 'slot-recheck',
          taskId: effect.taskId,
          port: effect.port,
        });
      default:
        return assertNever(effect);
    }
  }

  private async prepare(
    { taskId, leaseId }: EffectOf<'prepare'>,
    { detach, stop }: OpenEffect,
  ): Promise<void> {
    const task = this.options.task(taskId);
    if (task === null) return;
    try {
      const signal = AbortSignal.any([detach.signal, stop.signal]);
      const { worktree, workspace } = await this.options.preparation.prepare(task, leaseId, signal);
      const { path, branch, baseBranch, baseCommit } = worktree;
      const { containerPort } = workspace;
      await this.report({
        type: 'workspace-ready',
        taskId,
        leaseId,
        worktree: { path, branch, baseBranch, baseCommit },
        containerPort,
      });
    } catch (error) {
      if (detach.signal.aborted) return;
      const failure = stop.signal.aborted
        ? ({ code: 'killed', message: 'Stopped on request.' } as const)
        : failureOf(error);
      await this.report({
        type: 'workspace-failed',
        taskId,
        leaseId,
        failure,
        random: this.options.random(),
      });
    }
  }

  private async run(effect: EffectOf<'run'>, entry: OpenEffect): Promise<void> {
    const { taskId, leaseId, runId } = effect;
    const { detach, stop } = entry;
    const task = this.options.task(taskId);
    const run = task?.runs.find((candidate) => candidate.id === runId);
    if (task === null || run === undefined) return;
    const runDir = this.options.paths.ofRun(runId);
    let reached: Workspace | null = null;
    try {
      const worktree = await this.options.preparation.worktree(task);
      const workspace = await this.options.workspaces.acquire(
        task,
        standing(worktree),
        leaseId,
        detach.signal,
      );
      reached = workspace;
      if (task.phase.type === 'stopping' && !(await workspace.wasStarted(runDir))) stop.abort();
      const inputs = await inputsOf(this.options.store, run);
      const startFile = this.options.paths.startOf(runId);
      const request = {
        task,
        run,
        workspace,
        worktree,
        runDir,
        runDirOf: (id: RunId) => this.options.paths.ofRun(id),
        startFile,
        inputs,
        context: contextOf(inputs),
      };
      const report = await this.options.stageRunner.run(request, {
        detach: detach.signal,
        stop: stop.signal,
      });
      await this.reportRun(task, run, report);
    } catch (error) {
      if (detach.signal.aborted) return;
      if (!(await this.hasEnded(runId, reached))) {
        this.options.logger.warn('run.out-of-reach', { runId, error: String(error) });
        await this.until(this.options.clock.now() + awayRetryMs, entry);
        if (!detach.signal.aborted) await this.run(effect, entry);
        return;
      }
      if (detach.signal.aborted) return;
      if (stop.signal.aborted) {
        await this.report({ type: 'run-stopped', taskId, runId, sessionId: null, costUsd: 0 });
        return;
      }
      const nothing = { sessionId: null, costUsd: 0, cliVersion: null };
      await this.report({
        type: 'run-failed',
        taskId,
        runId,
        failure: failureOf(error),
        ...nothing,
        random: this.options.random(),
      });
    }
  }

  /** Sees to it that nothing of the run goes on: who acts on its failure would start the next one beside it. False when it may. */
  private async hasEnded(runId: RunId, workspace: Workspace | null): Promise<boolean> {
    const { paths, logger } = this.options;
    // An agent can put a launch record into a later run's directory, but not this.
    if ((await readIfPresent(paths.startOf(runId))) === null) return true;
    const runDir = paths.ofRun(runId);
    if (workspace === null) return !(await Promise.all(programsOf(runDir).map(wasLaunched))).includes(true);
    try {
      await endPrograms(workspace, runDir);
      return true;
    } catch (error) {
      logger.warn('run.stop-failed', { runId, error: String(error) });
      return false;
    }
  }

  private async reportRun(task: Task, run: Run, report: StageReport): Promise<void> {
    const ids = { taskId: task.id, runId: run.id };
    if (report.type === 'failed') {
      const { failure, sessionId, costUsd, cliVersion } = report;
      await this.report({
        type: 'run-failed',
        ...ids,
        failure,
        sessionId,
        costUsd,
        cliVersion,
        random: this.options.random(),
      });
      return;
    }
    const bundle: NewBundle = {
      ...ids,
      digest: report.result.outputDigest,
      stage: run.stage,
      body: report.body,
    };
    await this.options.report({ type: 'run-succeeded', ...ids, ...report.result }, [bundle]);
  }

  /** Has no outcome of its own: the run or preparation it ends reports. */
  private async stop(effect: EffectOf<'stop'>, entry: OpenEffect): Promise<void> {
    for (const { effect: other, stop } of this.open.values()) {
      if (other.taskId === effect.taskId && (other.type === 'run' || other.type === 'prepare')) stop.abort();
    }
    try {
      await this.end(effect, entry);
    } catch (error) {
      this.options.logger.warn('run.stop-failed', { runId: effect.runId, error: String(error) });
      await this.until(this.options.clock.now() + awayRetryMs, entry);
      if (!entry.detach.signal.aborted) await this.stop(effect, entry);
    }
  }

  private async end({ taskId, leaseId, runId }: EffectOf<'stop'>, { detach }: OpenEffect): Promise<void> {
    const task = this.options.task(taskId);
    if (runId === null || task === null) return;
    const worktree = await this.options.preparation.worktree(task);
    const workspace = await this.options.workspaces.acquire(task, standing(worktree), leaseId, detach.signal);
    await endPrograms(workspace, this.options.paths.ofRun(runId));
  }

  private async release(effect: EffectOf<'release'>, entry: OpenEffect): Promise<void> {
    const { taskId, leaseId } = effect;
    const task = this.options.task(taskId);
    if (task === null) return;
    try {
      await this.options.workspaces.release(task, leaseId);
    } catch (error) {
      this.options.logger.warn('lease.release-failed', { leaseId, error: String(error) });
      await this.until(this.options.clock.now() + awayRetryMs, entry);
      if (!entry.detach.signal.aborted) await this.release(effect, entry);
      return;
    }
    await this.report({ type: 'lease-released', taskId, leaseId });
  }

  private async merge({ taskId, strategy }: EffectOf<'merge'>): Promise<void> {
    const task = this.options.task(taskId);
    if (task === null) return;
    try {
      const commit = await acceptWork(this.options, task, strategy);
      await this.report({ type: 'merged', taskId, commit });
    } catch (error) {
      await this.report({ type: 'merge-failed', taskId, failure: failureOf(error) });
    }
  }

  private async cleanUp({ taskId }: EffectOf<'clean-up'>): Promise<void> {
    const task = this.options.task(taskId);
    if (task === null) return;
    let kept: string | null = null;
    try {
      await this.options.worktrees.remove(await this.options.preparation.worktree(task), { force: false });
    } catch (error) {
      kept = keptBecause(task, error);
    }
    await this.report({ type: 'cleaned-up', taskId, kept });
  }

  private async at(until: number, entry: OpenEffect, command: ReportCommand): Promise<void> {
    await this.until(until, entry);
    if (!entry.detach.signal.aborted) await this.report(command);
  }

  private until(at: number, { detach }: OpenEffect): Promise<void> {
    return waitUntil(this.options.clock, at, detach.signal);
  }

  private report(command: ReportCommand): Promise<void> {
    return this.options.report(command, []);
  }
}

/** Why the worktree is still there, in a person's words; what else than the engine's own refusal that is, only they can mend. */
function keptBecause({ worktree }: Task, error: unknown): string {
  const { message, remedy } = failureOf(error);
  if (OrchestratorError.is(error)) return message;
  const advice = remedy ?? 'Remove the folder yourself, if need be with the rights of its owner.';
  return `The worktree "${worktree?.path}" could not be removed: ${message}. ${advice}`;
}

/** Where what runs for a stage is known by. */
function programsOf(runDir: string): readonly string[] {
  return [testsDirectory(runDir), runDir];
}

async function endPrograms(workspace: Workspace, runDir: string): Promise<void> {
  for (const directory of programsOf(runDir)) {
    if (await workspace.wasStarted(directory)) await workspace.stop(directory);
  }
}
