import { beforeEach, describe, expect, test, vi } from 'vitest';
import { emptyAllocation, type Slots } from '../../../../src/engine/domain/allocation.ts';
import { leaseIdOf } from '../../../../src/engine/domain/ids.ts';
import { moveInQueue, setPriority } from '../../../../src/extension/commands/priority.ts';
import { releaseContainer } from '../../../../src/extension/commands/releaseContainer.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { CancellationError, person } from '../../../support/fakeVscode.ts';
import { idOf, noon, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

beforeEach(() => person.reset());

const row = (number: number) => ({ taskId: idOf(number) });

describe('Set Priority', () => {
  const three = () => new DecidingSession([1, 2, 3].map((number) => taskIn('queued', number)));

  test('gives every selected task the one that is picked', async () => {
    const session = three();
    person.answers.push('High');
    await setPriority({ session })(row(3), [row(3), row(2)]);
    expect(session.queue).toEqual(['Task 2', 'Task 3', 'Task 1']);
    expect(session.tasks.get(idOf(3))?.priority).toBe(10);
  });

  test('brings a task before all others', async () => {
    const session = new DecidingSession([taskIn('queued', 1, { priority: 7 }), taskIn('queued', 2)]);
    person.answers.push('Before All Others');
    await setPriority({ session })(idOf(2));
    expect(session.queue).toEqual(['Task 2', 'Task 1']);
  });

  test('takes any whole number, and says what is none', async () => {
    const session = three();
    person.answers.push('Another Number…', '-3');
    await setPriority({ session })(idOf(1));
    expect(session.queue).toEqual(['Task 2', 'Task 3', 'Task 1']);
    person.answers.push('Another Number…', '1.5');
    await expect(setPriority({ session })(idOf(1))).rejects.toThrow('Give a whole number');
  });

  test('does nothing when it is left, and refuses what is no task', async () => {
    const session = three();
    person.answers.push(undefined);
    await expect(setPriority({ session })(idOf(1))).rejects.toThrow(CancellationError);
    await expect(setPriority({ session })({ path: '/etc/passwd' })).rejects.toThrow('This is not a task.');
    await expect(setPriority({ session })(idOf(9))).rejects.toThrow('There is no task');
    expect(session.dispatched).toEqual([]);
  });
});

describe('Move Up and Move Down', () => {
  test('change places with the neighbour, and stop at the ends', async () => {
    const session = new DecidingSession([1, 2, 3].map((number) => taskIn('queued', number)));
    const [up, down] = [moveInQueue({ session }, -1), moveInQueue({ session }, 1)];
    await up(row(2));
    expect(session.queue).toEqual(['Task 2', 'Task 1', 'Task 3']);
    await up(row(2));
    expect(session.queue).toEqual(['Task 2', 'Task 1', 'Task 3']);
    await down(row(2));
    await down(row(2));
    await down(row(2));
    expect(session.queue).toEqual(['Task 1', 'Task 3', 'Task 2']);
    await up(row(3), [row(3), row(2)]);
    expect(session.queue).toEqual(['Task 3', 'Task 2', 'Task 1']);
  });

  test('are for queued tasks', async () => {
    const session = new DecidingSession([taskIn('running', 1), taskIn('queued', 2)]);
    await expect(moveInQueue({ session }, -1)(row(1))).rejects.toThrow('Only tasks that wait');
  });
});

describe('Release Container', () => {
  const slots = (number: number): Slots => ({
    ...emptyAllocation.slots,
    8082: { type: 'leased', leaseId: leaseIdOf(8082, 1), taskId: idOf(number), idleSince: noon },
  });

  test('gives up the container of a task, also from the row of its slot', async () => {
    const session = new DecidingSession([taskIn('completed', 1)], slots(1));
    await releaseContainer({ session })({ port: 8082 });
    expect(session.tasks.slots()[8082].type).toBe('releasing');
  });

  test('offers those that hold one and do not work in it', async () => {
    const session = new DecidingSession([taskIn('completed', 1), taskIn('completed', 2)], slots(2));
    person.answers.push('Task 2');
    await releaseContainer({ session })();
    expect(person.offered).toEqual([['Task 2']]);
    expect(session.tasks.slots()[8082].type).toBe('releasing');
  });

  test('refuses while the task works in it, with the words of the engine', async () => {
    const session = new DecidingSession([taskIn('running', 1)], slots(1));
    await expect(releaseContainer({ session })(idOf(1))).rejects.toThrow('pause or cancel it first');
  });
});
