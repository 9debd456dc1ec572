import type { TaskId } from '../../domain/ids.ts';
import type { Records } from '../../engine.ts';
import type { TaskFeed } from '../../inspection/taskFeed.ts';
import type { Notice } from '../../notice.ts';
import type { AuditRow } from '../../ports/store.ts';
import type { EventClient } from './eventClient.ts';
import { auditFrame } from './frames.ts';

/** Rows read at a time: what passes between threads or processes at once stays small. */
const pageSize = 500;

interface Follower {
  readonly client: EventClient;
  /** null = all tasks. */
  readonly taskId: TaskId | null;
  /** Every row up to this one was sent, or is not for it. */
  cursor: number;
}

type Rows = Extract<Notice, { type: 'committed' }>['rows'];

/**
 * The audit trail as event streams. A row is made into bytes once, for all who follow. Whoever comes back with the number
 * of the last row gets those after it from the records, page by page and as fast as it reads, and then the live ones.
 */
export class EventHub {
  private readonly feed: TaskFeed;
  private readonly report: (error: unknown) => void;
  private readonly subscriptions: readonly { dispose(): void }[];
  /** Followers that have everything there is. */
  private readonly live = new Set<Follower>();
  private newest = 0;
  /** The highest number that a notice told of. */
  private heard = 0;
  private catchingUp: Promise<void> | null = null;

  constructor(feed: TaskFeed, report: (error: unknown) => void) {
    this.feed = feed;
    this.report = report;
    this.subscriptions = [
      feed.onNotice((notice) => {
        if (notice.type === 'committed') this.hear(notice.rows);
      }),
      // What was followed before may be another process now: nobody told us of what it did meanwhile.
      feed.onDidChangeState(() => void this.catchUp().catch(report)),
    ];
  }

  /** Finds where the trail stands. Call once, before anyone follows. */
  async start(): Promise<void> {
    const { records } = await this.feed.engine();
    this.newest = Math.max(await newestSeq(records), this.heard);
  }

  /** Number of the newest row. */
  get head(): number {
    return this.newest;
  }

  /** Sends the rows after `after`, and then each that comes. */
  follow(client: EventClient, taskId: TaskId | null, after: number): void {
    const follower: Follower = { client, taskId, cursor: after };
    client.onClose(() => this.live.delete(follower));
    if (after >= this.newest) this.live.add(follower);
    else
      void this.replay(follower).catch((error: unknown) => {
        this.report(error);
        client.end();
      });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.live.clear();
  }

  private async replay(follower: Follower): Promise<void> {
    const { client, taskId } = follower;
    for (let reading = this.pageAfter(follower.cursor, taskId); ;) {
      const [{ rows, known }] = await Promise.all([reading, client.drained()]);
      if (client.isOver) return;
      const last = rows.at(-1)?.seq ?? follower.cursor;
      const isFull = rows.length === pageSize;
      // A page that is not full holds all there was: other tasks' rows up to there are not for this one.
      follower.cursor = isFull ? last : Math.max(last, known);
      // The next page is read while this one is made into frames and taken.
      if (isFull) reading = this.pageAfter(follower.cursor, taskId);
      if (rows.length > 0) client.write(rows.map(auditFrame).join(''));
      if (isFull) continue;
      await client.drained();
      if (client.isOver) return;
      if (follower.cursor >= this.newest) {
        this.live.add(follower);
        return;
      }
      reading = this.pageAfter(follower.cursor, taskId);
    }
  }

  /** `known`: up to here every row was there when it was read. */
  private async pageAfter(
    after: number,
    taskId: TaskId | null,
  ): Promise<{ readonly rows: readonly AuditRow[]; readonly known: number }> {
    const known = this.newest;
    const { records } = await this.feed.engine();
    const task = taskId === null ? {} : { taskId };
    return { rows: await records.audit({ ...task, after, limit: pageSize }), known };
  }

  private hear(rows: Rows): void {
    const [first] = rows;
    const last = rows.at(-1);
    if (first === undefined || last === undefined) return;
    this.heard = Math.max(this.heard, last.seq);
    if (this.catchingUp === null && first.seq === this.newest + 1) this.send(rows);
    else if (this.heard > this.newest) void this.catchUp().catch(this.report);
  }

  /** Reads what no notice told of, or told of out of order. */
  private catchUp(): Promise<void> {
    this.catchingUp ??= this.readOn().finally(() => {
      this.catchingUp = null;
    });
    return this.catchingUp;
  }

  private async readOn(): Promise<void> {
    for (;;) {
      const { rows } = await this.pageAfter(this.newest, null);
      this.send(rows);
      if (rows.length < pageSize && this.newest >= this.heard) return;
    }
  }

  private send(rows: readonly AuditRow[]): void {
    const last = rows.at(-1);
    if (last === undefined) return;
    this.newest = last.seq;
    if (this.live.size === 0) return;
    const frames = rows.map((row) => ({ row, text: auditFrame(row) }));
    const bytesOf = (wanted: typeof frames): Buffer => Buffer.from(wanted.map(({ text }) => text).join(''));
    const forAll = bytesOf(frames);
    const forTask = new Map<TaskId, Buffer>();
    for (const { row } of frames)
      if (!forTask.has(row.taskId))
        forTask.set(row.taskId, bytesOf(frames.filter(({ row: { taskId } }) => taskId === row.taskId)));
    const before = (rows[0]?.seq ?? last.seq) - 1;
    for (const follower of this.live) {
      const { client, taskId, cursor } = follower;
      if (cursor >= last.seq) continue;
      follower.cursor = last.seq;
      if (cursor > before) {
        const rest = frames.filter(
          ({ row }) => row.seq > cursor && (taskId === null || row.taskId === taskId),
        );
        if (rest.length > 0) client.write(bytesOf(rest));
      } else {
        const bytes = taskId === null ? forAll : forTask.get(taskId);
        if (bytes !== undefined) client.write(bytes);
      }
    }
  }
}

/** Numbers have no gaps, so the newest is found by looking whether there is one after a number. */
async function newestSeq(records: Pick<Records, 'audit'>): Promise<number> {
  const isAfter = async (seq: number): Promise<boolean> =>
    (await records.audit({ after: seq, limit: 1 })).length > 0;
  let below = -1;
  let above = 0;
  while (await isAfter(above)) {
    below = above;
    above = above === 0 ? 1_024 : above * 2;
  }
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (await isAfter(middle)) below = middle;
    else above = middle;
  }
  return above;
}
