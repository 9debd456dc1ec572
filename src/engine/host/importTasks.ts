import { resolve } from 'node:path';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { plain } from './format.ts';
import { type Assets, openAnywhere, placeOf } from './hostEngine.ts';
import type { CommonOptions } from './options.ts';
import { type HostIo, Output } from './output.ts';

/** `import`: takes in the file of an `export`, whole or not at all. */
export async function importTasks(
  file: string,
  options: CommonOptions,
  io: HostIo,
  assets: Assets,
): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  const place = await placeOf(options, io);
  const engine = await openAnywhere(place, io, assets, 'orchestrator import');
  try {
    const path = resolve(io.cwd, file);
    const { imported, known, rows, repositoryPath } = await engine.importArchive(path);
    const auditRows = rows === null ? 0 : rows.last - rows.first + 1;
    output.object({
      type: 'import',
      file: path,
      imported,
      known,
      audit_rows: auditRows,
      repository: repositoryPath,
    });
    output.text(
      `${imported} tasks with ${auditRows} audit rows imported; ${known} were here already. None starts by itself: \`orchestrator start\` or \`retry\` does.`,
    );
    if (repositoryPath !== place.repository.path)
      output.note(
        `The export is of ${plain(repositoryPath, 300)}; this storage is of ${place.repository.path}. Branches do not come with it.`,
      );
    return exitCodes.asAsked;
  } finally {
    await engine.close();
  }
}
