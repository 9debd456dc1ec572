import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { taskIdOf } from '../../domain/ids.ts';
import {
  boardTaskEnvelope,
  boardTasksEnvelope,
  failureEnvelope,
  healthEnvelope,
  projectsEnvelope,
} from '../../protocol/serverApi.ts';
import { described, ticketQuery, valid } from '../describe.ts';
import { openStream } from '../events/openStream.ts';
import { projectQuery, taskParam } from '../requests.ts';
import { taskOf, type ServerContext, type ServerEnv } from '../serverContext.ts';
import { boardTaskOf, listedTaskOf, projectOf } from '../vibeKanban.ts';

const tag = 'vibe-kanban';
const failure = failureEnvelope;

const enveloped = <Data>(data: Data) => ({ success: true as const, data, error_data: null, message: null });

/** What a page or a script that was written for Vibe Kanban asks for, in its own shapes. */
export function vibeKanbanRoutes(context: ServerContext): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  const { feed, project } = context;

  app.get(
    '/health',
    described({ summary: 'Whether it is there', tag, answer: healthEnvelope, failure }),
    (c) => c.json(enveloped('OK')),
  );

  app.get(
    '/projects',
    described({ summary: 'The repository, as a project', tag, answer: projectsEnvelope, failure }),
    (c) => c.json(enveloped([projectOf(project, feed.tasks.all())])),
  );

  app.get(
    '/tasks',
    described({
      summary: 'The tasks of a project',
      tag,
      answer: boardTasksEnvelope,
      problems: [422],
      failure,
    }),
    valid('query', projectQuery),
    (c) => {
      const isOurs = c.req.valid('query').project_id === project.id;
      return c.json(enveloped(isOurs ? feed.tasks.all().map((task) => listedTaskOf(task, project.id)) : []));
    },
  );

  app.get(
    '/tasks/:task_id',
    described({ summary: 'One task', tag, answer: boardTaskEnvelope, problems: [404], failure }),
    valid('param', taskParam),
    async (c) => {
      const { task } = await taskOf(context, taskIdOf(c.req.valid('param').task_id));
      return c.json(enveloped(boardTaskOf(task, project.id)));
    },
  );

  // Vibe Kanban's own address ends with a slash, and some clients leave it out.
  for (const path of ['/events/', '/events'])
    app.get(
      path,
      described({
        summary: 'Changed tasks as json_patch entries',
        tag,
        answer: { media: 'text/event-stream' },
        operationId: path.endsWith('/') ? 'getApiEventsStream' : 'getApiEvents',
        parameters: [ticketQuery],
      }),
      (c) => {
        context.board.followEvents(openStream(c, context));
        return RESPONSE_ALREADY_SENT;
      },
    );
  return app;
}
