import { describe, expect, it } from 'vitest';
import { activityOf } from '../../../src/engine/claude/activity.ts';
import type { CliMessage } from '../../../src/engine/claude/streamMessages.ts';

const toolUse = (name: string, input: unknown): CliMessage => ({
  type: 'tool-use',
  id: 'toolu_1',
  name,
  input,
});
const activity = (message: CliMessage) => activityOf(message, '/worktree');

describe('activityOf', () => {
  it.each([
    [toolUse('Edit', { file_path: '/worktree/src/x.ts', old_string: 'a' }), 'Edit src/x.ts'],
    [toolUse('Read', { file_path: '/elsewhere/x.ts' }), 'Read /elsewhere/x.ts'],
    [toolUse('Read', { file_path: '/worktree-2/x.ts' }), 'Read /worktree-2/x.ts'],
    [toolUse('Bash', { command: 'npm test\n-- --all', description: 'Run' }), 'Bash npm test -- --all'],
    [toolUse('Grep', { pattern: 'TODO', path: '/worktree/src' }), 'Grep TODO in src'],
    [toolUse('Glob', { pattern: '**/*.ts' }), 'Glob **/*.ts'],
    [toolUse('StructuredOutput', { verdict: 'pass' }), 'Hands in its result'],
    [toolUse('Strange', { file_path: 3 }), 'Strange'],
    [toolUse('Stranger', null), 'Stranger'],
  ])('tells what a tool is used for', (message, text) => {
    expect(activity(message)).toEqual({ type: 'does', text });
  });

  it('tells what the model says, in one line without controls of a terminal', () => {
    const text = ' Done:\n\n\u001B[2J\u202Eevil\u0007  all ';
    expect(activity({ type: 'text', text })).toEqual({ type: 'says', text: 'Done: [2J evil all' });
    expect(activity({ type: 'text', text: ' \n' })).toBeNull();
  });

  it('tells why it waits', () => {
    const retry = { type: 'retry', attempt: 1, error: 'rate_limit', status: 429, delayMs: 2_400 } as const;
    expect(activity(retry)).toEqual({ type: 'waits', text: '2 s before trying again: rate limit (429)' });
    expect(activity({ ...retry, status: null })?.text).toBe('2 s before trying again: no answer');
  });

  it('tells what was denied', () => {
    const denied = { type: 'denied', tool: 'Bash', message: 'git push is denied' } as const;
    expect(activity(denied)).toEqual({ type: 'denied', text: 'Bash: git push is denied' });
  });

  it('says a long thing short', () => {
    const text = activity({ type: 'text', text: 'word '.repeat(1_000_000) })?.text;
    expect(text).toHaveLength(300);
    expect(text?.endsWith('…')).toBe(true);
    expect(activity({ type: 'text', text: 'x'.repeat(300) })?.text).toBe('x'.repeat(300));
  });

  it('keeps quiet about the rest', () => {
    const rest: readonly CliMessage[] = [
      { type: 'tool-result', id: 'toolu_1', isError: true },
      { type: 'assistant-error', error: 'server_error', text: 'API Error' },
      { type: 'unparsed', text: 'x' },
      { type: 'rate-limit', status: 'allowed_warning', resetsAt: null },
    ];
    expect(rest.map(activity)).toEqual([null, null, null, null]);
  });
});
