import { describe, expect, it } from 'vitest';
import { implementationOutput, jsonSchemaOf, qaOutput } from '../../../src/engine/stages/stageOutput.ts';
import { parseMessagesRequest } from '../../support/messagesRequest.ts';
import { playedModel, type Script } from '../../support/playedModel.ts';

const criteria = [{ id: 'AC-1', text: 'works' }];

const script = (marker: string, extra: Partial<Script> = {}): Script => ({
  marker,
  specification: { actions: [], markdown: marker, criteria: ['works'] },
  implementation: [
    { actions: [{ type: 'write', path: 'a.txt', content: marker }], summary: `${marker} round 1` },
    { actions: [], summary: `${marker} round 2` },
  ],
  qa: [
    { actions: [], summary: `${marker} judged`, failed: { 'AC-1': 'does not' } },
    { actions: [], summary: 'Good.' },
  ],
  ...extra,
});

function request(stage: 'implementation' | 'qa', prompt: string, session: string, answers = 0) {
  const schema = stage === 'qa' ? qaOutput(criteria) : implementationOutput(criteria);
  const answered = Array.from({ length: answers }, () => ({ role: 'assistant', content: 'Done.' }));
  return parseMessagesRequest(
    JSON.stringify({
      messages: [{ role: 'user', content: [{ type: 'text', text: prompt }] }, ...answered],
      tools: [{ name: 'StructuredOutput', input_schema: jsonSchemaOf(schema) }],
      metadata: { user_id: JSON.stringify({ session_id: session }) },
    }),
  );
}

describe('playedModel', () => {
  it('plays each task by its own script', async () => {
    const model = playedModel([script('Task one'), script('Task two')]);
    expect(JSON.stringify(await model(request('implementation', 'Do Task two', 's-2')))).toContain(
      'Task two',
    );
    expect(JSON.stringify(await model(request('implementation', 'Do Task one', 's-1')))).toContain(
      'Task one',
    );
  });

  it('answers a repeated request alike, and goes on by the answers so far', async () => {
    const model = playedModel([script('Task')]);
    const first = await model(request('implementation', 'Task', 's-1'));
    expect(await model(request('implementation', 'Task', 's-1'))).toEqual(first);
    const last = await model(request('implementation', 'Task', 's-1', 1));
    expect(JSON.stringify(last)).toContain('Task round 1');
    expect(await model(request('implementation', 'Task', 's-1', 1))).toEqual(last);
  });

  it('plays the next round only after a session that came to its end', async () => {
    const model = playedModel([script('Task')]);
    const end = async (session: string) =>
      JSON.stringify(await model(request('implementation', 'Task', session, 1)));
    await model(request('implementation', 'Task', 'killed'));
    expect(await end('s-1')).toContain('round 1');
    expect(await end('s-2')).toContain('round 2');
    expect(await end('s-3')).toContain('round 2');
  });

  it('fails a round of QA for its failed criteria and passes the next', async () => {
    const model = playedModel([script('Task')]);
    expect(JSON.stringify(await model(request('qa', 'Task', 's-1')))).toContain('"verdict":"fail"');
    expect(JSON.stringify(await model(request('qa', 'Task', 's-2')))).not.toContain('fail');
  });

  it('does what the hook says instead, once it says something', async () => {
    const model = playedModel([
      script('Task', {
        onRequest: ({ stage, round, turn }) =>
          stage === 'qa' && round === 0 && turn === 0 ? { type: 'error', status: 500 } : null,
      }),
    ]);
    expect(await model(request('qa', 'Task', 's-1'))).toEqual({ type: 'error', status: 500 });
    expect(await model(request('implementation', 'Task', 's-1'))).toMatchObject({ type: 'answer' });
  });

  it('refuses what no script is for', async () => {
    expect(await playedModel([script('Task')])(request('qa', 'Other', 's-1'))).toMatchObject({ status: 403 });
  });
});
