import { resolve } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTask } from '../../../src/engine/createTask.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';
import { engine } from '../../../src/extension/engineBundle.ts';
import { EngineSession } from '../../../src/extension/engineSession.ts';
import { watchFolders } from '../../../src/extension/folderWatch.ts';
import { Log } from '../../../src/extension/log.ts';
import { closeFolders, openFolder } from '../../support/openFolderVscode.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { idOf } from '../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../support/openFolderVscode.ts'));

const root = resolve(import.meta.dirname, '../../..');

/** The session of a window with this storage. */
function sessionOn(storage: string): EngineSession {
  const session = new EngineSession({
    context: {
      storageUri: { fsPath: storage },
      extensionUri: { fsPath: root },
      workspaceState: { get: () => undefined, update: () => Promise.resolve() },
    } as never,
    loadEngine: () => engine,
    environment: {},
    agentEnvironment: {},
    prepare: () => Promise.resolve(),
    log: new Log(),
    onProgress: () => undefined,
  });
  onTestFinished(() => session.close());
  return session;
}

test('tells of all tasks before it says that it is open: who reads a part of them then is not given the rest after it', async () => {
  openFolder(root);
  const storage = await temporaryDirectory();
  const first = sessionOn(storage);
  const task = { id: idOf(1), title: 'Kept', description: '', priority: 0, settings: defaultSettings };
  expect(await createTask(await first.engine(), { ...task, paused: true })).toBeNull();
  await first.close();

  const session = sessionOn(storage);
  const heard: unknown[] = [];
  session.onDidChangeState(({ type }) => heard.push(type));
  session.tasks.onDidChange((tasks) => heard.push(tasks.map(({ title }) => title)));
  await session.engine();
  expect(heard).toEqual(['opening', ['Kept'], 'driving']);
});

test('opens what was asked for in vain once the window gets a folder, and nothing that nobody asked for', async () => {
  closeFolders();
  const [asked, unasked] = [sessionOn(await temporaryDirectory()), sessionOn(await temporaryDirectory())];
  for (const session of [asked, unasked]) {
    const watch = watchFolders(session, (error) => {
      throw error;
    });
    onTestFinished(() => void watch.dispose());
  }
  await expect(asked.engine()).rejects.toThrow('No folder is open.');
  expect(asked.state).toEqual({ type: 'unavailable', reason: 'no-folder' });

  openFolder(root);
  await vi.waitFor(() => expect(asked.state).toEqual({ type: 'driving' }), { timeout: 20_000 });
  expect(unasked.wasAsked).toBe(false);
});
