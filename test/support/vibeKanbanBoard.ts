import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { onTestFinished } from 'vitest';
import { uuidBytes } from '../../src/engine/store/identifiers.ts';
import { Database, type SqlValue } from '../../src/engine/store/sqljs/database.ts';
import { nodeFileIo } from '../../src/engine/store/sqljs/fileIo.ts';
import { loadSqlite } from '../../src/engine/store/sqljs/sqlite.ts';
import { wasmPath } from './storeFixtures.ts';

/** The schemas that boards had, oldest first. */
export const generations = ['seed', '2025-11', '2026-01'] as const;

export type Generation = (typeof generations)[number];

export interface BoardRow {
  readonly id: string;
  readonly title: SqlValue;
  readonly description?: SqlValue;
  readonly status?: string;
  readonly createdAt?: string;
  readonly updatedAt?: string;
  readonly project?: string;
  /** The task whose attempt this one came out of. */
  readonly parent?: string;
}

export interface BoardContent {
  readonly generation?: Generation;
  readonly projects: readonly { readonly id: string; readonly name: string; readonly path: string }[];
  readonly tasks: readonly BoardRow[];
}

export const boardId = (number: number): string =>
  `0b0a2d00-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

/** The attempt that a task of the board has, when another came out of it. */
export const attemptOf = (taskId: string): string => taskId.replace('-4000-', '-4aaa-');

const parentTables: Readonly<Record<Generation, { readonly table: string; readonly column: string }>> = {
  seed: { table: 'task_attempts', column: 'parent_task_attempt' },
  '2025-11': { table: 'task_attempts', column: 'parent_task_attempt' },
  '2026-01': { table: 'workspaces', column: 'parent_workspace_id' },
};

/** Writes a board's database as that generation of Vibe Kanban had it. */
export async function makeBoard(
  path: string,
  { generation = 'seed', projects, tasks }: BoardContent,
): Promise<void> {
  const database = await openBoard(path);
  const { table, column } = parentTables[generation];
  database.transaction(() => {
    database.script(schemaOf(generation));
    if (generation === 'seed')
      database.script('CREATE TABLE task_attempts (id BLOB PRIMARY KEY, task_id BLOB NOT NULL)');
    for (const [index, project] of projects.entries()) addProject(database, generation, project, index);
    for (const { parent } of tasks)
      if (parent !== undefined)
        database.run(`INSERT OR IGNORE INTO ${table} (id, task_id) VALUES (?, ?)`, [
          uuidBytes(attemptOf(parent)),
          uuidBytes(parent),
        ]);
    for (const task of tasks) addTask(database, task, column, projects[0]?.id ?? boardId(0));
  });
  database.close();
}

/** For a test that spoils it. Closed by the caller. */
export async function openBoard(path: string): Promise<Database> {
  return new Database(await loadSqlite(wasmPath), {
    directory: dirname(path),
    name: basename(path),
    io: nodeFileIo,
  });
}

function schemaOf(generation: Generation): string {
  const name = generation === 'seed' ? 'schema.sql' : `schema-${generation}.sql`;
  return readFileSync(new URL(`../fixtures/vibe-kanban/${name}`, import.meta.url), 'utf8');
}

function addProject(
  database: Database,
  generation: Generation,
  { id, name, path }: BoardContent['projects'][number],
  index: number,
): void {
  const time = '2025-07-01 10:00:00.000';
  if (generation !== '2026-01') {
    database.run(
      'INSERT INTO projects (id, name, git_repo_path, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
      [uuidBytes(id), name, path, time, time],
    );
    return;
  }
  const repo = uuidBytes(boardId(0xabc000 + index));
  database.run('INSERT INTO projects (id, name, created_at, updated_at) VALUES (?, ?, ?, ?)', [
    uuidBytes(id),
    name,
    time,
    time,
  ]);
  database.run('INSERT INTO repos (id, path, name, display_name) VALUES (?, ?, ?, ?)', [
    repo,
    path,
    name,
    name,
  ]);
  database.run('INSERT INTO project_repos (id, project_id, repo_id) VALUES (?, ?, ?)', [
    repo,
    uuidBytes(id),
    repo,
  ]);
}

function addTask(database: Database, task: BoardRow, parentColumn: string, firstProject: string): void {
  const { createdAt = '2025-08-01 09:00:00.123' } = task;
  database.run(
    `INSERT INTO tasks (id, project_id, title, description, status, created_at, updated_at, ${parentColumn})
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      uuidBytes(task.id),
      uuidBytes(task.project ?? firstProject),
      task.title,
      task.description ?? null,
      task.status ?? 'todo',
      createdAt,
      task.updatedAt ?? createdAt,
      task.parent === undefined ? null : uuidBytes(attemptOf(task.parent)),
    ],
  );
}

/** Another process that has the database open and keeps it so until the test is over: SQLite's own shell. */
export class BoardHolder {
  private readonly child;
  private output = '';
  private wake: () => void = () => {};

  constructor(path: string) {
    this.child = spawn('sqlite3', [path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
      this.wake();
    });
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await ended;
    });
  }

  /** Resolves when the statements have been carried out. */
  async run(sql: string): Promise<void> {
    const word = `done ${Math.random()}`;
    this.child.stdin.write(`${sql};\n.print ${word}\n`);
    while (!this.output.includes(word)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** As a crash or a power cut would. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}
