import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exitCodes } from '../../../src/engine/host/exitCodes.ts';
import { storage, write } from '../../support/exportedStorage.ts';
import { heardHost } from '../../support/heardHost.ts';
import { makeSampleRepository } from '../../support/sampleRepository.ts';
import { archiveLinesOf, rechained, sealed } from '../../support/sealedArchive.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { boardId } from '../../support/vibeKanbanBoard.ts';

test('what came with an import reaches the terminal without its control characters', async () => {
  const folder = await temporaryDirectory();
  const repository = await makeSampleRepository(join(folder, 'repository'));
  const { of, directory } = await storage();
  const file = join(directory, 'all.jsonl');
  await write(of, file);
  const hidden = '\u001b[8m';
  const lines = rechained(archiveLinesOf(file), ({ cause }) => ({ cause: `${hidden}${cause}` })).map(
    (line) =>
      line.startsWith('{"type":"task"')
        ? line.replace('"branch":"', '"branch":"\\u001b[8m').replace('"path":"/w', '"path":"/\\u001b[8mw')
        : line,
  );
  const host = (...args: readonly string[]) =>
    heardHost([...args, '--repo', repository, '--storage', join(folder, 'storage')], { cwd: folder });
  expect(await host('import', sealed(join(folder, 'edited.jsonl'), lines))).toMatchObject({
    code: exitCodes.asAsked,
  });
  const audit = await host('audit');
  expect(audit.stdout).toContain('[8mcancel');
  const show = await host('show', boardId(1));
  expect(show.stdout).toContain('[8morchestrator/0000-x');
  expect(show.stdout).toContain('/ [8mw');
  expect(audit.stdout + show.stdout).not.toContain(hidden);
});
