import * as v from 'valibot';
import { OrchestratorError } from '../ports/errors.ts';

/** A stored value, or `environment` naming what does not fit: the row was not written by this program. */
export function parseStored<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw damaged(what, `${v.getDotPath(issue) ?? 'value'}: ${issue.message}`);
}

/** As `parseStored`, from JSON text. */
export function parseStoredJson<Schema extends v.GenericSchema>(
  schema: Schema,
  json: string,
  what: string,
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw damaged(what, error instanceof Error ? error.message : String(error));
  }
  return parseStored(schema, value, what);
}

/** The error for a row that is not as it was written. */
export function damaged(what: string, detail: string): OrchestratorError {
  return new OrchestratorError('environment', `The database holds a damaged ${what}: ${detail}`, {
    remedy: 'Restore the database from a backup, or move it aside to begin anew.',
  });
}
