import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { TaskId } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { archiveFormat, type ArchiveLine, archiveType } from '../protocol/archive.ts';

/** Rows and tasks read at a time; one may be several MB. */
const pageSize = 50;

/** Written at a time. */
const chunkLength = 1024 * 1024;

/** A line to be written: its task is one of the domain's. */
type NewLine = Exclude<ArchiveLine, { type: 'task' }> | { readonly type: 'task'; readonly task: Task };

export interface ArchiveSummary {
  readonly tasks: number;
  readonly contexts: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface ArchiveSource {
  readonly records: Pick<Records, 'audit' | 'task' | 'tasks' | 'bundle' | 'bundles'>;
  readonly repository: { readonly path: string; readonly name: string };
  /** Epoch ms. */
  readonly now: number;
  readonly interrupted: AbortSignal;
}

/**
 * Writes everything that is recorded (audit trail, tasks, contexts; no transcripts) to the file, which appears whole or
 * not at all. The engine may go on meanwhile: what changes is written again, until the tasks are as the last row left them.
 */
export async function exportArchive(path: string, source: ArchiveSource): Promise<ArchiveSummary> {
  const partial = `${path}.${process.pid}.partial`;
  const file = await open(partial, 'wx', 0o600).catch((error: Error) => {
    throw new OrchestratorError('bad-input', `${path} cannot be written: ${error.message}`);
  });
  try {
    const summary = await write(file, source);
    await file.sync();
    await file.close();
    await rename(partial, path).catch((error: Error) => {
      throw new OrchestratorError('bad-input', `${path} cannot be written: ${error.message}`);
    });
    return summary;
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw error;
  }
}

async function write(
  file: FileHandle,
  { records, repository, now, interrupted }: ArchiveSource,
): Promise<ArchiveSummary> {
  const lines = new LineFile(file);
  const written = { tasks: new Set<TaskId>(), contexts: 0, rows: 0 };
  const writeTask = async (task: Task): Promise<void> => {
    interrupted.throwIfAborted();
    for (const { digest, ...context } of await records.bundles(task.id)) {
      const stored = await records.bundle(digest);
      if (stored === null) throw new Error(`the context ${digest} is missing from the database`);
      await lines.add({
        type: 'context',
        task_id: task.id,
        run_id: context.runId,
        stage: context.stage,
        version: context.version,
        digest,
        created_at: context.createdAt,
        body: stored.body,
      });
      written.contexts += 1;
    }
    await lines.add({ type: 'task', task });
    written.tasks.add(task.id);
  };

  const exported_at = new Date(now).toISOString();
  await lines.add({ type: archiveType, format: archiveFormat, exported_at, repository });
  for (let isFirst = true; ; isFirst = false) {
    const changed = new Set<TaskId>();
    for await (const row of rowsAfter(records, written.rows)) {
      interrupted.throwIfAborted();
      const { seq, at, taskId, type, actor, cause, data, hash } = row;
      await lines.add({ type: 'audit', seq, at, task_id: taskId, event: type, actor, cause, data, hash });
      written.rows = seq;
      changed.add(taskId);
    }
    // Read after the rows, a task may be ahead of them: then there are more rows, and it is written once more.
    if (isFirst) for await (const task of allTasks(records)) await writeTask(task);
    else if (changed.size === 0) break;
    else for (const id of changed) await writeTask(await present(records, id));
  }
  const bytes = await lines.end();
  return { tasks: written.tasks.size, contexts: written.contexts, rows: written.rows, bytes };
}

async function present(records: ArchiveSource['records'], id: TaskId): Promise<Task> {
  const task = await records.task(id);
  if (task === null) throw new Error(`the task ${id} is missing from the database`);
  return task;
}

async function* rowsAfter(records: ArchiveSource['records'], seq: number) {
  for (let after = seq; ;) {
    const page = await records.audit({ after, limit: pageSize });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.seq;
  }
}

/** A task that comes meanwhile moves the others back: some are met twice, none is missed but those that are new. */
async function* allTasks(records: ArchiveSource['records']): AsyncGenerator<Task, void> {
  for (let offset = 0; ; offset += pageSize) {
    const page = await records.tasks({ limit: pageSize, offset });
    yield* page;
    if (page.length < pageSize) return;
  }
}

/** JSON lines with their digest, written in chunks. */
class LineFile {
  private readonly file: FileHandle;
  private readonly digest = createHash('sha256');
  private pending: string[] = [];
  private length = 0;
  private lines = 0;
  private bytes = 0;

  constructor(file: FileHandle) {
    this.file = file;
  }

  async add(line: NewLine): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.pending.push(text);
    this.length += text.length;
    this.lines += 1;
    if (this.length >= chunkLength) await this.flush();
  }

  /** Writes the last line; returns how long the file is. */
  async end(): Promise<number> {
    await this.flush();
    const { lines } = this;
    await this.add({ type: 'end', lines, sha256: this.digest.copy().digest('hex') });
    await this.flush();
    return this.bytes;
  }

  private async flush(): Promise<void> {
    const chunk = Buffer.from(this.pending.join(''), 'utf8');
    this.pending = [];
    this.length = 0;
    this.digest.update(chunk);
    this.bytes += chunk.length;
    await this.file.writeFile(chunk).catch((error: Error) => {
      throw new OrchestratorError('environment', `The export cannot be written: ${error.message}`, {
        remedy: 'Make space on the disk, or choose another folder.',
      });
    });
  }
}
