import { readFileSync } from 'node:fs';
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

test('the audit trail is checked and written at once, and a task that is none is refused in any case', async () => {
  const folder = await temporaryDirectory();
  const repository = await makeSampleRepository(join(folder, 'repository'));
  const host = (...args: readonly string[]) =>
    heardHost([...args, '--repo', repository, '--storage', join(folder, 'storage')], { cwd: folder });
  await host('add', '--title', 'One', '--isolation', 'process');
  const both = await host('audit', '--verify', '--export', 'audit.jsonl', '--json');
  expect(both.code).toBe(exitCodes.asAsked);
  const rows = readFileSync(join(folder, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  expect(
    both.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { type: 'exported', rows: rows.length, file: join(folder, 'audit.jsonl') },
    { ok: true, rows: rows.length, first_bad_row: null },
  ]);
  const unknown = await host('audit', 'zzzz', '--verify');
  expect(unknown).toMatchObject({ code: exitCodes.badInput, stdout: '' });
  expect(unknown.stderr).toContain('is not a task id');
});
