import { describe, expect, it } from 'vitest';
import { StreamParser } from '../../../src/engine/claude/streamParser.ts';
import { cliLines } from '../../support/cliLines.ts';

const bytes = (...lines: readonly (object | string)[]): Buffer =>
  Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));

function parseAll(data: Buffer, chunkSize = data.length) {
  const parser = new StreamParser();
  const messages = [];
  for (let start = 0; start < data.length; start += chunkSize) {
    messages.push(...parser.push(data.subarray(start, start + chunkSize)));
  }
  return [...messages, ...parser.end()];
}

describe('StreamParser', () => {
  it('reads every kind of line that matters', () => {
    const data = bytes(
      cliLines.init,
      cliLines.text('I look'),
      cliLines.toolUse('Read', { file_path: 'a.txt' }),
      cliLines.toolResult('toolu_1'),
      cliLines.toolResult('toolu_2', true),
      cliLines.retry('rate_limit', 429),
      cliLines.retry('unknown', null),
      cliLines.denied,
      cliLines.rateLimit('rejected'),
      cliLines.assistantError('billing_error'),
      cliLines.success,
    );
    expect(parseAll(data)).toEqual([
      {
        type: 'init',
        sessionId: 'session-1',
        model: 'claude-opus-5-5',
        permissionMode: 'plan',
        tools: ['Read', 'StructuredOutput'],
        version: '2.1.330',
      },
      { type: 'text', text: 'I look' },
      { type: 'tool-use', id: 'toolu_1', name: 'Read', input: { file_path: 'a.txt' } },
      { type: 'tool-result', id: 'toolu_1', isError: false },
      { type: 'tool-result', id: 'toolu_2', isError: true },
      { type: 'retry', attempt: 1, error: 'rate_limit', status: 429, delayMs: 2_400 },
      { type: 'retry', attempt: 1, error: 'unknown', status: null, delayMs: 2_400 },
      { type: 'denied', tool: 'Bash', message: 'git push is denied' },
      { type: 'rate-limit', status: 'rejected', resetsAt: 1_900_000_000 },
      { type: 'assistant-error', error: 'billing_error', text: 'API Error' },
      {
        type: 'result',
        subtype: 'success',
        isError: false,
        terminalReason: 'completed',
        text: '{"answer":"yes"}',
        structuredOutput: { answer: 'yes' },
        sessionId: 'session-1',
        turns: 3,
        costUsd: 0.25,
        apiErrorStatus: null,
        apiError: null,
      },
    ]);
  });

  it('reads a result that says no more than it must, and joins the errors of one without an answer', () => {
    const data = bytes({
      type: 'result',
      subtype: 'error_during_execution',
      is_error: true,
      errors: ['one', 'two'],
    });
    expect(parseAll(data)).toMatchObject([
      {
        terminalReason: null,
        text: 'one\ntwo',
        structuredOutput: undefined,
        sessionId: null,
        turns: 0,
        costUsd: 0,
      },
    ]);
  });

  it('passes over kinds of lines, blocks and fields that it does not know', () => {
    const data = bytes(
      { type: 'stream_event', event: { type: 'content_block_delta' } },
      { type: 'system', subtype: 'status', status: 'requesting' },
      { type: 'telepathy', session_id: 'session-1' },
      { type: 'constructor' },
      { type: 'user', message: { role: 'user', content: 'plain' } },
      { type: 'user', message: { role: 'user', content: [{ type: 'image', source: {} }] } },
      {
        type: 'assistant',
        message: {
          content: [
            { type: 'thinking', thinking: 'hm' },
            { type: 'text', text: 'So' },
          ],
        },
      },
      '',
    );
    expect(parseAll(data)).toEqual([{ type: 'text', text: 'So' }]);
  });

  it.each([
    ['no JSON', 'claude native binary not installed'],
    ['no object', '17'],
    ['no type', '{"session_id":"session-1"}'],
    ['no line of its kind', '{"type":"result","subtype":"success","is_error":"no"}'],
    ['cut short', '{"type":"result","subtype":"suc'],
  ])('keeps the beginning of a line that is %s, and goes on', (_, line) => {
    expect(parseAll(bytes(line, cliLines.text('next')))).toEqual([
      { type: 'unparsed', text: line },
      { type: 'text', text: 'next' },
    ]);
  });

  it('does not care where chunks end, not even within a character', () => {
    const data = bytes(cliLines.text('Grüße, 世界 🎉'), cliLines.text('zwei'));
    for (const size of [1, 2, 3, 7]) {
      expect(parseAll(data, size)).toEqual([
        { type: 'text', text: 'Grüße, 世界 🎉' },
        { type: 'text', text: 'zwei' },
      ]);
    }
  });

  it('reads the last line without its end', () => {
    expect(parseAll(bytes(cliLines.text('last')).subarray(0, -1))).toEqual([{ type: 'text', text: 'last' }]);
  });

  it('reads a line of 64 MB that comes in small pieces', () => {
    const text = 'x'.repeat(64 * 1024 * 1024);
    // Joining anew at each piece would copy 500 GB.
    const messages = parseAll(bytes(cliLines.text(text), cliLines.text('next')), 4_096);
    expect(messages.map((message) => (message.type === 'text' ? message.text.length : message))).toEqual([
      text.length,
      4,
    ]);
  });

  // Not by JSON.stringify, which has no word for such a number.
  it.each(['-1', '-0.01', '1e999', '-1e999', '1e300'])(
    'takes %s for no cost, and the rest of its line',
    (cost) => {
      const line = JSON.stringify({ ...cliLines.success, total_cost_usd: 'COST' }).replace('"COST"', cost);
      expect(parseAll(bytes(line))).toMatchObject([{ type: 'result', turns: 3, costUsd: 0 }]);
    },
  );

  it.each(['-1', '1e999', '1e13'])('takes %s for no time at which a limit resets', (seconds) => {
    const line = `{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":${seconds}}}`;
    expect(parseAll(bytes(line))).toEqual([{ type: 'rate-limit', status: 'rejected', resetsAt: null }]);
  });

  it.each(['-1', '1e999', '1e12'])('takes %s ms for no wait that was asked for', (delay) => {
    const line = JSON.stringify({ ...cliLines.retry('overloaded', 529), retry_delay_ms: 'DELAY' });
    expect(parseAll(bytes(line.replace('"DELAY"', delay)))).toMatchObject([{ type: 'retry', delayMs: 0 }]);
  });
});
