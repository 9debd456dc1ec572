import { beforeEach, expect, test, vi } from 'vitest';
import { sealBundle } from '../../../../src/engine/context/digest.ts';
import { compareContexts } from '../../../../src/extension/commands/compareContexts.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { person } from '../../../support/fakeVscode.ts';
import { idOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

beforeEach(() => person.reset());

/** A task with these requests, one a version, and one QA report. */
function scene(...descriptions: readonly string[]) {
  const session = new DecidingSession([taskIn('gate', 1)]);
  const taskId = idOf(1);
  for (const description of descriptions) {
    const sealed = sealBundle({ type: 'request', format: 1, title: 'Task', description });
    session.store({ ...sealed, taskId, runId: null, stage: 'request' });
  }
  const sealed = sealBundle({
    type: 'qa',
    format: 1,
    verdict: 'pass',
    summary: '',
    criteria: [],
    findings: [],
    tests: null,
  });
  session.store({ ...sealed, taskId, runId: null, stage: 'qa' });
  return {
    compare: () => compareContexts({ session })(taskId),
    digests: session.stored.map(({ digest }) => digest),
  };
}

const compared = (): readonly string[] =>
  person.ran.flatMap(([command, left, right]) =>
    command === 'vscode.diff' ? [String(left).split('?')[1] ?? '', String(right).split('?')[1] ?? ''] : [],
  );

test('two versions are compared in the editor, the older one left, with one question', async () => {
  const { compare, digests } = scene('first', 'second');
  person.answers.push('Request, version 1');
  await compare();
  expect(compared()).toEqual([digests[0], digests[1]]);
  expect(person.offered).toEqual([['Request, version 2', 'Request, version 1']]);
});

test('of three the other one is asked for too', async () => {
  const { compare, digests } = scene('first', 'second', 'third');
  person.answers.push('Request, version 3', 'Request, version 1');
  await compare();
  expect(compared()).toEqual([digests[0], digests[2]]);
});

test('with one version of each there is nothing to compare, which is said', async () => {
  const { compare } = scene('only');
  await expect(compare()).rejects.toThrow('No context of "Task 1" has a second version');
});
