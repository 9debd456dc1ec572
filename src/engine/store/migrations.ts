import * as v from 'valibot';
import { OrchestratorError } from '../ports/errors.ts';
import { version1 } from './schema/version1.ts';
import { version2 } from './schema/version2.ts';
import type { Database } from './sqljs/database.ts';

/** Step n (from 1) takes a file from version n - 1 to n. Forward only; a released step is never edited. */
export const migrations: readonly string[] = [version1, version2];

// 'ORCH': tells our file from any other SQLite database someone puts in its place.
const applicationId = 0x4f524348;

const header = v.tuple([v.object({ version: v.number(), application: v.number(), tables: v.number() })]);

/**
 * Brings the file to the newest version, one transaction a step; an older file is first copied to
 * `{name}.v{version}.backup`. Throws `environment` for a file of a newer release or of another program.
 */
export function migrate(database: Database, name: string, steps: readonly string[] = migrations): void {
  const [{ version, application, tables }] = v.parse(
    header,
    database.all(
      `SELECT (SELECT user_version FROM pragma_user_version) AS version,
        (SELECT application_id FROM pragma_application_id) AS application,
        (SELECT count(*) FROM sqlite_master) AS tables`,
    ),
  );
  if (tables > 0 && application !== applicationId) {
    throw new OrchestratorError('environment', `${name} is a database of another program.`, {
      remedy: `Move ${name} out of the storage folder; a new one is made at the next start.`,
    });
  }
  if (version > steps.length) {
    throw new OrchestratorError(
      'environment',
      `${name} was written by a newer Orchestrator Manager (its version is ${version}, this one knows ${steps.length}).`,
      { remedy: 'Update Orchestrator Manager, or choose another storage folder.' },
    );
  }
  if (version > 0 && version < steps.length) database.backUp(`${name}.v${version}.backup`);
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    database.transaction(() => {
      database.script(step);
      database.script(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}`);
    });
  }
}
