import { createHash } from 'node:crypto';
import type { ReportCommand } from '../../src/engine/domain/commands.ts';
import type { Effect } from '../../src/engine/domain/effects.ts';
import { digestOf } from '../../src/engine/domain/ids.ts';
import type { NewBundle } from '../../src/engine/ports/store.ts';

type Report = (command: ReportCommand, bundles: readonly NewBundle[]) => Promise<void>;

/** As long as a real stage's result is. */
const bodyOf = (text: string): string =>
  JSON.stringify({ text, body: 'What a stage has to say. '.repeat(120) });

/** Effects without a world: each has succeeded as soon as it is issued. What is left of a transition is the engine's own. */
export class InstantEffects {
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  issue(effect: Effect): void {
    setImmediate(() => void this.perform(effect));
  }

  settle(): void {}

  async detach(): Promise<void> {}

  private async perform(effect: Effect): Promise<void> {
    const { taskId } = effect;
    switch (effect.type) {
      case 'prepare': {
        const worktree = {
          path: `/home/someone/.orchestrator-manager/sample-12345678/worktrees/make-the-file-${taskId.slice(0, 4)}`,
          branch: `orchestrator/make-the-file-${taskId.slice(0, 4)}`,
          baseBranch: 'main',
          baseCommit: 'c'.repeat(40),
        };
        const { leaseId, port } = effect;
        return this.report({ type: 'workspace-ready', taskId, leaseId, worktree, containerPort: port }, []);
      }
      case 'run': {
        const { runId } = effect;
        const body = bodyOf(runId);
        const outputDigest = digestOf(createHash('sha256').update(body).digest('hex'));
        const stage = /\/(\w+)-\d+$/.exec(runId)?.[1];
        if (stage !== 'specification' && stage !== 'implementation' && stage !== 'qa')
          throw new Error(`${runId} names no stage`);
        return this.report(
          {
            type: 'run-succeeded',
            taskId,
            runId,
            outputDigest,
            sessionId: runId,
            costUsd: 0.5,
            cliVersion: '2.1.330',
            commit: 'd'.repeat(40),
            ...(stage === 'qa' ? { verdict: { type: 'pass' as const } } : {}),
          },
          [{ digest: outputDigest, taskId, runId, stage, body }],
        );
      }
      case 'release':
        return this.report({ type: 'lease-released', taskId, leaseId: effect.leaseId }, []);
      case 'clean-up':
        return this.report({ type: 'cleaned-up', taskId, kept: null }, []);
      default:
    }
  }
}
