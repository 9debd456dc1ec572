import { describe, expect, it } from 'vitest';
import { failurePolicies, retryAt } from '../../../src/engine/domain/policy.ts';
import { step, task, world } from '../../support/playedWorld.ts';

describe('failures', () => {
  it.each([
    'rate-limit',
    'overloaded',
    'server-error',
    'network',
    'no-verdict',
    'timeout',
    'killed',
  ] as const)('retries %s by itself, later', (code) => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run', 0, { outcome: 'bad', code });
    expect(task(of).phase).toMatchObject({ type: 'backoff', failure: { code } });
    expect(of.state.allocation.executing).toEqual([]);
    step(of, 'wait');
    step(of, 'prepare');
    expect(task(of).runs.at(-1)).toMatchObject({ attempt: 2, status: 'running' });
  });

  it.each(['authentication', 'billing', 'budget', 'turns', 'no-change', 'cli-unusable'] as const)(
    'asks a person about %s',
    (code) => {
      const of = world(false);
      step(of, 'prepare');
      step(of, 'run', 0, { outcome: 'bad', code });
      expect(task(of).phase).toMatchObject({ type: 'attention', failure: { code } });
    },
  );

  it('has no task of a queue ask while Docker is away for some minutes', () => {
    const of = world(false, false, false, false, false);
    const inPhase = (type: string): readonly number[] =>
      [0, 1, 2, 3, 4].filter((index) => task(of, index).phase.type === type);
    let failures = 0;
    for (let round = 0; round < 15; round += 1) {
      for (const index of inPhase('preparing')) {
        step(of, 'prepare', index, { outcome: 'bad', code: 'isolation-away' });
        step(of, 'release', index);
        failures += 1;
      }
      of.move({ type: 'time', ms: 20_000 });
      for (const index of inPhase('backoff')) step(of, 'wait', index);
    }
    expect(failures).toBeGreaterThan(10);
    expect(inPhase('attention')).toEqual([]);
    expect(inPhase('preparing')).not.toEqual([]);
  });

  it('parks a task until the usage limit resets', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run', 0, { outcome: 'bad', code: 'usage-limit' });
    expect(task(of).phase.type).toBe('parked');
    step(of, 'wait');
    expect(task(of).phase.type).toBe('preparing');
  });

  it('parks it for a while also when the limit is said to have reset already, as by a clock that is wrong', () => {
    const of = world(false);
    step(of, 'prepare');
    const { id: taskId, runs } = task(of);
    const [run] = runs;
    if (run === undefined) throw new Error('nothing runs');
    const failure = { code: 'usage-limit', message: '', notBefore: of.now - 5_000 } as const;
    const nothing = { sessionId: null, costUsd: 0, cliVersion: null };
    of.dispatch({ type: 'run-failed', taskId, runId: run.id, failure, ...nothing, random: 0 });
    expect(task(of).phase).toMatchObject({ type: 'parked', until: of.now + 60_000 });
  });

  it('gives up retrying after the policy’s number of tries', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run', 0, { outcome: 'bad', code: 'no-verdict' });
    step(of, 'wait');
    step(of, 'prepare');
    step(of, 'run', 0, { outcome: 'bad', code: 'no-verdict' });
    expect(task(of).phase.type).toBe('attention');
  });

  it('backs off exponentially with jitter in the upper half, and never before the service said', () => {
    const policy = failurePolicies['network'];
    if (policy.action !== 'retry') throw new Error('network is retried');
    const failure = { code: 'network', message: '' } as const;
    expect(retryAt(policy, 1, failure, 0, 0)).toBe(2_500);
    expect(retryAt(policy, 1, failure, 0, 0.999)).toBeLessThanOrEqual(5_000);
    expect(retryAt(policy, 3, failure, 0, 0)).toBe(10_000);
    expect(retryAt(policy, 30, failure, 0, 0)).toBe(policy.capMs / 2);
    expect(retryAt(policy, 1, { ...failure, notBefore: 99_999 }, 0, 0)).toBe(99_999);
  });
});
