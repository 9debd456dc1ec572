// @vitest-environment happy-dom
import { expect, test, vi } from 'vitest';
import { taskGroups } from '../../../src/engine/protocol/taskGroups.ts';
import { cardOf } from '../../../src/engine/server/board/boardCard.ts';
import { BoardApp } from '../../../webview-ui/src/board/boardApp.ts';
import { PageConnection } from '../../support/pageConnection.ts';
import { idOf, taskIn } from '../../support/viewTasks.ts';

const card = cardOf(taskIn('completed', 1), null, 'move');

/** The page as VS Code loads it: at first, and again when its tab is shown again. */
async function load(connection: PageConnection, access: 'move' | 'read' = 'move'): Promise<HTMLElement> {
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  new BoardApp(root, connection).start();
  const columns = taskGroups.map((group) => ({ group, found: 1, total: 1 }));
  connection.receive({ type: 'snapshot', seq: 1, access, columns, cards: [card] });
  await vi.waitFor(() => expect(root.querySelector('[data-card]')).not.toBeNull());
  return root;
}

const area = (root: HTMLElement): HTMLTextAreaElement | null => root.querySelector('dialog[open] textarea');

function press(root: HTMLElement, name: string): void {
  const buttons = [...root.querySelectorAll<HTMLElement>('button, vscode-button')];
  const button = buttons.find(
    (each) => (each.getAttribute('aria-label') ?? each.textContent).trim() === name,
  );
  if (button === undefined) throw new Error(`no button "${name}"`);
  button.click();
}

/** Opens the note of the card and writes into it. */
function write(root: HTMLElement, text: string): void {
  press(root, 'Moves of Task 1');
  press(root, 'Send Back with Notes');
  const field = area(root);
  if (field === null) throw new Error('no note is open');
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

const moves = (connection: PageConnection) => connection.sent.filter(({ type }) => type === 'move');

test('a note that is being written is there again when the page is, and can be sent', async () => {
  const connection = new PageConnection();
  write(await load(connection), 'Long and careful words');
  const shownAgain = await load(connection);
  expect(area(shownAgain)?.value).toBe('Long and careful words');
  expect(shownAgain.querySelector('dialog h2')?.textContent).toBe('Send back “Task 1”');
  press(shownAgain, 'Send Back');
  expect(moves(connection)).toMatchObject([
    { move: { type: 'send-back', taskId: idOf(1), note: 'Long and careful words' } },
  ]);
  await vi.waitFor(() => expect(connection.kept).toEqual({ find: '' }));
  expect(area(await load(connection))).toBeNull();
});

test('a note that was left is gone', async () => {
  const connection = new PageConnection();
  const root = await load(connection);
  write(root, 'Never mind');
  press(root, 'Back');
  await vi.waitFor(() => expect(connection.kept).toEqual({ find: '' }));
  expect(area(await load(connection))).toBeNull();
});

test('a note is not opened where nothing can be moved any more, and not lost there', async () => {
  const connection = new PageConnection();
  write(await load(connection), 'Long and careful words');
  expect(area(await load(connection, 'read'))).toBeNull();
  expect(area(await load(connection))?.value).toBe('Long and careful words');
});
