import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { RunPaths } from '../../../src/engine/effects/runPaths.ts';
import { parseBoardHostMessage } from '../../../src/engine/protocol/board.ts';
import { stageIdOf } from '../../../src/engine/server/shapes.ts';
import { emptyBoard, receiveBoard, type BoardState } from '../../../webview-ui/src/board/boardState.ts';
import { CuttingProxy } from '../../support/cuttingProxy.ts';
import { auditTypes, FollowedStream } from '../../support/followedStream.ts';
import { ReturningSocket } from '../../support/returningSocket.ts';
import { ServedApi } from '../../support/servedApi.ts';

/** How often each kind of stream is cut. */
const cuts = 1_000;

const limits = { retryMs: 1, readsPerMinute: 1_000_000 };

/** A way to the server on which each connection breaks after so many bytes, at most, until it was done a thousand times. */
async function cutting(api: ServedApi, longest: number): Promise<CuttingProxy> {
  const proxy = await CuttingProxy.open(api.port, () =>
    proxy.cuts < cuts ? Math.floor(Math.random() * longest) : null,
  );
  return proxy;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const idsOf = (events: readonly { readonly id: string }[]): readonly number[] =>
  events.map(({ id }) => Number(id));

describe('cut at random bytes a thousand times', { timeout: 240_000 }, () => {
  test('the audit trail of all tasks and of one: the joined streams are the trail', async () => {
    const api = await ServedApi.open({ limits });
    const [one, two] = [await api.create('One'), await api.create('Two')];
    const proxy = await cutting(api, 1_500);
    const base = `http://127.0.0.1:${proxy.port}/api/events/orchestrator`;
    const all = new FollowedStream(`${base}?last_event_id=0`, auditTypes);
    const single = new FollowedStream(`${base}/${one}?last_event_id=0`, auditTypes);
    for (let priority = 1; proxy.cuts < cuts; priority += 1) {
      await api.prioritize(priority % 3 === 0 ? two : one, priority);
      await turn();
    }
    await api.prioritize(one, -1);
    const rows = await api.audit();
    const ofOne = (await api.audit(one)).map(({ seq }) => seq);
    const events = await all.until((heard) => Number(heard.at(-1)?.id) === rows.at(-1)?.seq);
    await single.until((heard) => Number(heard.at(-1)?.id) === ofOne.at(-1));
    expect(idsOf(events)).toEqual(rows.map(({ seq }) => seq));
    expect(idsOf(single.events)).toEqual(ofOne);
    expect(
      events.map(({ type, data }) => (type === 'task-event' ? (data as { type: string }).type : 'stage')),
    ).toEqual(rows.map(({ type }) => (/^(task\.(created|queued)|run\.)/.test(type) ? 'stage' : type)));
    expect(all.opened + single.opened).toBeGreaterThan(cuts / 2);
  });

  test('an agent’s output, while it is written: the joined stream is the file', async () => {
    const api = await ServedApi.open({ limits });
    const id = await api.create('One');
    const runId = await api.ready(id);
    const folder = new RunPaths(api.directory).ofRun(runId);
    await mkdir(folder, { recursive: true });
    const written: string[] = [];
    let bytes = 0;
    const write = async (text: string): Promise<void> => {
      written.push(text);
      bytes += Buffer.byteLength(text);
      await appendFile(join(folder, 'stdout.jsonl'), text);
    };
    await write('{"type":"system"}\n');
    const proxy = await cutting(api, 100_000);
    const stream = new FollowedStream(
      `http://127.0.0.1:${proxy.port}/api/orchestrator/stage/${stageIdOf(runId)}/output`,
      ['output', 'end'],
    );
    while (proxy.cuts < cuts) {
      await write(
        Array.from({ length: 100 }, (_, index) => `{"text":"${'ä🕰\\n'.repeat((index * 7) % 90)}"}\n`).join(
          '',
        ),
      );
      // Never so far behind that only long pieces are left, each of which may be cut again.
      await stream.until((events) => proxy.cuts >= cuts || bytes - Number(events.at(-1)?.id ?? 0) < 200_000);
    }
    await write('{"type":"result"}\n');
    await api.succeed(id);
    const events = await stream.until((heard) => heard.at(-1)?.type === 'end');
    stream.source.close();
    const joined = events.map(({ data }) => (data as { text?: string }).text ?? '').join('');
    // Of megabytes, a comparison that fails must not be printed.
    expect(joined === written.join('')).toBe(true);
    expect(stream.opened).toBeGreaterThan(cuts / 2);
  });

  test('the board, ours and Vibe Kanban’s: each page shows what one that was never cut shows', async () => {
    const api = await ServedApi.open({ limits });
    const [one, two] = [await api.create('One'), await api.create('Two')];
    const proxies = [await cutting(api, 2_500), await cutting(api, 2_000)] as const;
    const [ours, theirs] = proxies;
    const { data: projects } = (await api.json('/api/projects')) as { data: { id: string }[] };
    const ticket = async (): Promise<string> => `ticket=${await api.ticket()}`;
    const board = new FollowedBoard(async () => `ws://127.0.0.1:${ours.port}/api/board/ws?${await ticket()}`);
    const list = new FollowedList(
      async () =>
        `ws://127.0.0.1:${theirs.port}/api/tasks/stream/ws?project_id=${projects[0]?.id}&${await ticket()}`,
    );
    for (let priority = 1; proxies.some((proxy) => proxy.cuts < cuts); priority += 1) {
      // A commit holds this thread up, and with it everyone who comes back.
      if (priority % 5 === 0) await api.prioritize(priority % 2 === 0 ? one : two, priority);
      await turn();
    }
    const last = await api.create('After the last cut');
    await api.prioritize(one, -1);
    const whole = new FollowedBoard(async () => `ws://127.0.0.1:${api.port}/api/board/ws?${await ticket()}`);
    await vi.waitFor(() => expect(whole.state.cards.get(last)?.title).toBe('After the last cut'), 10_000);
    await vi.waitFor(() => expect(board.state.cards).toEqual(whole.state.cards), 10_000);
    expect(board.state.columns).toEqual(whole.state.columns);
    const { data: tasks } = (await api.json(`/api/tasks?project_id=${projects[0]?.id}`)) as {
      data: { id: string }[];
    };
    expect(tasks).toHaveLength(3);
    await vi.waitFor(() => expect(list.tasks).toEqual(new Map(tasks.map((task) => [task.id, task]))), 10_000);
    for (const { opened } of [board.socket, list.socket]) expect(opened).toBeGreaterThan(cuts / 2);
  });
});

/** What the page of the board knows, without the page. */
class FollowedBoard {
  state: BoardState = emptyBoard;
  readonly socket: ReturningSocket;

  constructor(address: () => Promise<string>) {
    this.socket = new ReturningSocket(address, {
      onOpen: (socket) => socket.send(JSON.stringify({ type: 'ready', look: { find: '', limits: {} } })),
      onMessage: (data) => {
        const message = parseBoardHostMessage(data);
        if (message?.type === 'beat') return;
        if (message?.type !== 'snapshot' && message?.type !== 'delta')
          throw new Error('no message of a board');
        const { state, isGap } = receiveBoard(this.state, message);
        if (isGap) throw new Error('a delta was missed');
        this.state = state;
      },
    });
  }
}

type ListPatch = readonly { readonly op: string; readonly path: string; readonly value: unknown }[];

/** The list of tasks as a page of Vibe Kanban's keeps it: the whole first, then the changes. */
class FollowedList {
  tasks = new Map<string, unknown>();
  readonly socket: ReturningSocket;

  constructor(address: () => Promise<string>) {
    this.socket = new ReturningSocket(address, {
      onOpen: () => undefined,
      onMessage: (data) => {
        for (const { op, path, value } of (data as { readonly JsonPatch?: ListPatch }).JsonPatch ?? []) {
          const id = path.slice('/tasks/'.length);
          if (path === '/tasks') this.tasks = new Map(Object.entries(value as object));
          else if (op === 'add' ? this.tasks.has(id) : !this.tasks.has(id)) throw new Error(`${op} of ${id}`);
          else this.tasks.set(id, value);
        }
      },
    });
  }
}
