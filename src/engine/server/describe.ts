import { describeRoute, resolver, validator } from 'hono-openapi';
import type { ValidationTargets } from 'hono';
import type * as v from 'valibot';
import { problemAnswer } from '../protocol/serverApi.ts';
import { Problem } from './problem.ts';

const problemContent = { 'application/problem+json': { schema: resolver(problemAnswer) } };

const problemTexts: Readonly<Record<number, string>> = {
  400: 'The request cannot be read.',
  401: 'The token or ticket is missing or not right.',
  403: 'It may not be done: a foreign page, or a server that only shows.',
  404: 'There is no such thing.',
  409: 'It cannot be done as things stand.',
  413: 'The body is too large.',
  416: 'There are no such bytes.',
  422: 'Something in the request is not right.',
  429: 'Too many requests.',
  503: 'The engine cannot be reached.',
};

interface Answer {
  readonly summary: string;
  readonly tag: 'orchestrator' | 'events' | 'vibe-kanban' | 'server';
  /** What a good answer holds: a schema for JSON, or a media type. */
  readonly answer: v.GenericSchema | { readonly media: string };
  /** Where the one made of the address would be another's. */
  readonly operationId?: string;
  readonly status?: 200 | 201 | 204 | 206;
  /** Problems beyond those of every route. */
  readonly problems?: readonly number[];
  /** The problem answers are of another shape. */
  readonly failure?: v.GenericSchema;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: 'header' | 'query';
    readonly description: string;
  }[];
}

/** Describes a route in the OpenAPI document. */
export function described({
  summary,
  tag,
  answer,
  status = 200,
  problems = [],
  failure,
  parameters = [],
  operationId,
}: Answer) {
  const content =
    'media' in answer
      ? { [answer.media]: { schema: { type: 'string' as const } } }
      : { 'application/json': { schema: resolver(answer) } };
  const failed =
    failure === undefined ? problemContent : { 'application/json': { schema: resolver(failure) } };
  const isPublic = tag === 'vibe-kanban' && summary === 'Whether it is there';
  return describeRoute({
    summary,
    tags: [tag],
    ...(operationId === undefined ? {} : { operationId }),
    ...(isPublic ? { security: [] } : {}),
    parameters: parameters.map(({ name, in: place, description }) => ({
      name,
      in: place,
      description,
      required: false,
      schema: { type: 'string' as const },
    })),
    responses: {
      [status]: { description: 'As asked.', content },
      ...Object.fromEntries(
        [401, 403, 429, 503, ...problems].map((code) => [
          code,
          {
            description: problemTexts[code] ?? 'It failed.',
            content: failed,
          },
        ]),
      ),
    },
  });
}

export const idempotencyHeader = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'A request repeated under its key gets the answer of the first one and is not carried out again.',
} as const;

export const resumeHeader = {
  name: 'Last-Event-ID',
  in: 'header',
  description: 'The `id` of the last event that came: what came after it is sent, and no snapshot.',
} as const;

export const resumeQuery = {
  name: 'last_event_id',
  in: 'query',
  description: 'The same for a client that cannot set headers; 0 for everything from the beginning.',
} as const;

export const ticketQuery = {
  name: 'ticket',
  in: 'query',
  description: 'A ticket of POST /api/tickets, where the token cannot be sent.',
} as const;

/** Validates a part of the request; what is wrong is told key by key. */
export function valid<Schema extends v.GenericSchema, Target extends keyof ValidationTargets>(
  target: Target,
  schema: Schema,
) {
  return validator(target, schema, (result) => {
    if (result.success) return;
    const issues = result.error.map(({ path, message }) => {
      const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
      return `${place === '' ? '' : `${place} `}${message}`;
    });
    throw new Problem(
      target === 'param' ? 404 : 422,
      target === 'param' ? 'no-such-address' : 'not-valid',
      `${target === 'json' ? 'The body' : target === 'query' ? 'The query' : 'The address'} is not right: ${issues.slice(0, 10).join('; ')}.`,
      'GET /openapi.json tells what is taken.',
    );
  });
}
