import { Hono } from 'hono';
import { digestOf, taskIdOf, type RunId } from '../../domain/ids.ts';
import type { Task } from '../../domain/task.ts';
import type { Engine } from '../../engine.ts';
import { parseBundle } from '../../context/bundle.ts';
import { RunPaths } from '../../effects/runPaths.ts';
import { measure } from '../../inspection/measures.ts';
import { runFiles } from '../../process/runDirectory.ts';
import { join } from 'node:path';
import {
  auditAnswer,
  contextAnswer,
  contextsAnswer,
  metricsAnswer,
  stageAnswer,
  stagesAnswer,
  statusAnswer,
  taskAnswer,
  tasksAnswer,
  type StageAnswer,
} from '../../protocol/serverApi.ts';
import { isoTime, wireEvent } from '../../protocol/wire.ts';
import { described, valid } from '../describe.ts';
import { readOutput } from '../events/outputStream.ts';
import { Mask } from '../mask.ts';
import { Problem } from '../problem.ts';
import { auditQuery, contextParam, pageQuery, stageParam, taskParam } from '../requests.ts';
import { taskOf, type ServerContext, type ServerEnv } from '../serverContext.ts';
import {
  runOfStageId,
  stageAnswerOf,
  stageAnswersOf,
  stageIdOf,
  statusAnswerOf,
  taskAnswerOf,
} from '../shapes.ts';

const rowsAtOnce = 1_000;
/** The end of an agent's output in the answer about its stage. */
const outputTailBytes = 16 * 1024;
/** The most bytes of output in one answer. */
const longestPart = 8 * 1024 * 1024;

/** Everything that can be looked at. */
export function readRoutes(context: ServerContext): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  const { feed } = context;
  const measured = lastMeasure(context);

  app.get(
    '/status',
    described({
      summary: 'What runs, what waits, and the three containers',
      tag: 'orchestrator',
      answer: statusAnswer,
    }),
    (c) => c.json(statusAnswerOf(feed.tasks.all(), feed.tasks.slots())),
  );

  app.get(
    '/tasks',
    described({ summary: 'Tasks, newest first', tag: 'orchestrator', answer: tasksAnswer, problems: [422] }),
    valid('query', pageQuery),
    (c) => {
      const { limit, offset } = c.req.valid('query');
      const all = feed.tasks.all();
      const slots = feed.tasks.slots();
      return c.json({
        tasks: all.slice(offset, offset + limit).map((task) => taskAnswerOf(task, slots)),
        total: all.length,
      });
    },
  );

  app.get(
    '/tasks/:task_id',
    described({ summary: 'One task', tag: 'orchestrator', answer: taskAnswer, problems: [404] }),
    valid('param', taskParam),
    async (c) => {
      const { task } = await taskOf(context, taskIdOf(c.req.valid('param').task_id));
      return c.json(taskAnswerOf(task, feed.tasks.slots()));
    },
  );

  app.get(
    '/stages/:task_id',
    described({
      summary: 'The stages of a task: every attempt, and what is to come',
      tag: 'orchestrator',
      answer: stagesAnswer,
      problems: [404],
    }),
    valid('param', taskParam),
    async (c) => {
      const { engine, task } = await taskOf(context, taskIdOf(c.req.valid('param').task_id));
      return c.json(stageAnswersOf(task, await failuresOf(engine, task)));
    },
  );

  app.get(
    '/stage/:id',
    described({
      summary: 'One stage, with the end of its output',
      tag: 'orchestrator',
      answer: stageAnswer,
      problems: [404],
    }),
    valid('param', stageParam),
    async (c) => c.json(await stageOf(context, c.req.valid('param').id)),
  );

  app.get(
    '/stage/:id/log',
    described({
      summary: "An agent's output, whole or by range of bytes",
      tag: 'orchestrator',
      answer: { media: 'text/plain' },
      problems: [404, 416],
      parameters: [
        {
          name: 'Range',
          in: 'header',
          description: 'One range of bytes, as in RFC 9110; at most 8 MiB at once.',
        },
      ],
    }),
    valid('param', stageParam),
    async (c) => {
      const { taskId, runId } = runOfStageId(c.req.valid('param').id);
      const { task } = await taskOf(context, taskId);
      if (!task.runs.some(({ id }) => id === runId)) throw noSuchStage();
      const range = c.req.header('range');
      const found = await readOutput(outputPath(context, runId), new Mask(context.secrets()), (total) =>
        wantedBytes(range, total),
      );
      if (found === null) throw new Problem(404, 'no-output', 'This stage left no output.');
      const { bytes, from, total } = found;
      const headers: Record<string, string> = {
        'content-type': 'text/plain; charset=utf-8',
        'accept-ranges': 'bytes',
        'cache-control': 'no-store',
      };
      const isPart = range !== undefined || bytes.length < total;
      if (isPart && total > 0) headers['content-range'] = `bytes ${from}-${from + bytes.length - 1}/${total}`;
      return c.body(new Uint8Array(bytes), isPart && total > 0 ? 206 : 200, headers);
    },
  );

  app.get(
    '/audit',
    described({
      summary: 'Everything that happened, page by page',
      tag: 'orchestrator',
      answer: auditAnswer,
      problems: [422],
    }),
    valid('query', auditQuery),
    async (c) => {
      const { task_id: taskId, after, limit } = c.req.valid('query');
      const { records } = await feed.engine();
      const rows = await records.audit({
        ...(taskId === undefined ? {} : { taskId: taskIdOf(taskId) }),
        after,
        limit,
      });
      const last = rows.at(-1);
      return c.json({
        rows: rows.map((row) => ({ ...wireEvent(row), actor: row.actor, cause: row.cause, hash: row.hash })),
        next_after: last === undefined || rows.length < limit ? null : last.seq,
      });
    },
  );

  app.get(
    '/metrics',
    described({ summary: 'The five success measures', tag: 'orchestrator', answer: metricsAnswer }),
    async (c) => c.json(await measured()),
  );

  app.get(
    '/tasks/:task_id/contexts',
    described({
      summary: 'What the stages passed on',
      tag: 'orchestrator',
      answer: contextsAnswer,
      problems: [404],
    }),
    valid('param', taskParam),
    async (c) => {
      const { engine, task } = await taskOf(context, taskIdOf(c.req.valid('param').task_id));
      const accepted = new Set<string>([task.requestDigest, ...Object.values(task.accepted)]);
      const bundles = await engine.records.bundles(task.id);
      return c.json(
        bundles.map(({ stage, version, digest, runId, createdAt }) => ({
          task_id: task.id,
          stage,
          version,
          digest,
          stage_id: runId === null ? null : stageIdOf(runId),
          accepted: accepted.has(digest),
          created_at: isoTime(createdAt),
        })),
      );
    },
  );

  app.get(
    '/tasks/:task_id/contexts/:digest',
    described({ summary: 'A context, whole', tag: 'orchestrator', answer: contextAnswer, problems: [404] }),
    valid('param', contextParam),
    async (c) => {
      const { task_id: id, digest } = c.req.valid('param');
      const { engine, task } = await taskOf(context, taskIdOf(id));
      const isOfTask = (await engine.records.bundles(task.id)).some((bundle) => bundle.digest === digest);
      const stored = isOfTask ? await engine.records.bundle(digestOf(digest)) : null;
      if (stored === null)
        throw new Problem(404, 'no-context', `This task has no context ${digest.slice(0, 12)}.`);
      return c.json({ digest, bundle: parseBundle(stored.body) });
    },
  );
  return app;
}

export function outputPath({ feed }: Pick<ServerContext, 'feed'>, runId: RunId): string {
  if (feed.storagePath === null)
    throw new Problem(503, 'no-storage', 'The storage is not open yet.', 'Try again in a moment.');
  return join(new RunPaths(feed.storagePath).ofRun(runId), runFiles.stdout);
}

export const noSuchStage = (): Problem =>
  new Problem(
    404,
    'unknown-stage',
    'There is no such stage.',
    'GET /api/orchestrator/stages/{task_id} tells the ids.',
  );

async function stageOf(context: ServerContext, id: string): Promise<StageAnswer> {
  const { taskId, runId } = runOfStageId(id);
  const { engine, task } = await taskOf(context, taskId);
  const run = task.runs.find((each) => each.id === runId);
  if (run === undefined) {
    const pending = stageAnswersOf(task, new Map()).find((each) => each.id === stageIdOf(runId));
    if (pending === undefined) throw noSuchStage();
    return pending;
  }
  const failures = await failuresOf(engine, task);
  const output = await readOutput(outputPath(context, runId), new Mask(context.secrets()), (total) => ({
    from: Math.max(0, total - outputTailBytes),
    to: total,
  }));
  return {
    ...stageAnswerOf(task, run, failures.get(runId) ?? null),
    command_output: output === null ? null : output.bytes.toString('utf8'),
  };
}

/** Why runs failed, in words: the task itself keeps only the codes. */
async function failuresOf({ records }: Engine, { id, runs }: Task): Promise<ReadonlyMap<RunId, string>> {
  const found = new Map<RunId, string>();
  if (!runs.some(({ status }) => status === 'failed')) return found;
  for (let after = 0; ;) {
    const page = await records.audit({ taskId: id, after, limit: rowsAtOnce });
    for (const row of page) if (row.type === 'run.failed') noteFailure(found, row.data);
    const last = page.at(-1);
    if (last === undefined || page.length < rowsAtOnce) return found;
    after = last.seq;
  }
}

function noteFailure(found: Map<RunId, string>, data: unknown): void {
  const { runId, failure } = data as {
    readonly runId: RunId;
    readonly failure: { readonly message: string };
  };
  found.set(runId, failure.message);
}

function wantedBytes(
  range: string | undefined,
  total: number,
): { readonly from: number; readonly to: number } {
  if (range === undefined) return { from: 0, to: Math.min(total, longestPart) };
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === ''))
    throw new Problem(416, 'bad-range', 'Ask for one range of bytes, as in "bytes=0-999".');
  const from = first === '' ? Math.max(0, total - Number(last)) : Number(first);
  const to = first === '' || last === '' ? total : Math.min(total, Number(last) + 1);
  if (from >= total || to <= from) throw new Problem(416, 'bad-range', `There are ${total} bytes.`);
  return { from, to: Math.min(to, from + longestPart) };
}

/** Measured over all records: once for each state of them, however many ask. */
function lastMeasure({ feed, hub, now }: ServerContext): () => Promise<unknown> {
  let last: { readonly head: number; readonly answer: Promise<unknown> } | null = null;
  return () => {
    if (last?.head === hub.head) return last.answer;
    const answer = measuresOf(feed.engine(), now()).catch((error: unknown) => {
      last = null;
      throw error;
    });
    last = { head: hub.head, answer };
    return answer;
  };
}

async function measuresOf(engine: Promise<Engine>, now: number): Promise<unknown> {
  const { measures, tasks, costUsd, measuredAt } = await measure((await engine).records, now);
  const valueOf = (id: (typeof measures)[number]['id']): number | null =>
    measures.find((each) => each.id === id)?.value ?? null;
  return {
    completion_rate: valueOf('completion'),
    average_stage_ms: valueOf('stage-time'),
    utilization: valueOf('utilization'),
    context_preservation: valueOf('preservation'),
    intervention_rate: valueOf('intervention'),
    tasks,
    cost_usd: costUsd,
    measured_at: isoTime(measuredAt),
  };
}
