import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { BoardFile } from '../interop/vibeKanban/boardFile.ts';
import { chooseProjects, type ProjectChoice } from '../interop/vibeKanban/chooseProjects.ts';
import {
  type BoardSystem,
  dataFolders,
  findVibeKanbanDatabases,
} from '../interop/vibeKanban/findDatabases.ts';
import { type BoardOutcome, importBoard } from '../interop/vibeKanban/importBoard.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { systemClock } from '../systemClock.ts';
import { locateRepository } from '../worktrees/repository.ts';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { plain, plainBlock } from './format.ts';
import { type Assets, openAnywhere, type Place, placeOf } from './hostEngine.ts';
import { type SettingsOptions, taskSettings } from './options.ts';
import { type HostIo, Output } from './output.ts';

export interface ImportBoardOptions extends SettingsOptions {
  readonly project?: string;
  readonly dryRun?: boolean;
}

/** Said one by one to a person; a program gets all of them. */
const toldOneByOne = 20;

/** `import-vibe-kanban`: takes the tasks of a board over; the board itself is only read. */
export async function importVibeKanban(
  database: string | undefined,
  options: ImportBoardOptions,
  io: HostIo,
  assets: Assets,
): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  const place = await placeOf(options, io);
  const settings = await taskSettings(options, io.cwd);
  await place.worktrees.checkBase(settings.baseBranch);
  const board = await BoardFile.open(await databasePath(database, io, output), assets.distFolder);
  try {
    const choices = await chooseProjects(board.projects, options.project ?? null, (path) =>
      isOf(place, path),
    );
    const projects = choices.filter(({ isTaken }) => isTaken).map(({ project }) => project);
    if (projects.length === 0) throw nothingHere(choices, board.source, place);
    for (const choice of choices) tellProject(output, choice);
    const engine = await openAnywhere(place, io, assets, 'orchestrator import-vibe-kanban');
    try {
      const dryRun = options.dryRun === true;
      const now = systemClock.now();
      const pages = untilInterrupted(board.pages(), io.interrupted);
      const outcomes = importBoard(engine, { pages, projects, settings, now, dryRun });
      return await tellAll(outcomes, { output, io, dryRun, source: board.source });
    } finally {
      await engine.close();
    }
  } finally {
    await board.close();
  }
}

/** A board of many pages may tell of nothing for long: tasks of projects that were not chosen. */
async function* untilInterrupted<Page>(
  pages: AsyncIterable<Page>,
  interrupted: AbortSignal,
): AsyncGenerator<Page, void> {
  for await (const page of pages) {
    if (interrupted.aborted) return;
    yield page;
  }
}

async function databasePath(given: string | undefined, io: HostIo, output: Output): Promise<string> {
  if (given !== undefined) return resolve(io.cwd, given);
  const system: BoardSystem = {
    platform: process.platform,
    home: io.env['HOME'] ?? homedir(),
    environment: io.env,
  };
  const [first, ...others] = await findVibeKanbanDatabases(system);
  if (first === undefined) {
    throw new OrchestratorError(
      'bad-input',
      `There is no database of Vibe Kanban in ${dataFolders(system).join(' or ')}.`,
      { remedy: 'Give its path: orchestrator import-vibe-kanban path/to/db.sqlite' },
    );
  }
  if (others.length > 0)
    output.note(`Reading ${first}. There is also ${others.join(', ')}; give its path to read that.`);
  return first;
}

/** Null: there is no repository. A linked worktree of this repository is this repository. */
async function isOf({ worktrees }: Place, path: string): Promise<boolean | null> {
  const here = await worktrees.repository();
  const there = await locateRepository(path).catch(() => null);
  return there === null ? null : there.commonGitDir === here.commonGitDir;
}

function tellProject(output: Output, { project, isTaken, reason }: ProjectChoice): void {
  output.object({
    type: 'project',
    project_id: project.id,
    name: project.name,
    repositories: project.repositoryPaths,
    tasks: project.taskCount,
    taken: isTaken,
    reason,
  });
  if (!isTaken)
    output.text(`Left out: ${plain(project.name)}, ${project.taskCount} tasks. ${plain(reason ?? '', 500)}`);
}

function nothingHere(
  choices: readonly ProjectChoice[],
  source: string,
  { repository }: Place,
): OrchestratorError {
  const list = choices.map(
    ({ project, reason }) =>
      `  ${plain(project.name)} (${project.taskCount} tasks): ${plain(reason ?? '', 500)}`,
  );
  return new OrchestratorError(
    'bad-input',
    plainBlock([`No project in ${source} belongs to ${repository.path}.`, ...list].join('\n')),
    { remedy: 'Run the import in the repository of a project, or name one with --project.' },
  );
}

async function tellAll(
  outcomes: AsyncIterable<BoardOutcome>,
  {
    output,
    io,
    dryRun,
    source,
  }: {
    readonly output: Output;
    readonly io: HostIo;
    readonly dryRun: boolean;
    readonly source: string;
  },
): Promise<ExitCode> {
  const counts = { imported: 0, known: 0, skipped: 0 };
  const byStatus: Record<string, number> = {};
  for await (const outcome of outcomes) {
    counts[outcome.type] += 1;
    output.object(wireOutcome(outcome));
    if (outcome.type === 'skipped' && counts.skipped <= toldOneByOne)
      output.text(`Skipped: ${plain(outcome.title ?? outcome.id ?? 'a row')}: ${plain(outcome.reason)}.`);
    if (outcome.type === 'imported') byStatus[outcome.task.status] = (byStatus[outcome.task.status] ?? 0) + 1;
    if (outcome.type === 'imported' && outcome.task.notes.length > 0 && !output.json)
      output.text(`Note on ${plain(outcome.task.title, 60)}: ${outcome.task.notes.join(' ')}`);
    if (io.interrupted.aborted) break;
  }
  output.object({ type: 'import', database: source, ...counts, by_status: byStatus, dry_run: dryRun });
  const kinds = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`);
  output.text(
    `${dryRun ? 'Would import' : 'Imported'} ${counts.imported} tasks${kinds.length === 0 ? '' : ` (${kinds.join(', ')})`}; ${counts.known} were here already, ${counts.skipped} cannot be taken.`,
  );
  if (!dryRun && counts.imported > 0)
    output.text(
      'None starts by itself: `orchestrator start <task>` queues one, `retry` one that was begun there.',
    );
  if (!io.interrupted.aborted) return exitCodes.asAsked;
  output.note('Interrupted. What was imported stays; the same command takes the rest.');
  return exitCodes.interrupted;
}

function wireOutcome(outcome: BoardOutcome): object {
  if (outcome.type === 'skipped')
    return { type: 'skipped', task_id: outcome.id, title: outcome.title, reason: outcome.reason };
  const { id, title, status, notes } = outcome.task;
  return { type: outcome.type, task_id: id, title, status, notes };
}
