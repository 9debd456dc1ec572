import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { createTask } from '../createTask.ts';
import { type TaskId, taskIdOf } from '../domain/ids.ts';
import type { Task, TaskSettings } from '../domain/task.ts';
import type { Engine } from '../engine.ts';
import type { Orchestrator } from '../openOrchestrator.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { restOutcome, wireEvent, wireTask } from '../protocol/wire.ts';
import { type ExitCode, exitCodes, explain } from './exitCodes.ts';
import { plain, plainBlock, shortId } from './format.ts';
import { type Assets, openAnywhere, openHere, type Place, placeOf } from './hostEngine.ts';
import { type DriveOptions, type TaskOptions, taskSettings } from './options.ts';
import { type HostIo, Output } from './output.ts';
import { ProgressView } from './progressView.ts';
import { knownTask } from './taskReference.ts';

/** `run`: creates a task and drives it until it rests. */
export async function run(
  options: TaskOptions & DriveOptions,
  io: HostIo,
  assets: Assets,
): Promise<ExitCode> {
  const id = taskIdOf(randomUUID());
  const settings = await taskSettings(options, io.cwd);
  return driveAll(options, io, assets, 'orchestrator run', [id], async (orchestrator, place) => {
    // A task that cannot run here should not be left behind.
    await checkNewTask(orchestrator, place, settings, io);
    await create(orchestrator, id, options, settings, io);
    return [id];
  });
}

/** `resume`: drives everything unfinished until it rests. */
export async function resume(options: DriveOptions, io: HostIo, assets: Assets): Promise<ExitCode> {
  return driveAll(options, io, assets, 'orchestrator resume', 'all', (orchestrator) =>
    movingTasks(orchestrator, io),
  );
}

/** The tasks that move by themselves once the engine starts. Throws when none of them can run here. */
export async function movingTasks(
  { service, isolations }: Orchestrator,
  io: HostIo,
): Promise<readonly TaskId[]> {
  const tasks = service.openTasks().filter(({ id }) => service.isMoving(id));
  const baseUrl = io.env['ANTHROPIC_BASE_URL'] ?? null;
  const troubles: unknown[] = [];
  for (const { settings } of tasks) {
    await isolations[settings.isolation]
      .check({ ...settings, baseUrl })
      .catch((error: unknown) => troubles.push(error));
  }
  // What one task lacks must not hold up the others: it rests with that as its failure. Where nothing could run,
  // nothing is touched.
  if (troubles.length > 0 && troubles.length === tasks.length) throw troubles[0];
  for (const trouble of new Set(troubles.map((error) => explain(error).message)))
    io.stderr.write(`${plainBlock(trouble)}\n`);
  return tasks.map(({ id }) => id);
}

/** Throws when a task of these settings cannot run here: before anything of it is recorded. */
export async function checkNewTask(
  { isolations }: Pick<Orchestrator, 'isolations'>,
  { worktrees }: Pick<Place, 'worktrees'>,
  settings: TaskSettings,
  io: HostIo,
): Promise<void> {
  await worktrees.checkBase(settings.baseBranch);
  await isolations[settings.isolation].check({
    ...settings,
    baseUrl: io.env['ANTHROPIC_BASE_URL'] ?? null,
  });
}

/** `add`: queues a task; whoever drives the storage takes it up. */
export async function add(options: TaskOptions, io: HostIo, assets: Assets): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  const place = await placeOf(options, io);
  const settings = await taskSettings(options, io.cwd);
  await place.worktrees.checkBase(settings.baseBranch);
  const engine = await openAnywhere(place, io, assets, 'orchestrator add');
  try {
    const id = taskIdOf(randomUUID());
    const task = await create(engine, id, options, settings, io);
    output.object({ type: 'added', ...wireTask(task) });
    output.text(`Queued ${shortId(id)}: ${plain(task.title)}. Start it with \`orchestrator resume\`.`);
    return exitCodes.asAsked;
  } finally {
    await engine.close();
  }
}

async function create(
  engine: Engine,
  id: TaskId,
  options: TaskOptions,
  settings: Task['settings'],
  io: HostIo,
): Promise<Task> {
  const { title, priority } = options;
  const description = await descriptionOf(options, io);
  const rejection = await createTask(engine, { id, title, description, priority, settings });
  if (rejection !== null) throw new OrchestratorError('bad-input', rejection.message);
  return knownTask(engine.records, id);
}

async function descriptionOf({ description, descriptionFile }: TaskOptions, io: HostIo): Promise<string> {
  if (descriptionFile === undefined) return description ?? '';
  if (descriptionFile === '-') return readAll(process.stdin);
  const path = resolve(io.cwd, descriptionFile);
  return readFile(path, 'utf8').catch((error: Error) => {
    throw new OrchestratorError('bad-input', `The description file ${path} cannot be read: ${error.message}`);
  });
}

async function driveAll(
  options: DriveOptions,
  io: HostIo,
  assets: Assets,
  holder: string,
  drive: 'all' | readonly TaskId[],
  begin: (orchestrator: Orchestrator, place: Place) => Promise<readonly TaskId[]>,
): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  const view = output.json ? null : new ProgressView(io, Date.now);
  const place = await placeOf(options, io);
  const onProgress = (text: string): void => (view === null ? output.note(text) : view.step(text));
  const orchestrator = await openHere(place, io, assets, {
    drive,
    holder,
    onProgress,
    maxConcurrent: Number(options.maxConcurrent),
  });
  const { service } = orchestrator;
  const unsubscribe = service.subscribe((notice) => {
    view?.show(notice);
    if (notice.type === 'committed') for (const row of notice.rows) output.object(wireEvent(row));
  });
  try {
    const ids = await begin(orchestrator, place);
    await orchestrator.start();
    const rested = await Promise.race([
      service.until(() => !ids.some((id) => service.isMoving(id))).then(() => true),
      aborted(io.interrupted),
    ]);
    if (rested) return await finish(orchestrator, output, ids);
    view?.close();
    output.note(interruptedNote(service.openTasks()));
    return exitCodes.interrupted;
  } finally {
    unsubscribe();
    view?.close();
    await orchestrator.close();
  }
}

/** What a person should know who leaves while it drives. */
export function interruptedNote(open: readonly Task[]): string {
  const running = open.filter(({ phase }) => phase.type === 'running');
  if (running.length === 0) return 'Interrupted. Nothing is lost: `orchestrator resume` goes on.';
  const names = running.map(({ id, title }) => `${shortId(id)} (${plain(title)})`).join(', ');
  return (
    `Interrupted. ${names}: the agent goes on by itself until its time is over. ` +
    '`orchestrator resume` follows it again; `orchestrator cancel` ends it.'
  );
}

async function finish({ records }: Orchestrator, output: Output, ids: readonly TaskId[]): Promise<ExitCode> {
  const tasks = await Promise.all(ids.map((id) => knownTask(records, id)));
  for (const task of tasks) output.object({ type: 'final', ...wireTask(task) });
  if (tasks.length === 0) output.text('Nothing to do: every task rests. See `orchestrator tasks`.');
  return tasks.every((task) => restOutcome(task) === 'completed')
    ? exitCodes.asAsked
    : exitCodes.needsAttention;
}

/** Resolves, with false, when the person wants to leave. */
export function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolveAborted) => {
    if (signal.aborted) resolveAborted(false);
    else signal.addEventListener('abort', () => resolveAborted(false), { once: true });
  });
}
