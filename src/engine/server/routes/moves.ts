import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { createTask } from '../../createTask.ts';
import type { PersonCommand } from '../../domain/commands.ts';
import { taskIdOf, type TaskId } from '../../domain/ids.ts';
import { isExecuting, isFinal, type Task } from '../../domain/task.ts';
import type { Engine } from '../../engine.ts';
import { mergeFailure } from '../../mergeFailure.ts';
import { startAnswer, stageAnswer, taskAnswer } from '../../protocol/serverApi.ts';
import type { SettingsInput } from '../../settings.ts';
import { described, idempotencyHeader, valid } from '../describe.ts';
import { Problem, problemOfRejection } from '../problem.ts';
import { requestedSettings } from '../requestedSettings.ts';
import {
  acceptBody,
  changeBody,
  newTaskBody,
  noteBody,
  stageParam,
  startBody,
  taskParam,
} from '../requests.ts';
import { taskOf, type ServerContext, type ServerEnv } from '../serverContext.ts';
import { runOfStageId, stageAnswersOf, taskAnswerOf } from '../shapes.ts';
import { noSuchStage } from './reads.ts';

/** What a title is made of when only a prompt is given. */
const longestTitle = 120;

const parameters = [idempotencyHeader];
const problems = [404, 409, 413, 422];

/** Everything a person can do. Each goes through the engine's one admission, as every command does. */
export function moveRoutes(context: ServerContext): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  const answerWithTask = async (
    c: Context<ServerEnv>,
    id: TaskId,
    status: 200 | 201 = 200,
  ): Promise<Response> => {
    const { task } = await taskOf(context, id);
    return c.json(taskAnswerOf(task, context.feed.tasks.slots()), status);
  };
  const move = async (c: Context<ServerEnv>, command: PersonCommand): Promise<Response> => {
    const { engine } = await taskOf(context, command.taskId);
    await dispatch(engine, command);
    return answerWithTask(c, command.taskId);
  };

  app.post(
    '/tasks',
    described({
      summary: 'Create a task',
      tag: 'orchestrator',
      answer: taskAnswer,
      status: 201,
      problems: [413, 422],
      parameters,
    }),
    valid('json', newTaskBody),
    async (c) => {
      const { settings, ...request } = c.req.valid('json');
      const id = taskIdOf(randomUUID());
      await create(context, { id, ...request }, settings);
      return answerWithTask(c, id, 201);
    },
  );

  app.post(
    '/start',
    described({
      summary: 'Start a task, or make one of a prompt and start it',
      tag: 'orchestrator',
      answer: startAnswer,
      problems: [409, 413, 422],
      parameters,
    }),
    valid('json', startBody),
    async (c) => {
      const { task_id: given, initial_prompt: prompt } = c.req.valid('json');
      const id = taskIdOf(given ?? randomUUID());
      const engine = await context.feed.engine();
      const known = context.feed.tasks.get(id) ?? (await engine.records.task(id));
      if (known === null) await create(context, { id, ...requestOf(prompt), priority: 0 }, {});
      else await begin(engine, known);
      const { task } = await taskOf(context, id);
      return c.json({
        orchestration_id: id,
        current_stage: task.stage,
        status: isExecuting(task) ? 'running' : 'queued',
      });
    },
  );

  const simple: readonly (readonly [
    'approve' | 'advance' | 'retry' | 'pause' | 'resume' | 'cancel' | 'release-container',
    string,
  ])[] = [
    ['approve', 'Accept the specification that waits for it'],
    ['advance', 'Go past the gate, wait or failure that holds the task'],
    ['retry', 'Try the failed stage again'],
    ['pause', 'Stop for now'],
    ['resume', 'Go on after a pause'],
    ['cancel', 'End the task; its branch is kept'],
    ['release-container', 'Give up the container of a task that does not execute'],
  ];
  for (const [type, summary] of simple)
    app.post(
      `/tasks/:task_id/${type}`,
      described({ summary, tag: 'orchestrator', answer: taskAnswer, problems, parameters }),
      valid('param', taskParam),
      (c) => move(c, { type, taskId: taskIdOf(c.req.valid('param').task_id) }),
    );

  app.post(
    '/tasks/:task_id/send-back',
    described({
      summary: 'Have the stage done again, with a note',
      tag: 'orchestrator',
      answer: taskAnswer,
      problems,
      parameters,
    }),
    valid('param', taskParam),
    valid('json', noteBody),
    (c) =>
      move(c, {
        type: 'send-back',
        taskId: taskIdOf(c.req.valid('param').task_id),
        note: c.req.valid('json').note,
      }),
  );

  app.post(
    '/tasks/:task_id/accept',
    described({
      summary: 'Merge a completed task',
      tag: 'orchestrator',
      answer: taskAnswer,
      problems,
      parameters,
    }),
    valid('param', taskParam),
    valid('json', acceptBody),
    async (c) => {
      const taskId = taskIdOf(c.req.valid('param').task_id);
      const { engine } = await taskOf(context, taskId);
      await dispatch(engine, { type: 'accept', taskId, strategy: c.req.valid('json').strategy });
      const failure = await mergeFailure(engine, taskId);
      if (failure !== null) throw failure;
      return answerWithTask(c, taskId);
    },
  );

  app.patch(
    '/tasks/:task_id',
    described({
      summary: 'Change the priority (higher goes first), or settings (for the stages that have not begun)',
      tag: 'orchestrator',
      answer: taskAnswer,
      problems,
      parameters,
    }),
    valid('param', taskParam),
    valid('json', changeBody),
    async (c) => {
      const taskId = taskIdOf(c.req.valid('param').task_id);
      const { engine, task } = await taskOf(context, taskId);
      const { settings: input, priority } = c.req.valid('json');
      // First, since they may be refused: then nothing is changed.
      if (input !== undefined) {
        const settings = requestedSettings(task.settings, input);
        await dispatch(engine, { type: 'change-settings', taskId, settings });
      }
      if (priority !== undefined) await dispatch(engine, { type: 'set-priority', taskId, priority });
      return answerWithTask(c, taskId);
    },
  );

  app.delete(
    '/task/:task_id',
    described({
      summary: 'End a task; its branch is kept',
      tag: 'orchestrator',
      answer: taskAnswer,
      problems,
      parameters,
    }),
    valid('param', taskParam),
    (c) => move(c, { type: 'cancel', taskId: taskIdOf(c.req.valid('param').task_id) }),
  );

  app.post(
    '/retry/:task_id',
    described({
      summary: 'Try the failed stage of a task again',
      tag: 'orchestrator',
      answer: taskAnswer,
      problems,
      parameters,
    }),
    valid('param', taskParam),
    (c) => move(c, { type: 'retry', taskId: taskIdOf(c.req.valid('param').task_id) }),
  );

  app.post(
    '/stage/:id/retry',
    described({
      summary: 'Try a failed stage again',
      tag: 'orchestrator',
      answer: stageAnswer,
      problems,
      parameters,
    }),
    valid('param', stageParam),
    async (c) => {
      const { taskId, runId } = runOfStageId(c.req.valid('param').id);
      const { engine, task } = await taskOf(context, taskId);
      const run = task.runs.find(({ id }) => id === runId);
      if (run === undefined) throw noSuchStage();
      if (run !== task.runs.at(-1) || run.status !== 'failed' || run.stage !== task.stage)
        throw new Problem(
          409,
          'not-now',
          'Only the newest stage of a task can be tried again, when it failed.',
          'POST /api/orchestrator/tasks/{task_id}/send-back has an earlier result done again, with a note.',
        );
      await dispatch(engine, { type: 'retry', taskId });
      const after = (await taskOf(context, taskId)).task;
      const next = stageAnswersOf(after, new Map()).findLast(
        ({ stage_type: stage, retry_count: count }) => stage === run.stage && count === run.attempt,
      );
      if (next === undefined) throw noSuchStage();
      return c.json(next);
    },
  );
  return app;
}

async function dispatch(engine: Engine, command: PersonCommand): Promise<void> {
  const rejection = await engine.dispatch(command, []);
  if (rejection !== null) throw problemOfRejection(rejection);
}

async function create(
  { feed, newTask }: ServerContext,
  request: {
    readonly id: TaskId;
    readonly title: string;
    readonly description: string;
    readonly priority: number;
  },
  input: SettingsInput,
): Promise<void> {
  const settings = requestedSettings(newTask.defaults(), input);
  // Said first, and cheap to see: the checks below run git and ask Docker.
  if (request.title.trim() === '')
    throw new Problem(422, 'bad-input', 'A task needs a title: say in a few words what is to be done.');
  await newTask.check(settings);
  const rejection = await createTask(await feed.engine(), { ...request, settings });
  if (rejection !== null) throw problemOfRejection(rejection);
}

/** Starting a task that is there: whatever gets it going again. One that goes by itself is left alone. */
async function begin(engine: Engine, { id, title, phase, ...task }: Task): Promise<void> {
  switch (phase.type) {
    case 'paused':
      return dispatch(engine, { type: 'resume', taskId: id });
    case 'attention':
      return dispatch(engine, { type: 'retry', taskId: id });
    case 'gate':
      throw new Problem(
        409,
        'not-now',
        `"${title}" waits for approval of its specification.`,
        'Approve it, or send it back.',
      );
    case 'completed':
    case 'merging':
      throw new Problem(
        409,
        'not-now',
        `"${title}" is completed.`,
        'Accept it, or send it back with a note.',
      );
    default:
      if (isFinal({ id, title, phase, ...task }))
        throw new Problem(409, 'final', `"${title}" is ${phase.type}; nothing more can happen to it.`);
  }
}

/** The first line that says something is the title. */
function requestOf(prompt: string): { readonly title: string; readonly description: string } {
  const line = prompt.split('\n').find((each) => each.trim() !== '') ?? '';
  const title = line.replace(/^[#\s]+/, '').trim();
  return {
    title: title.length <= longestTitle ? title : `${title.slice(0, longestTitle - 1)}…`,
    description: prompt,
  };
}
