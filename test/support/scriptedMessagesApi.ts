import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { isConversation, parseMessagesRequest, type MessagesRequest } from './messagesRequest.ts';

export interface ToolCall {
  readonly name: string;
  readonly input: unknown;
}

interface Pace {
  /** Before the first byte. */
  readonly delayMs?: number;
  /** Between chunks of text and of tool input; 0 = no wait. */
  readonly chunkDelayMs?: number;
}

/** What the API does with one request. */
export type Step =
  | (Pace & {
      readonly type: 'answer';
      readonly text?: string;
      readonly tools?: readonly ToolCall[];
      readonly usage?: { readonly input_tokens?: number; readonly output_tokens?: number };
      /** Why the model ended; default: the one that belongs to what it says. */
      readonly stopReason?: 'max_tokens' | 'refusal';
    })
  | {
      readonly type: 'error';
      readonly status: number;
      /** The API's own word for it; default: the one that belongs to the status. */
      readonly errorType?: string;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection breaks: before any answer, or in the middle of a stream. */
  | { readonly type: 'cut'; readonly after: 'connect' | 'text' }
  /** An error where a stream had begun already, told in it. */
  | { readonly type: 'stream-error'; readonly errorType: string }
  /** No end ever comes: nothing at all, a stream of pings, or one that falls silent. */
  | { readonly type: 'hang'; readonly after: 'connect' | 'pings' | 'text' }
  /** Not the Messages API at all: a captive portal's page. */
  | { readonly type: 'page'; readonly html: string };

export type PlayModel = (request: MessagesRequest) => Step | Promise<Step>;

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** null unless it was a request for a message. */
  readonly message: MessagesRequest | null;
}

/** Each step in turn; the last one again for whatever comes after it. */
export function inTurn(first: Step, ...rest: readonly Step[]): PlayModel {
  const left = [first, ...rest];
  let current = first;
  return () => {
    current = left.shift() ?? current;
    return current;
  };
}

/** A stand-in for the Messages API, good enough for the real Claude Code CLI; `model` decides each answer. */
export class ScriptedMessagesApi {
  readonly requests: RecordedRequest[] = [];
  private readonly model: PlayModel;
  private readonly host: string;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  /** `host`: the address to listen on, `0.0.0.0` for clients in containers. */
  constructor(options: { readonly model: PlayModel; readonly host?: string }) {
    this.model = options.model;
    this.host = options.host ?? '127.0.0.1';
    this.server = createServer((request, response) => {
      this.handle(request, response).catch(() => response.destroy());
    });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, this.host, resolve);
    });
    return this;
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('The API was not started');
    return address.port;
  }

  /** As clients on this machine reach it. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests that went to the model. */
  get conversation(): readonly MessagesRequest[] {
    return this.requests.flatMap(({ message }) =>
      message !== null && isConversation(message) ? [message] : [],
    );
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readText(request);
    const method = request.method ?? '';
    const path = (request.url ?? '').split('?')[0] ?? '';
    const isMessage = method === 'POST' && path === '/v1/messages';
    const message = isMessage ? parseMessagesRequest(body) : null;
    this.requests.push({ method, path, headers: request.headers, message });
    if (message === null) {
      // Whatever else a client asks at start-up, it can do without.
      sendJson(
        response,
        200,
        path.endsWith('/count_tokens') ? { input_tokens: Math.ceil(body.length / 4) } : {},
      );
      return;
    }
    const step = isConversation(message)
      ? await this.model(message)
      : ({ type: 'answer', text: '{}' } as const);
    await serve(step, message, response);
  }
}

async function serve(step: Step, request: MessagesRequest, response: ServerResponse): Promise<void> {
  switch (step.type) {
    case 'answer':
      await delay(step.delayMs ?? 0);
      return request.stream
        ? streamAnswer(step, request, response)
        : sendJson(response, 200, wholeAnswer(step, request));
    case 'error': {
      const error = {
        type: step.errorType ?? errorTypes[step.status] ?? 'api_error',
        message: step.message ?? `Played error ${step.status}`,
      };
      return sendJson(response, step.status, { type: 'error', error }, step.headers);
    }
    case 'page':
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(step.html);
      return;
    case 'cut':
      if (step.after === 'text' && request.stream) await beginStream(request, response);
      response.socket?.destroy();
      return;
    case 'stream-error': {
      const error = { type: step.errorType, message: `Played ${step.errorType}` };
      if (!request.stream) return sendJson(response, 529, { type: 'error', error });
      const send = await beginStream(request, response);
      send('error', { error });
      response.end();
      return;
    }
    case 'hang':
      if (step.after === 'pings' && request.stream) keepPinging(response);
      if (step.after === 'text' && request.stream) await beginStream(request, response);
  }
}

const errorTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

type Answer = Extract<Step, { type: 'answer' }>;

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A word or two at a time, as a model speaks. */
const textChunk = 12;

async function streamAnswer(step: Answer, request: MessagesRequest, response: ServerResponse): Promise<void> {
  const send = startStream(response);
  send('message_start', {
    message: { ...envelope(request), content: [], stop_reason: null, usage: usageOf(step) },
  });
  for (const [index, block] of blocksOf(step).entries()) {
    const isText = block.type === 'text';
    send('content_block_start', {
      index,
      content_block: isText ? { type: 'text', text: '' } : { ...block, input: {} },
    });
    const content = isText ? block.text : JSON.stringify(block.input);
    const size = isText ? textChunk : Math.max(1, Math.ceil(content.length / 3));
    for (let start = 0; start < content.length; start += size) {
      const part = content.slice(start, start + size);
      send('content_block_delta', {
        index,
        delta: isText ? { type: 'text_delta', text: part } : { type: 'input_json_delta', partial_json: part },
      });
      if ((step.chunkDelayMs ?? 0) > 0) await delay(step.chunkDelayMs);
      if (response.destroyed) return;
    }
    send('content_block_stop', { index });
  }
  send('message_delta', {
    delta: { stop_reason: stopReason(step), stop_sequence: null },
    usage: usageOf(step),
  });
  send('message_stop', {});
  response.end();
}

function wholeAnswer(step: Answer, request: MessagesRequest): object {
  return {
    ...envelope(request),
    content: blocksOf(step),
    stop_reason: stopReason(step),
    usage: usageOf(step),
  };
}

async function beginStream(request: MessagesRequest, response: ServerResponse): Promise<SendEvent> {
  const send = startStream(response);
  send('message_start', {
    message: { ...envelope(request), content: [], stop_reason: null, usage: usageOf({ type: 'answer' }) },
  });
  send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  send('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'I was about to' } });
  // What was sent must have left before the connection is destroyed.
  await delay(20);
  return send;
}

function keepPinging(response: ServerResponse): void {
  const send = startStream(response);
  send('ping', {});
  const timer = setInterval(() => send('ping', {}), 200);
  response.on('close', () => clearInterval(timer));
}

type SendEvent = (event: string, data: object) => void;

function startStream(response: ServerResponse): SendEvent {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  return (event, data) => {
    response.write(`event: ${event}\ndata: ${JSON.stringify({ type: event, ...data })}\n\n`);
  };
}

function envelope(request: MessagesRequest): object {
  return {
    id: `msg_${shortId()}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    stop_sequence: null,
  };
}

function blocksOf(step: Answer) {
  return [
    ...(step.text === undefined ? [] : [{ type: 'text' as const, text: step.text }]),
    ...(step.tools ?? []).map(({ name, input }) => ({
      type: 'tool_use' as const,
      id: `toolu_${shortId()}`,
      name,
      input,
    })),
  ];
}

function usageOf(step: Answer): object {
  return {
    input_tokens: 1_000,
    output_tokens: 50,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    ...step.usage,
  };
}

const stopReason = (step: Answer): string =>
  step.stopReason ?? ((step.tools ?? []).length > 0 ? 'tool_use' : 'end_turn');

const shortId = (): string => randomUUID().replaceAll('-', '').slice(0, 24);
