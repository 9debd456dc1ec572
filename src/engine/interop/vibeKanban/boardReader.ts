import { TextDecoder } from 'node:util';
import { OrchestratorError } from '../../ports/errors.ts';
import { Database, type Row } from '../../store/sqljs/database.ts';
import { nodeFileIo } from '../../store/sqljs/fileIo.ts';
import { loadSqlite } from '../../store/sqljs/sqlite.ts';
import type { BoardPage, BoardProject, BoardSkip, BoardTask } from './board.ts';
import { longestDescription, longestTitle, taskOfRow, textOf, uuidOf } from './boardRow.ts';

/** A page of tasks ends after so many, or so many bytes. */
const rowsAtOnce = 200;
const bytesAtOnce = 1024 * 1024;

/** Rows are numbered by 64 bits: more than a number holds, so their numbers go to and from SQLite as text. */
const firstRow = -(2n ** 63n);
const lastRow = 2n ** 63n - 1n;

export interface BoardLocation {
  readonly directory: string;
  readonly name: string;
  /** sql.js's `sql-wasm.wasm`. */
  readonly wasmPath: string;
}

/** The copy of a board's database, whichever version of Vibe Kanban wrote it. For a thread that may be blocked, and ended. */
export class BoardReader {
  private readonly database: Database;
  private readonly decoder: TextDecoder;
  private readonly taskQuery: string;

  private constructor(database: Database) {
    this.database = database;
    // Nothing that the file defines is called while it is read.
    for (const pragma of ['trusted_schema = OFF', 'cell_size_check = ON', 'query_only = ON'])
      database.all(`PRAGMA ${pragma}`);
    checkTable(database, 'tasks');
    checkTable(database, 'projects');
    this.decoder = new TextDecoder(encodingOf(database), { ignoreBOM: true });
    this.taskQuery = taskQueryOf(database);
  }

  /** Opens the copy and applies its journal. Throws `bad-input` for what is no board or is damaged. */
  static async open({ wasmPath, ...location }: BoardLocation): Promise<BoardReader> {
    const sqlite = await loadSqlite(wasmPath);
    return telling(() => {
      const database = new Database(sqlite, { ...location, io: nodeFileIo });
      try {
        return new BoardReader(database);
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  projects(): readonly BoardProject[] {
    return telling(() => {
      const counts = new Map(
        this.database
          .all('SELECT project_id, count(*) AS tasks FROM tasks GROUP BY project_id')
          .map((row) => [uuidOf(row['project_id']), Number(row['tasks'])]),
      );
      return this.database
        .all('SELECT id, CAST(substr(name, 1, 200) AS BLOB) AS name FROM projects ORDER BY rowid')
        .flatMap((row) => {
          const id = uuidOf(row['id']);
          if (id === null) return [];
          const name = textOf(row['name'], this.decoder);
          return [{ id, name, repositoryPaths: this.pathsOf(row), taskCount: counts.get(id) ?? 0 }];
        });
    });
  }

  /** Every task, in the order they were made. */
  *pages(): Generator<BoardPage, void> {
    for (let from = firstRow; from <= lastRow;) {
      const start = from;
      const until = telling(() => this.endOfPage(start));
      if (until === null) return;
      yield telling(() => this.page(start, until));
      from = until + 1n;
    }
  }

  close(): void {
    this.database.close();
  }

  /** The last row of the page that begins with this one; null when nothing is left. */
  private endOfPage(from: bigint): bigint | null {
    const rows = this.database.all(
      `SELECT CAST(rowid AS TEXT) AS row, coalesce(octet_length(title), 0) AS title, coalesce(octet_length(description), 0) AS description
        FROM tasks WHERE rowid >= CAST(? AS INTEGER) ORDER BY rowid LIMIT ${rowsAtOnce}`,
      [String(from)],
    );
    let bytes = 0;
    let until: bigint | null = null;
    for (const row of rows) {
      until = BigInt(String(row['row']));
      bytes +=
        Math.min(Number(row['title']), longestTitle) +
        Math.min(Number(row['description']), longestDescription);
      if (bytes > bytesAtOnce) break;
    }
    // Else the same page would come again and again.
    if (until !== null && until < from) throw damaged('the rows of its table "tasks" are out of order');
    return until;
  }

  private page(from: bigint, until: bigint): BoardPage {
    const tasks: BoardTask[] = [];
    const skipped: BoardSkip[] = [];
    for (const row of this.database.all(this.taskQuery, [String(from), String(until)])) {
      const read = taskOfRow(row, this.decoder);
      if ('reason' in read) skipped.push(read);
      else tasks.push(read);
    }
    return { tasks, skipped };
  }

  private pathsOf({ id }: Row): readonly string[] {
    const columns = columnsOf(this.database, 'projects');
    const sources = [
      ...(columns.has('git_repo_path')
        ? ['SELECT CAST(substr(git_repo_path, 1, 4096) AS BLOB) AS path FROM projects WHERE id = ?']
        : []),
      ...(columnsOf(this.database, 'repos').has('path') &&
      columnsOf(this.database, 'project_repos').has('repo_id')
        ? [
            `SELECT CAST(substr(repos.path, 1, 4096) AS BLOB) AS path FROM project_repos
              JOIN repos ON repos.id = project_repos.repo_id WHERE project_repos.project_id = ?`,
          ]
        : []),
    ];
    return sources
      .flatMap((sql) => this.database.all(sql, [id ?? null]))
      .map((row) => textOf(row['path'], this.decoder))
      .filter((path) => path !== '');
  }
}

/** A column that this version of the board lacks reads as NULL. */
function taskQueryOf(database: Database): string {
  const columns = columnsOf(database, 'tasks');
  const missing = ['id', 'project_id', 'title', 'status'].filter((column) => !columns.has(column));
  if (missing.length > 0) throw notBoard(`its table "tasks" has no column ${missing.join(', ')}`);
  // Pages are told apart by the number that SQLite gives each row.
  if ([...columns].some((name) => name.toLowerCase() === 'rowid'))
    throw notBoard('its table "tasks" has a column "rowid"');
  const parent = ['parent_workspace_id', 'parent_task_attempt'].find((column) => columns.has(column));
  const attempts = ['workspaces', 'task_attempts'].find((table) => columnsOf(database, table).has('task_id'));
  const text = (column: string, longest: number): string =>
    columns.has(column)
      ? `typeof(${column}) AS ${column}_type, octet_length(${column}) AS ${column}_size,
        CASE WHEN octet_length(${column}) <= ${longest} THEN CAST(${column} AS BLOB) END AS ${column}`
      : `'null' AS ${column}_type, 0 AS ${column}_size, NULL AS ${column}`;
  const word = (column: string): string =>
    columns.has(column) ? `substr(CAST(${column} AS TEXT), 1, 64) AS ${column}` : `NULL AS ${column}`;
  return `SELECT id, project_id, ${text('title', longestTitle)}, ${text('description', longestDescription)},
      ${['status', 'created_at', 'updated_at'].map(word).join(', ')}, ${parent ?? 'NULL'} AS parent,
      ${parent === undefined || attempts === undefined ? 'NULL' : `(SELECT task_id FROM ${attempts} WHERE ${attempts}.id = tasks.${parent})`} AS parent_task
    FROM tasks WHERE rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER) ORDER BY rowid`;
}

/** Of what SQLite finds, what is wrong with a value only: that is told of its row, and the others are good. */
const aboutValues = /^(NULL value in|\w+ value in|CHECK constraint failed|non-unique entry)/;

function checkTable(database: Database, name: string): void {
  const [table] = database.all("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", [name]);
  if (table === undefined) throw notBoard(`it has no table "${name}"`);
  // What a virtual table does is up to its module, and its rows have no file of their own to be checked.
  if (/^\s*create\s+virtual/i.test(String(table['sql'])))
    throw notBoard(`its table "${name}" is a virtual one`);
  const complaint = database
    .all(`PRAGMA quick_check('${name}')`)
    .map((row) => String(Object.values(row)[0]))
    .find((words) => words !== 'ok' && !aboutValues.test(words));
  if (complaint !== undefined) throw damaged(complaint);
}

function columnsOf(database: Database, table: string): ReadonlySet<string> {
  return new Set(
    database.all('SELECT name FROM pragma_table_info(?)', [table]).map(({ name }) => String(name)),
  );
}

function encodingOf(database: Database): string {
  const [row] = database.all('PRAGMA encoding');
  return String(row?.['encoding'] ?? 'UTF-8').toLowerCase();
}

/** SQLite's complaints about the file are about what a person gave us. */
function telling<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (OrchestratorError.is(error, 'bad-input')) throw error;
    throw damaged(
      error instanceof Error ? error.message.replace(/^The database .* failed: /, '') : String(error),
    );
  }
}

function notBoard(why: string): OrchestratorError {
  return new OrchestratorError('bad-input', `It is no board of Vibe Kanban: ${why}.`, {
    remedy: "Give the path of Vibe Kanban's db.v2.sqlite or db.sqlite.",
  });
}

function damaged(words: string): OrchestratorError {
  return new OrchestratorError('bad-input', `It is damaged or cut off: ${words}.`, {
    remedy: 'Take a backup of it, or mend it with `sqlite3 FILE .recover`, and give that.',
  });
}
