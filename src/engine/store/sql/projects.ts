import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { TaskOrigin } from '../../domain/task.ts';
import { uuidBytes } from '../identifiers.ts';
import { parseStored } from '../parse.ts';
import type { Database } from '../sqljs/database.ts';

const rows = v.tuple([v.object({ id: v.instance(Uint8Array) })]);

/** The id of the repository's row in `projects`; makes the row when there is none. */
export function ensureProject(
  database: Database,
  project: { repositoryPath: string; name: string },
): Uint8Array {
  const select = (): unknown[] =>
    database.all('SELECT id FROM projects WHERE git_repo_path = ?', [project.repositoryPath]);
  if (select().length === 0) {
    database.transaction(() =>
      database.run('INSERT INTO projects (id, name, git_repo_path) VALUES (?, ?, ?)', [
        uuidBytes(randomUUID()),
        project.name,
        project.repositoryPath,
      ]),
    );
  }
  return parseStored(rows, select(), 'project')[0].id;
}

/**
 * The id of the board's project that an imported task belongs to; makes the row when there is none. Paths are unique in
 * `projects`: where another row has it, ours of the same repository first of all, the project's id is appended.
 */
export function importedProject(database: Database, { project }: TaskOrigin): Uint8Array {
  const id = uuidBytes(project.id);
  if (database.all('SELECT id FROM projects WHERE id = ?', [id]).length > 0) return id;
  const taken = database.all('SELECT id FROM projects WHERE git_repo_path = ?', [project.repositoryPath]);
  database.run('INSERT INTO projects (id, name, git_repo_path) VALUES (?, ?, ?)', [
    id,
    project.name,
    taken.length === 0 ? project.repositoryPath : `${project.repositoryPath}#${project.id}`,
  ]);
  return id;
}
