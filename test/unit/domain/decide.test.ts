import { describe, expect, it } from 'vitest';
import { idleLeaseLimitMs } from '../../../src/engine/domain/policy.ts';
import { statusOf } from '../../../src/engine/domain/task.ts';
import { effect, step, task, toCompleted, world } from '../../support/playedWorld.ts';

describe('the way of a task', () => {
  it('goes from specification through implementation to QA by itself', () => {
    const of = world(false);
    toCompleted(of);
    expect(task(of).runs.map(({ stage, outcome }) => [stage, outcome])).toEqual([
      ['specification', 'success'],
      ['implementation', 'success'],
      ['qa', 'success'],
    ]);
    expect(task(of).phase.type).toBe('completed');
    expect(statusOf(task(of))).toBe('inreview');
  });

  it('hands every stage the results of the stages before it', () => {
    const of = world(false);
    toCompleted(of);
    const [specification, implementation, qa] = task(of).runs;
    const request = task(of).requestDigest;
    expect(specification?.inputDigests).toEqual([request]);
    expect(implementation?.inputDigests).toEqual([request, specification?.outputDigest]);
    expect(qa?.inputDigests).toEqual([request, specification?.outputDigest, implementation?.outputDigest]);
  });

  it('waits at a gate without executing, and goes on when it is approved', () => {
    const of = world(true);
    step(of, 'prepare');
    step(of, 'run');
    expect(task(of).phase.type).toBe('gate');
    expect(of.state.allocation.executing).toEqual([]);
    expect(task(of).accepted).toEqual({});
    expect(of.dispatch({ type: 'approve', taskId: task(of).id })).toBeNull();
    expect(task(of).accepted.specification).toBe(task(of).runs[0]?.outputDigest);
    step(of, 'prepare');
    expect(task(of).runs.at(-1)?.stage).toBe('implementation');
  });

  it('sends work back with QA findings, and the next implementation reads them', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run');
    step(of, 'run');
    step(of, 'run', 0, { outcome: 'bad', finding: 1 });
    const [, , qa, rework] = task(of).runs;
    expect(qa).toMatchObject({ status: 'failed', outcome: 'qa-failed' });
    expect(rework).toMatchObject({ stage: 'implementation', attempt: 2 });
    expect(rework?.inputDigests).toContain(qa?.outputDigest);
    step(of, 'run');
    // The judge of the second round sees the new work, not the verdict on the old.
    expect(task(of).runs.at(-1)?.inputDigests).not.toContain(qa?.outputDigest);
    step(of, 'run');
    expect(task(of).phase.type).toBe('completed');
  });

  it('counts the retries of an implementation without those of the QA that sent it back', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run');
    step(of, 'run');
    const qa = effect(of, 'run');
    if (qa.type !== 'run') throw new Error('QA follows');
    const failure = { code: 'network', message: '' } as const;
    const nothing = { sessionId: null, costUsd: 0, cliVersion: null };
    of.dispatch({ type: 'run-failed', taskId: qa.taskId, runId: qa.runId, failure, ...nothing, random: 0 });
    step(of, 'wait');
    step(of, 'prepare');
    step(of, 'run', 0, { outcome: 'bad', finding: 1 });
    expect(task(of)).toMatchObject({ stage: 'implementation', retries: 0 });
    // It may time out once.
    step(of, 'run', 0, { outcome: 'bad', code: 'timeout' });
    expect(task(of)).toMatchObject({ phase: { type: 'backoff' }, retries: 1 });
  });

  it('asks a person when QA finds the same twice', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run');
    for (const _round of [1, 2]) {
      step(of, 'run');
      step(of, 'run', 0, { outcome: 'bad', finding: 1 });
    }
    expect(task(of).phase).toMatchObject({ type: 'attention', failure: { code: 'qa-failed' } });
  });

  it('asks a person after the last round of rework', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run');
    for (const finding of [0, 1, 2]) {
      step(of, 'run');
      step(of, 'run', 0, { outcome: 'bad', finding });
    }
    expect(task(of).phase.type).toBe('attention');
    expect(task(of).qaRounds).toBe(2);
  });
});

describe('admission', () => {
  it('starts the third task by itself when one of two ends', () => {
    const of = world(false, false, false);
    expect(task(of, 2).phase.type).toBe('queued');
    toCompleted(of, 0);
    expect(task(of, 2).phase.type).toBe('preparing');
    expect(of.state.allocation.executing).toHaveLength(2);
  });

  it('lets a completed task keep its container until another needs the slot, and recycles the longest idle', () => {
    const of = world(false, false, false, false);
    toCompleted(of, 0);
    const first = of.state.allocation.slots[8081];
    expect(first).toMatchObject({ type: 'leased', taskId: task(of, 0).id });
    of.now += 1000;
    toCompleted(of, 1);
    // Three leases stand (two idle, one executing) and the fourth task waits for the longest idle one.
    expect(task(of, 3).phase.type).toBe('queued');
    expect(of.state.allocation.slots[8081].type).toBe('releasing');
    step(of, 'release', 0);
    expect(task(of, 3).phase.type).toBe('preparing');
  });

  it('takes nobody’s container for a task that is kept for later, until it is resumed', () => {
    const of = world(false, false, false);
    for (const index of [0, 1, 2]) toCompleted(of, index);
    const { slots } = of.state.allocation;
    of.move({ type: 'create', gated: false, priority: 0, maxQaRounds: 1, kept: true });
    expect(task(of, 3).phase.type).toBe('paused');
    expect(of.state.allocation.slots).toEqual(slots);
    of.dispatch({ type: 'resume', taskId: task(of, 3).id });
    expect(of.state.allocation.slots[8081].type).toBe('releasing');
  });

  it('goes by priority, then by who came first', () => {
    const of = world(false, false);
    of.move({ type: 'create', gated: false, priority: 0, maxQaRounds: 1 });
    of.now += 5;
    of.move({ type: 'create', gated: false, priority: 1, maxQaRounds: 1 });
    of.now += 5;
    of.move({ type: 'create', gated: false, priority: 1, maxQaRounds: 1 });
    expect(of.state.queue.map(({ taskId }) => of.taskIds.indexOf(taskId))).toEqual([3, 4, 2]);
  });

  it('skips a slot whose port a stranger holds, and takes it back later', () => {
    const of = world(false);
    step(of, 'prepare', 0, { outcome: 'bad', code: 'port-taken' });
    expect(of.state.allocation.slots[8081].type).toBe('blocked');
    expect(of.state.allocation.slots[8082]).toMatchObject({ type: 'leased', taskId: task(of).id });
    step(of, 'recheck-slot');
    expect(of.state.allocation.slots[8081].type).toBe('free');
  });

  it('takes back a container that nobody used for an hour', () => {
    const of = world(false);
    toCompleted(of);
    const expiry = effect(of, 'expire-lease');
    expect(expiry).toMatchObject({ until: of.now + idleLeaseLimitMs });
    step(of, 'expire-lease');
    expect(of.state.allocation.slots[8081].type).toBe('releasing');
  });

  it('gives up idle containers, and only those, when the engine closes', () => {
    const of = world(false, false);
    toCompleted(of, 0);
    of.dispatch({ type: 'close' });
    expect(of.state.allocation.slots[8081].type).toBe('releasing');
    expect(of.state.allocation.slots[8082].type).toBe('leased');
  });
});

describe('a person’s moves', () => {
  it('cancels in any phase, and gives the container back', () => {
    const of = world(false);
    step(of, 'prepare');
    of.dispatch({ type: 'cancel', taskId: task(of).id });
    expect(task(of).phase).toMatchObject({ type: 'stopping', intent: 'cancel' });
    step(of, 'stop');
    expect(task(of).runs[0]).toMatchObject({ status: 'cancelled', outcome: 'cancelled' });
    expect(task(of).phase.type).toBe('cancelled');
    expect(of.state.allocation.slots[8081].type).toBe('releasing');
    step(of, 'release');
    step(of, 'clean-up');
    expect(of.outbox.size).toBe(0);
  });

  it('lets a person overrule QA', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run');
    for (const _round of [1, 2]) {
      step(of, 'run');
      step(of, 'run', 0, { outcome: 'bad', finding: 1 });
    }
    expect(of.dispatch({ type: 'advance', taskId: task(of).id })).toBeNull();
    expect(task(of).phase.type).toBe('completed');
    expect(of.events.findLast(({ type }) => type === 'task.advanced')?.data).toMatchObject({
      overruled: 'qa-failed',
    });
  });

  it('does not advance past a specification that does not exist', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run', 0, { outcome: 'bad', code: 'authentication' });
    expect(of.dispatch({ type: 'advance', taskId: task(of).id })).toMatchObject({ code: 'not-now' });
  });

  it('lets a person rewrite the specification at the gate, and implements that one', () => {
    const of = world(true);
    step(of, 'prepare');
    step(of, 'run');
    const digest = of.digest();
    expect(of.dispatch({ type: 'edit-specification', taskId: task(of).id, digest })).toBeNull();
    of.dispatch({ type: 'approve', taskId: task(of).id });
    step(of, 'prepare');
    expect(task(of).runs.at(-1)?.inputDigests).toContain(digest);
    expect(task(of).runs.at(-1)?.inputDigests).not.toContain(task(of).runs[0]?.outputDigest);
    expect(of.dispatch({ type: 'edit-specification', taskId: task(of).id, digest })).toMatchObject({
      code: 'not-now',
    });
  });

  it('moves a waiting task forward in the queue', () => {
    const of = world(false, false, false, false);
    of.dispatch({ type: 'set-priority', taskId: task(of, 3).id, priority: 1 });
    expect(of.state.queue.map(({ taskId }) => of.taskIds.indexOf(taskId))).toEqual([3, 2]);
  });

  it('gives up the container of a task that rests, and of no other', () => {
    const of = world(false);
    expect(of.dispatch({ type: 'release-container', taskId: task(of).id })).toMatchObject({
      code: 'not-now',
    });
    toCompleted(of);
    expect(of.dispatch({ type: 'release-container', taskId: task(of).id })).toBeNull();
    expect(of.state.allocation.slots[8081].type).toBe('releasing');
  });

  it('sends a completed task back to implementation with a note', () => {
    const of = world(false);
    toCompleted(of);
    of.dispatch({ type: 'send-back', taskId: task(of).id, note: 'Name it better.' });
    expect(task(of).stage).toBe('implementation');
    expect(task(of).notes).toMatchObject([{ stage: 'implementation', text: 'Name it better.' }]);
    step(of, 'prepare');
    expect(task(of).runs.at(-1)).toMatchObject({ stage: 'implementation', attempt: 2 });
  });

  it('has a specification written anew from the one that the words are about', () => {
    const of = world(true);
    step(of, 'prepare');
    step(of, 'run');
    const edited = of.digest();
    of.dispatch({ type: 'edit-specification', taskId: task(of).id, digest: edited });
    of.dispatch({ type: 'send-back', taskId: task(of).id, note: 'Drop AC-3.' });
    step(of, 'prepare');
    expect(task(of).runs.at(-1)).toMatchObject({
      stage: 'specification',
      inputDigests: [task(of).requestDigest, edited],
    });
    // Also when that attempt fails and more words come.
    step(of, 'run', 0, { outcome: 'bad', code: 'authentication' });
    of.dispatch({ type: 'send-back', taskId: task(of).id, note: 'And AC-4.' });
    step(of, 'prepare');
    expect(task(of).runs.at(-1)?.inputDigests).toEqual([task(of).requestDigest, edited]);
  });

  it('accepts only what is completed, merges, and is done', () => {
    const of = world(false);
    expect(of.dispatch({ type: 'accept', taskId: task(of).id, strategy: 'squash' })).toMatchObject({
      code: 'not-now',
    });
    toCompleted(of);
    of.dispatch({ type: 'accept', taskId: task(of).id, strategy: 'squash' });
    step(of, 'merge');
    expect(task(of).phase).toEqual({ type: 'done', strategy: 'squash' });
    expect(statusOf(task(of))).toBe('done');
  });

  it('comes back to review when the merge fails', () => {
    const of = world(false);
    toCompleted(of);
    of.dispatch({ type: 'accept', taskId: task(of).id, strategy: 'squash' });
    step(of, 'merge', 0, { outcome: 'bad' });
    expect(task(of).phase.type).toBe('completed');
  });

  it.each([
    [{ type: 'approve' }, 'waits for no approval'],
    [{ type: 'resume' }, 'is not paused'],
    [{ type: 'retry' }, 'has not failed'],
    [{ type: 'send-back', note: 'x' }, 'has no result'],
  ] as const)('refuses %o with the reason, and changes nothing', (command, reason) => {
    const of = world(false);
    const before = of.events.length;
    const rejection = of.dispatch({ ...command, taskId: task(of).id });
    expect(rejection?.message).toContain(reason);
    expect(of.events).toHaveLength(before);
  });

  it('pauses a running stage and goes on with the same stage when resumed', () => {
    const of = world(false);
    step(of, 'prepare');
    step(of, 'run');
    of.dispatch({ type: 'pause', taskId: task(of).id });
    step(of, 'stop');
    expect(task(of).phase.type).toBe('paused');
    of.dispatch({ type: 'resume', taskId: task(of).id });
    step(of, 'prepare');
    expect(task(of).runs.at(-1)).toMatchObject({ stage: 'implementation', attempt: 2 });
  });
});
