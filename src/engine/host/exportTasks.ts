import { resolve } from 'node:path';
import { exportArchive } from '../interop/exportArchive.ts';
import { systemClock } from '../systemClock.ts';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { type Assets, openAnywhere, placeOf } from './hostEngine.ts';
import type { CommonOptions } from './options.ts';
import { type HostIo, Output } from './output.ts';

/** `export`: everything that is recorded, in one file. */
export async function exportTasks(
  file: string,
  options: CommonOptions,
  io: HostIo,
  assets: Assets,
): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  const place = await placeOf(options, io);
  const path = resolve(io.cwd, file);
  const engine = await openAnywhere(place, io, assets, 'orchestrator export');
  try {
    const { repository } = place;
    const summary = await exportArchive(path, {
      records: engine.records,
      repository,
      now: systemClock.now(),
      interrupted: io.interrupted,
    });
    output.object({ type: 'exported', file: path, ...summary });
    output.text(
      `${summary.tasks} tasks, ${summary.contexts} contexts and ${summary.rows} audit rows written to ${path}. Transcripts stay in ${place.storage}.`,
    );
    return exitCodes.asAsked;
  } catch (error) {
    if (!io.interrupted.aborted) throw error;
    output.note('Interrupted. Nothing was exported.');
    return exitCodes.interrupted;
  } finally {
    await engine.close();
  }
}
