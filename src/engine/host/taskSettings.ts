import { OrchestratorError } from '../ports/errors.ts';
import { settingChanges, settingsFileOf } from '../settings.ts';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { plain, plainBlock, shortId } from './format.ts';
import { type Assets, openAnywhere, placeOf } from './hostEngine.ts';
import { type SettingsOptions, taskSettings } from './options.ts';
import { type HostIo, Output } from './output.ts';
import { findTask, knownTask } from './taskReference.ts';

/** `settings`: prints a task's as a settings file; where options change any, these, as they were and as they are. */
export async function settings(
  reference: string,
  options: SettingsOptions,
  io: HostIo,
  assets: Assets,
): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  const engine = await openAnywhere(await placeOf(options, io), io, assets, 'orchestrator settings');
  try {
    const before = await findTask(engine.records, reference);
    const wanted = await taskSettings(options, io.cwd, before.settings);
    const changes = settingChanges(before.settings, wanted);
    if (changes.length > 0) {
      const command = { type: 'change-settings', taskId: before.id, settings: wanted } as const;
      const rejection = await engine.dispatch(command, []);
      if (rejection !== null) throw new OrchestratorError('bad-input', rejection.message);
    }
    const task = await knownTask(engine.records, before.id);
    const file = settingsFileOf(task.settings);
    output.object({ type: 'settings', id: task.id, settings: file, changes });
    if (changes.length === 0) output.text(plainBlock(JSON.stringify(file, null, 2)));
    else output.text(`${shortId(task.id)} ${plain(task.title)}`);
    for (const { name, before: old, after } of changes)
      output.text(plain(`  ${name}: ${JSON.stringify(old)} -> ${JSON.stringify(after)}`));
    return exitCodes.asAsked;
  } finally {
    await engine.close();
  }
}
