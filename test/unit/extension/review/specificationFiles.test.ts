import type * as vscode from 'vscode';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Bundle, parseBundle } from '../../../../src/engine/context/bundle.ts';
import { sealBundle } from '../../../../src/engine/context/digest.ts';
import { simpleMove } from '../../../../src/extension/commands/moves.ts';
import {
  parseSpecificationUri,
  specificationUri,
} from '../../../../src/extension/review/specificationAddress.ts';
import { SpecificationFiles } from '../../../../src/extension/review/specificationFiles.ts';
import { DecidingSession } from '../../../support/decidingSession.ts';
import { person, problems, Uri, workspace } from '../../../support/fakeVscode.ts';
import { idOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

const bundle: Bundle = {
  type: 'specification',
  format: 1,
  markdown: '# Title case\n\nWords get a capital letter.',
  criteria: [{ id: 'AC-1', text: 'Each word begins with one.' }],
  openQuestions: [],
  files: [],
  risks: [],
};

const taskId = idOf(1);
const uri = Uri.from(specificationUri(taskId, 'Title / case')) as unknown as vscode.Uri;

function scene(title = 'Title / case') {
  const { body, digest } = sealBundle(bundle);
  const session = new DecidingSession([
    taskIn('gate', 1, { title, phase: { type: 'gate', stage: 'specification', digest } }),
  ]);
  session.store({ digest, taskId, runId: null, stage: 'specification', body });
  const files = new SpecificationFiles(session);
  const changed: string[] = [];
  files.onDidChangeFile((events) => changed.push(...events.map((event) => event.uri.path)));
  session.tasks.onDidChange((tasks) => files.update(tasks));
  const read = async (): Promise<string> => new TextDecoder().decode(await files.readFile(uri));
  const write = (text: string): Promise<void> => files.writeFile(uri, new TextEncoder().encode(text));
  return { session, files, read, write, changed };
}

beforeEach(() => {
  person.reset();
  problems.clear();
  workspace.textDocuments = [];
});

describe('a specification in an editor', () => {
  test('that is saved becomes the one that waits for approval, as a new version', async () => {
    const { session, files, read, write, changed } = scene();
    const before = await files.stat(uri);
    await write((await read()).replace('Each word begins with one.', 'Each word.\n- None of digits.'));
    const task = session.tasks.get(taskId);
    const digest = task?.phase.type === 'gate' ? task.phase.digest : null;
    const stored = session.stored.at(-1);
    expect(stored).toMatchObject({ digest, version: 2, stage: 'specification' });
    expect(parseBundle(stored?.body ?? '')).toMatchObject({
      criteria: [
        { id: 'AC-1', text: 'Each word.' },
        { id: 'AC-2', text: 'None of digits.' },
      ],
    });
    // The editor reads it again, with the new number, and knows that it is another one.
    expect(changed).toEqual([uri.path]);
    expect(await read()).toContain('- **AC-2**: None of digits.');
    expect((await files.stat(uri)).mtime).toBeGreaterThan(before.mtime);
  });

  test('that was not changed is not recorded again', async () => {
    const { session, read, write } = scene();
    await write(await read());
    expect(session.dispatched).toEqual([]);
  });

  test('that is none is refused with what is wrong, in its line, until it is mended', async () => {
    const { session, read, write } = scene();
    const text = await read();
    await expect(write(text.replace('- **AC-1**', '**AC-1**'))).rejects.toThrow(
      /not saved; your text stays in this editor\. Line 7: This line is no item/,
    );
    expect(session.dispatched).toEqual([]);
    expect([...problems.values()].flat()).toMatchObject([{ range: { start: { line: 6 } } }, {}]);
    await write(text.replace('Each', 'Every'));
    expect([...problems.values()].flat()).toEqual([]);
  });

  test('is not saved once the task went on, and that is said', async () => {
    const { session, read, write } = scene();
    const text = await read();
    await (await session.engine()).dispatch({ type: 'approve', taskId }, []);
    await expect(write(`${text}- more`)).rejects.toThrow('no longer waits for approval');
  });

  test('makes no link of a title where VS Code tells that it was not saved', async () => {
    const title = '[Show the plan](command:workbench.action.quit)';
    const { session, read, write } = scene(title);
    const text = await read();
    await (await session.engine()).dispatch({ type: 'approve', taskId }, []);
    await expect(write(`${text}- more`)).rejects.toThrow('[Show the plan]\u200b(command:');
  });

  test('has no other address than its own', async () => {
    const { files } = scene();
    expect(parseSpecificationUri(uri)).toBe(taskId);
    for (const path of ['/x.md', `/${taskId}`, `/../${taskId}/a.md`, `/${taskId}/../b.md`]) {
      const other = Uri.from({ ...specificationUri(taskId, 'x'), path }) as unknown as vscode.Uri;
      await expect(files.readFile(other)).rejects.toThrow('not found');
    }
  });
});

describe.each(['approve', 'advance'] as const)('%s at the gate', (type) => {
  const document = (saves: boolean) => ({
    uri,
    isDirty: true,
    saved: 0,
    save() {
      this.saved += 1;
      return Promise.resolve(saves);
    },
  });

  const move = (session: DecidingSession) => simpleMove({ session }, type, type);

  test('from the editor saves what is written there first', async () => {
    const { session } = scene();
    const open = document(true);
    workspace.textDocuments = [open];
    await move(session)(uri);
    expect(open.saved).toBe(1);
    expect(session.tasks.get(taskId)?.phase.type).toBe('queued');
  });

  test('does not happen when that cannot be saved', async () => {
    const { session } = scene();
    workspace.textDocuments = [document(false)];
    await expect(move(session)(taskId)).rejects.toThrow('not approved');
    expect(session.tasks.get(taskId)?.phase.type).toBe('gate');
  });
});
