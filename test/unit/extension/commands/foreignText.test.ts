import { beforeEach, describe, expect, test, vi } from 'vitest';
import { sealBundle } from '../../../../src/engine/context/digest.ts';
import type { Phase, Task } from '../../../../src/engine/domain/task.ts';
import { OrchestratorError } from '../../../../src/engine/ports/errors.ts';
import { cleanUpWorktrees } from '../../../../src/extension/commands/cleanUp.ts';
import type { CommandBody } from '../../../../src/extension/commands/context.ts';
import { cancel, simpleMove } from '../../../../src/extension/commands/moves.ts';
import { openWorktreeTerminal } from '../../../../src/extension/commands/openTask.ts';
import { setPriority } from '../../../../src/extension/commands/priority.ts';
import { answerQuestions, sendBack } from '../../../../src/extension/commands/sendBack.ts';
import { Messages } from '../../../../src/extension/messages.ts';
import { openLocation } from '../../../../src/extension/webview/openLocation.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { CancellationError, person } from '../../../support/fakeVscode.ts';
import { idOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

/** What VS Code takes for a link in a notification or a prompt, and for an icon in a row: its own patterns. */
const link = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;
const icon = /\$\([A-Za-z0-9-]+(?:~[A-Za-z]+)?\)/;

const hostile = '$(verified) \u202e[Show the plan](command:workbench.action.terminal.sendSequence?%7B%7D)';

const worktree = { path: import.meta.dirname, branch: hostile, baseBranch: null, baseCommit: 'c' };

function hostileTask(phase: Phase['type'], changes: Partial<Task> = {}): Task {
  return taskIn(phase, 1, { title: hostile, description: hostile, worktree, ...changes });
}

/** Runs it until it is done, is left, or complains, which is told as every command's error is. */
async function run(body: CommandBody, arg?: unknown): Promise<void> {
  await body(arg).catch((error: unknown) => new Messages().error(error));
}

function expectNothingButText(): void {
  const shown = person.shown.join('\n');
  expect(shown).toContain('Show the plan');
  for (const pattern of [link, icon, /\u202e/]) expect(shown).not.toMatch(pattern);
}

beforeEach(() => person.reset());

describe('text of others that reads like a link, an icon or a mark of direction is nothing but text', () => {
  const failure = { code: 'qa-failed', message: hostile, remedy: hostile } as const;
  const needy: readonly (readonly [string, Task])[] = [
    ['completed', hostileTask('completed')],
    ['at its gate', hostileTask('gate')],
    ['failed', hostileTask('attention', { stage: 'qa', phase: { type: 'attention', failure } })],
  ];

  test.each(needy)('in the notification of a task that is %s', (_, task) => {
    new Messages().needed(task);
    expectNothingButText();
  });

  test('in the notification of an error', () => {
    new Messages().error(new OrchestratorError('environment', hostile, { remedy: hostile }));
    expectNothingButText();
  });

  test('in the prompt of an open question', async () => {
    const { body, digest } = sealBundle({
      type: 'specification',
      format: 1,
      markdown: '# A',
      criteria: [{ id: 'AC-1', text: 'x' }],
      openQuestions: [hostile],
      files: [],
      risks: [],
    });
    const session = new DecidingSession([hostileTask('gate')]);
    session.store({ digest, taskId: idOf(1), runId: null, stage: 'specification', body });
    person.answers.push('yes');
    await run(answerQuestions({ session }), idOf(1));
    expectNothingButText();
    // The agent gets its question back as it was.
    expect(session.dispatched).toMatchObject([{ note: expect.stringContaining(hostile) as string }]);
  });

  const asking: readonly (readonly [string, Phase['type'], (session: DecidingSession) => CommandBody])[] = [
    ['the list of tasks', 'paused', (session) => simpleMove({ session }, 'resume', 'start')],
    ['the title of a note', 'gate', (session) => async () => sendBack({ session })(idOf(1))],
    ['the title of a priority', 'queued', (session) => async () => setPriority({ session })(idOf(1))],
    ['a question', 'queued', (session) => async () => cancel({ session })(idOf(1))],
    ['a terminal', 'paused', (session) => async () => openWorktreeTerminal({ session })(idOf(1))],
    [
      'the list of worktrees',
      'cancelled',
      (session) =>
        cleanUpWorktrees({
          session,
          messages: new Messages(),
          loadEngine: () => {
            throw new Error('nothing is removed here');
          },
        }),
    ],
  ];

  test.each(asking)('in %s', async (_, phase, bodyOf) => {
    person.answers.push(undefined);
    const session = new DecidingSession([hostileTask(phase)]);
    await run(bodyOf(session));
    expectNothingButText();
    expect(session.dispatched).toEqual([]);
  });

  test('in the name of a file that a report names', async () => {
    await openLocation(import.meta.dirname, hostile, null);
    expectNothingButText();
  });
});

test('a question that is not answered with its yes cancels', async () => {
  const session = new DecidingSession([taskIn('queued')]);
  person.answers.push(undefined, 'Cancel Task');
  await expect(cancel({ session })(idOf(1))).rejects.toThrow(CancellationError);
  expect(session.dispatched).toEqual([]);
  await cancel({ session })(idOf(1));
  expect(session.tasks.get(idOf(1))?.phase.type).toBe('cancelled');
});
