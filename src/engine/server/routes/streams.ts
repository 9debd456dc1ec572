import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { taskIdOf, type RunId, type TaskId } from '../../domain/ids.ts';
import { isFinal, type Task } from '../../domain/task.ts';
import type { TaskFeed } from '../../inspection/taskFeed.ts';
import { described, resumeHeader, resumeQuery, ticketQuery, valid } from '../describe.ts';
import type { EventClient } from '../events/eventClient.ts';
import { frameOf } from '../events/frames.ts';
import { lastEventId, openStream } from '../events/openStream.ts';
import { streamOutput } from '../events/outputStream.ts';
import { Mask } from '../mask.ts';
import { stageParam, taskParam } from '../requests.ts';
import { taskOf, type ServerContext, type ServerEnv } from '../serverContext.ts';
import { runOfStageId, stageAnswersOf, taskAnswerOf } from '../shapes.ts';
import { noSuchStage, outputPath } from './reads.ts';

/** Tasks in the snapshot of all: those that are not final first. The rest is at /api/orchestrator/tasks. */
const mostInSnapshot = 500;

const stream = { media: 'text/event-stream' };

/** What happens, as it happens, in this project's own dialect. */
export function eventRoutes(context: ServerContext): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  const { hub } = context;
  const parameters = [resumeHeader, resumeQuery, ticketQuery];
  /** Where the client's stream goes on; null = it needs a snapshot first. A number from another storage is none. */
  const resumeAt = (seen: number | null): number | null => (seen === null || seen > hub.head ? null : seen);
  const follow = (
    client: EventClient,
    taskId: TaskId | null,
    seen: number | null,
    snapshot: () => string,
  ): void => {
    const from = resumeAt(seen);
    if (from === null) client.write(snapshot());
    hub.follow(client, taskId, from ?? hub.head);
  };
  const snapshotOfAll = keptFor(
    () => hub.head,
    () => frameOf('snapshot', allTasks(context.feed), hub.head),
  );

  app.get(
    '/orchestrator',
    described({
      summary:
        'All tasks: a snapshot, then stage-update and task-event, each under its number in the audit trail',
      tag: 'events',
      answer: stream,
      problems: [400],
      parameters,
    }),
    (c) => {
      const seen = lastEventId(c);
      follow(openStream(c, context), null, seen, snapshotOfAll);
      return RESPONSE_ALREADY_SENT;
    },
  );

  app.get(
    '/orchestrator/:task_id',
    described({
      summary: 'The same for one task',
      tag: 'events',
      answer: stream,
      problems: [400, 404],
      parameters,
    }),
    valid('param', taskParam),
    async (c) => {
      const seen = lastEventId(c);
      const { task } = await taskOf(context, taskIdOf(c.req.valid('param').task_id));
      follow(openStream(c, context), task.id, seen, () => {
        const now = context.feed.tasks.get(task.id) ?? task;
        const data = {
          task: taskAnswerOf(now, context.feed.tasks.slots()),
          stages: stageAnswersOf(now, new Map()),
        };
        return frameOf('snapshot', data, hub.head);
      });
      return RESPONSE_ALREADY_SENT;
    },
  );
  return app;
}

/** The output of a stage, live. */
export function outputRoutes(context: ServerContext): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  app.get(
    '/stage/:id/output',
    described({
      summary: "An agent's output as it is written; the id is the offset of the byte after it",
      tag: 'events',
      answer: stream,
      problems: [400, 404],
      parameters: [resumeHeader, resumeQuery, ticketQuery],
    }),
    valid('param', stageParam),
    async (c) => {
      const from = lastEventId(c);
      const { taskId, runId } = runOfStageId(c.req.valid('param').id);
      const { task } = await taskOf(context, taskId);
      if (!task.runs.some(({ id }) => id === runId)) throw noSuchStage();
      const path = outputPath(context, runId);
      const ended = runEnded(context.feed, taskId, runId);
      const client = openStream(c, context);
      client.onClose(() => ended.dispose());
      void streamOutput(client, {
        path,
        from: from ?? 0,
        mask: new Mask(context.secrets()),
        until: ended.promise,
      }).catch((error: unknown) => {
        context.report(error);
        client.end();
      });
      return RESPONSE_ALREADY_SENT;
    },
  );
  return app;
}

function allTasks({ tasks }: TaskFeed): object {
  const all = tasks.all();
  const open = all.filter((task) => !isFinal(task));
  const shown = open.length >= mostInSnapshot ? open : [...open, ...all.filter(isFinal)];
  return {
    tasks: shown.slice(0, mostInSnapshot).map((task) => taskAnswerOf(task, tasks.slots())),
    total: all.length,
  };
}

/** Made once for all who ask at the same state. */
function keptFor(state: () => number, make: () => string): () => string {
  let kept: { readonly state: number; readonly value: string } | null = null;
  return () => {
    const now = state();
    if (kept?.state !== now) kept = { state: now, value: make() };
    return kept.value;
  };
}

function runEnded(
  { tasks }: TaskFeed,
  taskId: TaskId,
  runId: RunId,
): { readonly promise: Promise<void>; dispose(): void } {
  const isOver = (task: Task | undefined): boolean =>
    task?.runs.find(({ id }) => id === runId)?.status !== 'running';
  if (isOver(tasks.get(taskId))) return { promise: Promise.resolve(), dispose() {} };
  let subscription: { dispose(): void } | null = null;
  const promise = new Promise<void>((resolve) => {
    subscription = tasks.onDidChange(() => {
      if (isOver(tasks.get(taskId))) resolve();
    });
  });
  return { promise, dispose: () => subscription?.dispose() };
}
