import { describe, expect, it } from 'vitest';
import { placeIn, queueOf, requeued } from '../../../src/engine/domain/queue.ts';
import type { Task } from '../../../src/engine/domain/task.ts';
import { queuedTask } from '../../support/storeFixtures.ts';

function waiting(title: string, priority: number, createdAt: number, since = createdAt): Task {
  return queuedTask({ title, priority, createdAt, phase: { type: 'queued', since, reason: 'created' } });
}

const old = waiting('old', 0, 1);
const young = waiting('young', 0, 5);
const urgent = waiting('urgent', 3, 9);
const tasks = [young, urgent, old];

function titles(queue: ReturnType<typeof queueOf>, all: readonly Task[] = tasks): readonly string[] {
  return queue.map(({ taskId }) => all.find(({ id }) => id === taskId)?.title ?? '');
}

describe('the queue of some tasks', () => {
  it('goes by priority, then by age', () => {
    expect(titles(queueOf(tasks))).toEqual(['urgent', 'old', 'young']);
  });

  it('is without those that do not wait', () => {
    expect(titles(queueOf([old, { ...young, phase: { type: 'paused' } }]))).toEqual(['old']);
  });

  it('puts who came first first among those created at the same moment, before and after a load', () => {
    const back = waiting('back', 0, 5, 40);
    const twin = waiting('twin', 0, 5);
    const all = [back, young, twin];
    const expected = ['young', 'twin', 'back'];
    expect(titles(queueOf(all), all)).toEqual(expected);
    const grown = all.reduce((queue, task) => requeued(queue, undefined, task), queueOf([]));
    expect(titles(grown, all)).toEqual(expected);
  });
});

describe('a change of a task', () => {
  const queue = queueOf(tasks);

  it('leaves the very same queue when its place stays', () => {
    expect(requeued(queue, old, { ...old, title: 'renamed' })).toBe(queue);
    const paused: Task = { ...old, phase: { type: 'paused' } };
    expect(requeued(queue, paused, { ...paused, title: 'renamed' })).toBe(queue);
  });

  it('takes it out when it waits no more, and only it', () => {
    const twin = waiting('twin', 0, 1);
    const all = [...tasks, twin];
    const after = requeued(queueOf(all), twin, { ...twin, phase: { type: 'paused' } });
    expect(titles(after, all)).toEqual(['urgent', 'old', 'young']);
  });

  it('moves it to the place of its new priority', () => {
    expect(titles(requeued(queue, young, { ...young, priority: 4 }))).toEqual(['young', 'urgent', 'old']);
    expect(titles(requeued(queue, urgent, { ...urgent, priority: 0 }))).toEqual(['old', 'young', 'urgent']);
  });
});

it('tells the place of a task, also among many of the same rank', () => {
  const twins = Array.from({ length: 9 }, (_, index) => waiting(`twin ${index}`, 0, 1));
  const queue = queueOf([...twins, young, urgent]);
  expect(twins.map((task) => placeIn(queue, task))).toEqual(twins.map((_, index) => index + 1));
  expect(placeIn(queue, young)).toBe(10);
  expect(placeIn(queue, old)).toBe(-1);
  expect(placeIn(queue, { ...young, phase: { type: 'paused' } })).toBe(-1);
});
