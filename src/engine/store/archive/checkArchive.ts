import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { parseBundle } from '../../context/bundle.ts';
import { runIdOf, type TaskId } from '../../domain/ids.ts';
import type { Task } from '../../domain/task.ts';
import { OrchestratorError } from '../../ports/errors.ts';
import type { ArchiveLineOf } from '../../protocol/archive.ts';
import { auditHash, genesisHash } from '../auditChain.ts';
import { isEventType } from '../sql/audit.ts';
import { archiveLines, bad } from './archiveLines.ts';

/** An export that was read once from end to end and found whole; it stays open, so that it cannot be another when it is read again. */
export interface CheckedArchive {
  readonly fd: number;
  readonly taskIds: ReadonlySet<TaskId>;
  readonly repositoryPath: string;
  /** Of its newest audit row. */
  readonly head: string;
  readonly seq: number;
  readonly sha256: string;
  close(): void;
}

/** Opens and checks the file: every line, every digest, the chain, and that nothing a task refers to is missing. */
export function checkArchive(path: string): CheckedArchive {
  const fd = open(path);
  try {
    return { ...check(fd), fd, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    if (!OrchestratorError.is(error, 'bad-input')) throw error;
    throw new OrchestratorError('bad-input', `${path} cannot be imported. ${error.message}`, {
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      cause: error,
    });
  }
}

function open(path: string): number {
  let fd: number;
  try {
    // Not to hang on a pipe that someone put there.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new OrchestratorError('bad-input', `${path} cannot be read: ${words}`);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new OrchestratorError('bad-input', `${path} is not a file.`);
}

function check(fd: number): Omit<CheckedArchive, 'fd' | 'close'> {
  const chain = new Chain();
  const tasks = new Set<TaskId>();
  /** Digests, and so known to be there whole. */
  const stored = new Set<string>();
  const wanted = new Set<string>();
  const contexts = new Map<string, string>();
  let repositoryPath = '';
  const lines = archiveLines(fd);
  for (;;) {
    const { done, value: line } = lines.next();
    if (done === true) {
      chain.checkTasks(tasks);
      for (const digest of wanted) if (!stored.has(digest)) throw bad(`the context ${digest} is missing`);
      return { taskIds: tasks, repositoryPath, head: chain.head, seq: chain.seq, sha256: line };
    }
    switch (line.type) {
      case 'orchestrator-export':
        repositoryPath = line.repository.path;
        break;
      case 'audit':
        chain.append(line);
        break;
      case 'task':
        tasks.add(line.task.id);
        checkRuns(line.task);
        for (const digest of digestsOf(line.task)) wanted.add(digest);
        break;
      case 'context': {
        const key = `${line.task_id}/${line.stage}/${line.version}`;
        if ((contexts.get(key) ?? line.digest) !== line.digest)
          throw bad(`the context ${key} is there twice`);
        contexts.set(key, line.digest);
        if (!stored.has(line.digest)) checkBody(line);
        stored.add(line.digest);
        break;
      }
    }
  }
}

/** A run's id is its place in the database: it must be of this task and of no other. */
function checkRuns({ id, runs }: Task): void {
  const own = new Set(runs.map(({ stage, attempt }) => runIdOf(id, stage, attempt)));
  if (own.size !== runs.length || runs.some((run) => !own.has(run.id)))
    throw bad(`the task ${id} has a run that is not its own`);
}

function checkBody({ digest, body }: ArchiveLineOf<'context'>): void {
  if (createHash('sha256').update(body, 'utf8').digest('hex') !== digest)
    throw bad(`the context ${digest} is not what its digest says`);
  try {
    parseBundle(body);
  } catch {
    throw bad(`the context ${digest} is none that this release knows`);
  }
}

function digestsOf(task: Task): readonly string[] {
  return [
    task.requestDigest,
    ...Object.values(task.accepted),
    ...task.runs.flatMap(({ inputDigests, outputDigest }) =>
      outputDigest === null ? inputDigests : [...inputDigests, outputDigest],
    ),
  ];
}

/** The audit rows as they follow each other, from the first. */
class Chain {
  seq = 0;
  private hash = genesisHash;
  /** Tasks that the rows begin; each has to be there as a task, and the other way round. */
  private readonly begun = new Set<TaskId>();

  get head(): string {
    return Buffer.from(this.hash).toString('hex');
  }

  append(row: ArchiveLineOf<'audit'>): void {
    const { seq, at, task_id: taskId, event: type, actor, cause, data } = row;
    if (!isEventType(type))
      throw bad(`audit row ${seq} tells of "${type}", which this release does not know`);
    const hash = auditHash(this.hash, { seq, at, taskId, type, actor, cause, data: JSON.stringify(data) });
    if (seq !== this.seq + 1 || Buffer.from(hash).toString('hex') !== row.hash)
      throw bad(`audit row ${seq} does not follow from the one before it`);
    if (type === 'task.created' || type === 'task.imported') this.begun.add(taskId);
    else if (!this.begun.has(taskId)) throw bad(`audit row ${seq} is of a task that was never created`);
    this.hash = hash;
    this.seq = seq;
  }

  checkTasks(tasks: ReadonlySet<TaskId>): void {
    for (const id of this.begun) if (!tasks.has(id)) throw bad(`the task ${id} is missing`);
    for (const id of tasks) if (!this.begun.has(id)) throw bad(`the task ${id} has no history`);
  }
}
