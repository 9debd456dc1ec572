import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import { specificationUri } from '../../../../src/extension/review/specificationAddress.ts';
import { BoardPanel } from '../../../../src/extension/webview/boardPanel.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { FakePanel } from '../../../support/fakePanel.ts';
import { Uri, workspace } from '../../../support/fakeVscode.ts';
import { idOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

beforeEach(() => {
  workspace.textDocuments = [];
});

/** A board in a window in which the specification of task 1 is open and has changes. */
async function scene(saves: boolean) {
  const session = new DecidingSession([taskIn('gate', 1), taskIn('attention', 2, { stage: 'qa' })]);
  const saved: string[] = [];
  workspace.textDocuments = [1, 2].map((number) => ({
    isDirty: true,
    uri: Uri.from(specificationUri(idOf(number), 'Title')),
    save: () => {
      saved.push(idOf(number));
      return Promise.resolve(saves);
    },
  }));
  const context = { extensionUri: Uri.file('/extension') } as unknown as vscode.ExtensionContext;
  const board = new BoardPanel(context, session, (error) => {
    throw error;
  });
  const panel = new FakePanel();
  onTestFinished(() => panel.dispose());
  await board.deserializeWebviewPanel(panel as unknown as vscode.WebviewPanel);
  const move = async (type: 'approve' | 'advance', number: number): Promise<unknown> => {
    panel.send({ type: 'move', id: 1, move: { type, taskId: idOf(number) } });
    await vi.waitFor(() => expect(panel.posted).toHaveLength(1));
    return panel.posted[0];
  };
  return { session, saved, move };
}

test.each(['approve', 'advance'] as const)(
  '%s on the board approves what is written in the editor, saved or not',
  async (type) => {
    const { session, saved, move } = await scene(true);
    expect(await move(type, 1)).toMatchObject({ type: 'moved', refusal: null });
    expect(saved).toEqual([idOf(1)]);
    expect(session.tasks.get(idOf(1))?.phase.type).toBe('queued');
  },
);

test('what cannot be saved is not approved, and the page is told', async () => {
  const { session, move } = await scene(false);
  expect(await move('approve', 1)).toMatchObject({
    refusal: expect.stringContaining('not approved. Correct them') as string,
  });
  expect(session.dispatched).toEqual([]);
});

test('a move that approves no specification leaves the editor alone', async () => {
  const { saved, move } = await scene(false);
  expect(await move('advance', 2)).toMatchObject({ refusal: null });
  expect(saved).toEqual([]);
});
