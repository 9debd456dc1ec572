import * as v from 'valibot';

const textBlock = v.object({ type: v.literal('text'), text: v.string() });

const contentSchema = v.union([
  v.string(),
  v.array(v.union([textBlock, v.looseObject({ type: v.string() })])),
]);

const requestSchema = v.object({
  model: v.optional(v.string(), 'claude-played'),
  stream: v.optional(v.boolean(), false),
  max_tokens: v.optional(v.number(), 0),
  messages: v.array(v.object({ role: v.string(), content: contentSchema })),
  tools: v.optional(v.array(v.object({ name: v.string(), input_schema: v.optional(v.unknown()) })), []),
  metadata: v.optional(v.object({ user_id: v.optional(v.string()) })),
});

/** What a played model needs to know of a request to the Messages API. */
export type MessagesRequest = v.InferOutput<typeof requestSchema>;

export function parseMessagesRequest(body: string): MessagesRequest {
  return v.parse(requestSchema, JSON.parse(body));
}

/** Side requests (titles, summaries, quota probes) offer no tools; a model that plays a part need not see them. */
export function isConversation(request: MessagesRequest): boolean {
  return request.tools.length > 0 && request.max_tokens !== 1;
}

/** All that the person's side said, without tool results. */
export function promptOf(request: MessagesRequest): string {
  return request.messages
    .filter(({ role }) => role === 'user')
    .map(({ content }) => textOf(content))
    .join('\n');
}

/** How many answers the conversation has already: the same for a request and its repetition. */
export function answersSoFar(request: MessagesRequest): number {
  return request.messages.filter(({ role }) => role === 'assistant').length;
}

function textOf(content: MessagesRequest['messages'][number]['content']): string {
  if (typeof content === 'string') return content;
  return content.map((block) => (v.is(textBlock, block) ? block.text : '')).join('\n');
}

/** The CLI's session, from the JSON document it sends as the user's id; '' for other clients. */
export function sessionOf(request: MessagesRequest): string {
  return /"session_id":"([^"]+)"/.exec(request.metadata?.user_id ?? '')?.[1] ?? '';
}
