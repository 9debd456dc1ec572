import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OrchestratorError } from '../../../src/engine/ports/errors.ts';
import { create, everything, storage, write } from '../../support/exportedStorage.ts';
import { EngineOnStorage } from '../../support/importingEngine.ts';
import { archiveLinesOf, sealed } from '../../support/sealedArchive.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';
import { boardId } from '../../support/vibeKanbanBoard.ts';

async function refusalOf(of: EngineOnStorage, path: string): Promise<OrchestratorError> {
  const error: unknown = await of.engine.importArchive(path).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!OrchestratorError.is(error, 'bad-input')) throw new Error(`not refused: ${String(error)}`);
  return error;
}

describe('a file that is not as it was written is refused whole', () => {
  async function exported(): Promise<{
    readonly file: string;
    readonly there: EngineOnStorage;
    readonly target: string;
  }> {
    const { of, directory } = await storage();
    const file = join(directory, 'all.jsonl');
    await write(of, file);
    const target = await temporaryDirectory();
    return { file, target, there: await EngineOnStorage.open(target) };
  }

  test('cut anywhere, or with any byte changed', async () => {
    const { file, there, target } = await exported();
    const bytes = readFileSync(file);
    const spoilt = join(target, 'spoilt.jsonl');
    const before = readFileSync(join(target, 'orchestrator.db'));
    const step = Math.floor(bytes.length / 60);
    for (let at = 0; at < bytes.length; at += step) {
      writeFileSync(spoilt, bytes.subarray(0, at));
      expect((await refusalOf(there, spoilt)).message).toContain('spoilt.jsonl cannot be imported');
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      writeFileSync(spoilt, changed);
      await refusalOf(there, spoilt);
    }
    writeFileSync(spoilt, bytes.subarray(0, bytes.length - 1));
    await refusalOf(there, spoilt);
    writeFileSync(spoilt, Buffer.concat([bytes, Buffer.from('{}\n')]));
    await refusalOf(there, spoilt);
    expect(readFileSync(join(target, 'orchestrator.db')).equals(before)).toBe(true);
    // The harness has teeth: the file itself is good.
    expect(await there.engine.importArchive(file)).toMatchObject({ imported: 5 });
  });

  const edits: readonly (readonly [string, string, (lines: string[]) => string[]])[] = [
    [
      'a format that is newer',
      'newer Orchestrator Manager',
      ([head = '', ...rest]) => [head.replace('"format":1', '"format":2'), ...rest],
    ],
    [
      'a row of the trail changed',
      'does not follow',
      (lines) => lines.map((line) => line.replace('"cause":"cancel"', '"cause":"accept"')),
    ],
    [
      'a row taken out',
      'does not follow',
      (lines) => lines.filter((line) => !line.includes('"cause":"cancel"')),
    ],
    ['a task taken out', 'is missing', (lines) => lines.filter((line) => !line.includes('"type":"task"'))],
    [
      'a context taken out',
      'is missing',
      (lines) => lines.filter((line) => !line.includes('"stage":"request"')),
    ],
    [
      'a context changed',
      'not what its digest says',
      (lines) => lines.map((line) => line.replace('# Spec of', '# Spec for')),
    ],
    [
      'a word that no release knows',
      'is not right',
      (lines) => lines.map((line) => line.replace('"type":"paused"', '"type":"asleep"')),
    ],
    ['a header in the middle', 'wrong place', (lines) => [...lines, lines[0] ?? '']],
    ['no header', 'no export', (lines) => lines.slice(1)],
    [
      'a run under the id of another task',
      'not its own',
      (lines) =>
        lines.map((line) =>
          line.startsWith('{"type":"task"')
            ? line.replaceAll(`${boardId(1)}/spec`, `${boardId(2)}/spec`)
            : line,
        ),
    ],
    [
      'a time that is none',
      'damaged',
      (lines) =>
        lines.map((line) =>
          line.startsWith('{"type":"task"') ? line.replace(/"createdAt":\d+/, '"createdAt":1e300') : line,
        ),
    ],
    [
      'an audit row of a time that no Date can tell',
      '(at:',
      (lines) =>
        lines.map((line) =>
          line.startsWith('{"type":"audit"') ? line.replace(/"at":\d+/, '"at":9000000000000000') : line,
        ),
    ],
    [
      'an audit row of a time before 1970',
      '(at:',
      (lines) =>
        lines.map((line) =>
          line.startsWith('{"type":"audit"') ? line.replace(/"at":\d+/, '"at":-1') : line,
        ),
    ],
    [
      'a context of a time that no Date can tell',
      '(created_at:',
      (lines) => lines.map((line) => line.replace(/"created_at":\d+/, '"created_at":9000000000000000')),
    ],
    ...['"startedAt"', '"completedAt"', '"createdAt"', '"updatedAt"', '"since"'].map(
      (field) =>
        [
          `a task with a time that no Date can tell in ${field}`,
          field.replaceAll('"', ''),
          (lines: string[]) =>
            lines.map((line) =>
              line.startsWith('{"type":"task"')
                ? line.replace(new RegExp(`${field}:\\d+`), `${field}:9000000000000000`)
                : line,
            ),
        ] as const,
    ),
  ];
  test.each(edits)('%s, with a digest that fits', async (_what, word, edit) => {
    const { file, there, target } = await exported();
    const lines = edit(archiveLinesOf(file));
    const before = there.store.audit(everything);
    expect((await refusalOf(there, sealed(join(target, 'edited.jsonl'), lines))).message).toContain(word);
    expect(there.store.audit(everything)).toEqual(before);
    expect(there.store.tasks({ limit: 10, offset: 0 })).toEqual([]);
    // The engine is none the worse.
    await create(there, 50);
    expect(await there.engine.importArchive(file)).toMatchObject({ imported: 5 });
    expect(there.store.verifyAudit().ok).toBe(true);
  });

  test('a folder, a file that is not there, another text', async () => {
    const { there, target } = await exported();
    expect((await refusalOf(there, target)).message).toContain('is not a file');
    expect((await refusalOf(there, join(target, 'nowhere'))).message).toContain('cannot be read');
    writeFileSync(join(target, 'text'), 'Once upon a time\n');
    expect((await refusalOf(there, join(target, 'text'))).message).toContain('no export');
    writeFileSync(join(target, 'empty'), '');
    expect((await refusalOf(there, join(target, 'empty'))).message).toContain('cut off');
  });
});
