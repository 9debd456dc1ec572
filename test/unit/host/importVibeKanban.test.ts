import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exitCodes } from '../../../src/engine/host/exitCodes.ts';
import { heardHost } from '../../support/heardHost.ts';
import { makeSampleRepository } from '../../support/sampleRepository.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { boardId, makeBoard } from '../../support/vibeKanbanBoard.ts';

test('the import of a board is interrupted between pages that tell of nothing, too', async () => {
  const folder = await temporaryDirectory();
  const repository = await makeSampleRepository(join(folder, 'repository'));
  const board = join(folder, 'db.sqlite');
  await makeBoard(board, {
    projects: [
      { id: boardId(1), name: 'Ours', path: repository },
      { id: boardId(2), name: 'Another', path: '/nowhere/at/all' },
    ],
    tasks: [{ id: boardId(10), title: 'Not ours', project: boardId(2) }],
  });
  const heard = await heardHost(
    ['import-vibe-kanban', board, '--repo', repository, '--storage', join(folder, 'storage')],
    { cwd: folder, interrupted: AbortSignal.abort() },
  );
  expect(heard.stderr).toContain('Interrupted.');
  expect(heard.stdout).toContain('Imported 0 tasks');
  expect(heard.code).toBe(exitCodes.interrupted);
});
