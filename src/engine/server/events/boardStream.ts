import type { WebSocket } from 'ws';
import type { Task } from '../../domain/task.ts';
import type { TaskFeed } from '../../inspection/taskFeed.ts';
import { boardTaskOf, listedTaskOf } from '../vibeKanban.ts';
import type { EventClient } from './eventClient.ts';
import { frameOf } from './frames.ts';
import { beatMs } from './heartbeat.ts';

/** A socket that has more unread is closed; its page connects again and gets everything anew. */
const longestQueue = 4 * 1024 * 1024;

/** Later versions of Vibe Kanban's page show nothing before it; earlier ones pass over it. */
const listIsThere = JSON.stringify({ Ready: true });

/** "Try again later": what Vibe Kanban's own page reconnects after. */
const tryAgainLater = 1013;
const goingAway = 1001;

/**
 * Changes of tasks in the two dialects of Vibe Kanban: entries for its event stream, and patches of the task list for its
 * WebSocket. Each change is made into bytes once for all clients of a dialect.
 */
export class BoardStream {
  private readonly feed: TaskFeed;
  private readonly projectId: string;
  private readonly subscription: { dispose(): void };
  private readonly clients = new Set<EventClient>();
  private readonly sockets = new Map<WebSocket, { isAlive: boolean }>();
  private readonly known: Set<string>;
  private readonly timer: NodeJS.Timeout;
  /** Number of the newest entry; the first is 1. */
  private entries = 0;

  constructor(feed: TaskFeed, projectId: string) {
    this.feed = feed;
    this.projectId = projectId;
    this.known = new Set(feed.tasks.all().map(({ id }) => id));
    this.subscription = feed.tasks.onDidChange((tasks) => this.change(tasks));
    this.timer = setInterval(() => this.beat(), beatMs);
    this.timer.unref();
  }

  followEvents(client: EventClient): void {
    this.clients.add(client);
    client.onClose(() => this.clients.delete(client));
  }

  /** The list as it is, and then its changes. Takes the socket over. */
  followTasks(socket: WebSocket): void {
    const state = { isAlive: true };
    this.sockets.set(socket, state);
    socket.on('pong', () => {
      state.isAlive = true;
    });
    // `close` follows, and a page that went away is no defect.
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    const tasks = this.feed.tasks.all().map((task) => [task.id, listedTaskOf(task, this.projectId)] as const);
    socket.send(
      JSON.stringify({ JsonPatch: [{ op: 'replace', path: '/tasks', value: Object.fromEntries(tasks) }] }),
    );
    socket.send(listIsThere);
  }

  dispose(): void {
    this.subscription.dispose();
    clearInterval(this.timer);
    for (const socket of this.sockets.keys()) socket.close(goingAway);
  }

  private change(tasks: readonly Task[]): void {
    if (tasks.length === 0) return;
    const changes = tasks.map((task) => ({ task, isNew: !this.known.has(task.id) }));
    for (const { task } of changes) this.known.add(task.id);
    if (this.clients.size > 0) {
      const frames = Buffer.from(changes.map((change) => this.entryFrame(change)).join(''));
      for (const client of this.clients) client.write(frames);
    } else this.entries += changes.length;
    if (this.sockets.size === 0) return;
    const patch = JSON.stringify({
      JsonPatch: changes.map(({ task, isNew }) => ({
        op: isNew ? 'add' : 'replace',
        path: `/tasks/${task.id}`,
        value: listedTaskOf(task, this.projectId),
      })),
    });
    for (const socket of this.sockets.keys()) {
      if (socket.readyState !== socket.OPEN) continue;
      if (socket.bufferedAmount > longestQueue) socket.close(tryAgainLater, 'It does not read.');
      else socket.send(patch);
    }
  }

  private entryFrame({ task, isNew }: { readonly task: Task; readonly isNew: boolean }): string {
    this.entries += 1;
    return frameOf('json_patch', [
      {
        op: 'add',
        path: `/entries/${this.entries}`,
        value: {
          db_op: isNew ? 'insert' : 'update',
          record: { type: 'TASK', data: boardTaskOf(task, this.projectId) },
        },
      },
    ]);
  }

  private beat(): void {
    for (const [socket, state] of this.sockets) {
      if (!state.isAlive) socket.terminate();
      else socket.ping();
      state.isAlive = false;
    }
  }
}
