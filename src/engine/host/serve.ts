import { join } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import { secretValuesOf } from '../process/redactor.ts';
import { wireEvent } from '../protocol/wire.ts';
import type { ServerBundle } from '../server/serverBundle.ts';
import { aborted, checkNewTask, interruptedNote, movingTasks } from './drive.ts';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { type Assets, openHere, placeOf } from './hostEngine.ts';
import { type DriveOptions, type SettingsOptions, taskSettings } from './options.ts';
import { type HostIo, Output, stderrLogger } from './output.ts';
import { ProgressView } from './progressView.ts';

export interface ServeOptions extends SettingsOptions, DriveOptions {
  readonly port?: number;
  readonly readOnly?: boolean;
  readonly allowOrigin?: readonly string[];
}

/** In the environment, not among the arguments, which every user of the machine can list. */
const tokenVariable = 'ORCHESTRATOR_TOKEN';

/** `serve`: drives everything, takes new tasks over HTTP, and goes on until the person leaves. */
export async function serve(options: ServeOptions, io: HostIo, assets: Assets): Promise<ExitCode> {
  if ((options.port ?? 0) > 65_535)
    throw new OrchestratorError('bad-input', `There is no port ${options.port}.`, {
      remedy: 'Give one up to 65535.',
    });
  // Loaded here: no other command needs a server.
  const { startServer, OrchestratorFeed } = loadServer(assets.distFolder);
  const output = new Output(io, options.json === true);
  const view = output.json ? null : new ProgressView(io, Date.now);
  const defaults = await taskSettings(options, io.cwd);
  const place = await placeOf(options, io);
  const onProgress = (text: string): void => (view === null ? output.note(text) : view.step(text));
  const orchestrator = await openHere(place, io, assets, {
    drive: 'all',
    holder: 'orchestrator serve',
    onProgress,
    maxConcurrent: Number(options.maxConcurrent),
  });
  const { service } = orchestrator;
  const unsubscribe = service.subscribe((notice) => {
    view?.show(notice);
    if (notice.type === 'committed') for (const row of notice.rows) output.object(wireEvent(row));
  });
  try {
    await movingTasks(orchestrator, io);
    const feed = await OrchestratorFeed.open(orchestrator, place.storage);
    const server = await startServer({
      feed,
      project: place.repository,
      newTask: {
        defaults: () => defaults,
        check: (settings) => checkNewTask(orchestrator, place, settings, io),
      },
      access: options.readOnly === true ? 'read' : 'move',
      ...(options.port === undefined ? {} : { port: options.port }),
      token: io.env[tokenVariable] ?? null,
      allowedOrigins: options.allowOrigin ?? [],
      pages: join(assets.distFolder, 'webview'),
      secrets: () => secretValuesOf(io.env),
      logger: stderrLogger(io),
    });
    try {
      output.object({ type: 'listening', url: server.url, token: server.token });
      output.text(`Listening. Open ${server.url}/#token=${server.token}`);
      await orchestrator.start();
      await Promise.race([aborted(io.interrupted), service.until(() => false)]);
      view?.close();
      output.note(interruptedNote(service.openTasks()));
      return exitCodes.interrupted;
    } finally {
      await server.close();
      feed.dispose();
    }
  } finally {
    unsubscribe();
    view?.close();
    await orchestrator.close();
  }
}

function loadServer(distFolder: string): ServerBundle {
  return (require(join(distFolder, 'server.js')) as { readonly server: ServerBundle }).server;
}
