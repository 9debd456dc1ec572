import type * as vscode from 'vscode';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Task } from '../../../../src/engine/domain/task.ts';
import { registerReview } from '../../../../src/extension/review/registerReview.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

/** Commits whose changes git was asked for. */
const asked: (string | null)[] = [];

vi.mock('../../../../src/extension/loadEngine.ts', () => ({
  loadEngine: () => ({
    WorktreeManager: class {
      committedWork({ commit }: Task): Promise<null> {
        asked.push(commit);
        return Promise.resolve(null);
      }
    },
  }),
}));

beforeEach(() => {
  asked.length = 0;
});

const completed = (number: number): Task => taskIn('completed', number, { commit: `commit ${number}` });

function review(tasks: readonly Task[]): DecidingSession {
  const session = new DecidingSession(tasks);
  session.state = { type: 'opening' };
  registerReview({ subscriptions: [] } as unknown as vscode.ExtensionContext, session, (error) => {
    throw error;
  });
  return session;
}

test('asks git for the changes of the newest tasks alone when the engine opens', async () => {
  const session = review(Array.from({ length: 150 }, (_, index) => completed(index + 1)));
  session.become({ type: 'driving' });
  await vi.waitFor(() => expect(asked).toContain('commit 51'));
  expect(asked).toHaveLength(100);
});

test('asks git for nothing in a folder that is not trusted, not for what another window commits either', async () => {
  const session = review([completed(1)]);
  session.become({ type: 'unavailable', reason: 'untrusted' });
  const engine = await session.engine();
  await engine.dispatch({ type: 'set-priority', taskId: completed(1).id, priority: 1 }, []);
  // All that is between the change and git is promises.
  await new Promise(setImmediate);
  expect(asked).toEqual([]);
  session.become({ type: 'driving' });
  await vi.waitFor(() => expect(asked).toEqual(['commit 1']));
});
