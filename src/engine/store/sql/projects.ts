import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
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
