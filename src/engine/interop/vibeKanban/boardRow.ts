import type { TextDecoder } from 'node:util';
import type { TaskStatus } from '../../domain/task.ts';
import type { Row, SqlValue } from '../../store/sqljs/database.ts';
import type { BoardSkip, BoardTask } from './board.ts';

/** What fits into our messages and rows many times over; a description is words of a person. */
export const longestTitle = 64 * 1024;
export const longestDescription = 4 * 1024 * 1024;

const untitled = '(untitled)';
const statuses: readonly TaskStatus[] = ['todo', 'inprogress', 'inreview', 'done', 'cancelled'];

/** A row of the board's `tasks`, of which nothing is assumed, as a task or the reason why it is none. */
export function taskOfRow(row: Row, decoder: TextDecoder): BoardTask | BoardSkip {
  const id = uuidOf(row['id']);
  const shownTitle = row['title_type'] === 'text' ? textOf(row['title'], decoder).slice(0, 200) : null;
  const projectId = uuidOf(row['project_id']);
  const skip = (reason: string): BoardSkip => ({ projectId, id, title: shownTitle, reason });
  if (id === null) return skip('its id is not a UUID');
  if (projectId === null) return skip('the id of its project is not a UUID');
  if (row['title_type'] !== 'text') return skip(`its title is no text (${String(row['title_type'])})`);
  if (Number(row['title_size']) > longestTitle) return skip('its title is longer than 64 KB');
  if (row['description_type'] !== 'text' && row['description_type'] !== 'null')
    return skip(`its description is no text (${String(row['description_type'])})`);
  if (Number(row['description_size']) > longestDescription)
    return skip('its description is longer than 4 MB');
  const status = statuses.find((word) => word === row['status']);
  if (status === undefined) return skip(`its status "${String(row['status'])}" is none that boards have`);
  const title = textOf(row['title'], decoder);
  const description = row['description_type'] === 'null' ? '' : textOf(row['description'], decoder);
  const createdAt = timeOf(row['created_at']);
  const updatedAt = timeOf(row['updated_at']);
  const notes = [
    ...(title.trim() === '' ? [`It had no title and is now called ${untitled}.`] : []),
    ...(`${title}${description}`.includes('\ufffd')
      ? ['Bytes that are no text were replaced by U+FFFD.']
      : []),
    ...(createdAt === null || updatedAt === null ? ['A time of it cannot be read and was replaced.'] : []),
  ];
  return {
    id,
    projectId,
    title: title.trim() === '' ? untitled : title,
    description,
    status,
    createdAt,
    updatedAt,
    parentAttempt: uuidOf(row['parent']),
    parentTask: uuidOf(row['parent_task']),
    notes,
  };
}

/** Lower-case UUID text of 16 bytes, or of such text. */
export function uuidOf(value: SqlValue | undefined): string | null {
  if (value instanceof Uint8Array && value.length === 16) {
    const hex = Buffer.from(value).toString('hex');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
  const isText = typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
  return isText ? value.toLowerCase() : null;
}

/** Text comes as its bytes: SQLite itself would end it at a NUL and let through what is no UTF-8. */
export function textOf(value: SqlValue | undefined, decoder: TextDecoder): string {
  return value instanceof Uint8Array ? decoder.decode(value) : '';
}

/** `YYYY-MM-DD HH:MM:SS` in UTC, with or without a fraction, a `T`, or an offset. */
function timeOf(value: SqlValue | undefined): number | null {
  const match =
    typeof value === 'string'
      ? /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d{1,9})? ?(Z|UTC|[+-]\d{2}:\d{2})?$/.exec(
          value.trim(),
        )
      : null;
  if (match === null) return null;
  const [, date, time, fraction = '', zone = 'Z'] = match;
  const at = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone === 'UTC' ? 'Z' : zone}`);
  return Number.isNaN(at) || at < 0 ? null : at;
}
