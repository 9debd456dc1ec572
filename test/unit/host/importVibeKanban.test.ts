import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runHost } from '../../../src/engine/host.ts';
import { exitCodes } from '../../../src/engine/host/exitCodes.ts';
import { HeardOutput } from '../../support/heardOutput.ts';
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
  const [stdout, stderr] = [new HeardOutput(), new HeardOutput()];
  const code = await runHost(
    ['import-vibe-kanban', board, '--repo', repository, '--storage', join(folder, 'storage')],
    {
      stdout,
      stderr,
      env: process.env,
      cwd: folder,
      interrupted: AbortSignal.abort(),
    },
    {
      distFolder: resolve('dist'),
      containerFolder: resolve('media/container'),
    },
  );
  expect(stderr.text).toContain('Interrupted.');
  expect(stdout.text).toContain('Imported 0 tasks');
  expect(code).toBe(exitCodes.interrupted);
});
