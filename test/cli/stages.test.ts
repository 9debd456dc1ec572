import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CliMessage } from '../../src/engine/claude/streamMessages.ts';
import {
  implementationOutput,
  jsonSchemaOf,
  qaOutput,
  specificationOutput,
} from '../../src/engine/stages/stageOutput.ts';
import { CliRoom, type CliRoomReport } from '../support/cliRoom.ts';
import { playedModel, type Script } from '../support/playedModel.ts';
import { inTurn, type Step, type ToolCall } from '../support/scriptedMessagesApi.ts';

const criteria = [
  { id: 'AC-1', text: 'shout() makes upper case' },
  { id: 'AC-2', text: 'there is a test' },
];
const schemas = {
  specification: jsonSchemaOf(specificationOutput),
  implementation: jsonSchemaOf(implementationOutput(criteria)),
  qa: jsonSchemaOf(qaOutput(criteria)),
};

const script: Script = {
  marker: 'Add shout',
  specification: {
    actions: [
      { type: 'read', path: 'text.mjs', says: 'I start with the module.' },
      { type: 'search', pattern: 'export' },
    ],
    markdown: '# Shout\n\nUpper case.',
    criteria: criteria.map(({ text }) => text),
    files: ['text.mjs'],
  },
  implementation: [
    {
      actions: [
        { type: 'read', path: 'text.mjs' },
        { type: 'edit', path: 'text.mjs', find: '// more', replace: 'export const shout = (t) => t;' },
        { type: 'write', path: 'test/text.test.mjs', content: '// to come\n' },
        { type: 'run', command: 'node --test' },
      ],
      summary: 'Added shout().',
      how: { 'AC-2': 'test/text.test.mjs' },
    },
    {
      actions: [
        { type: 'read', path: 'text.mjs' },
        { type: 'edit', path: 'text.mjs', find: '(t) => t;', replace: '(t) => t.toUpperCase();' },
      ],
      summary: 'It shouts now.',
    },
  ],
  qa: [
    {
      actions: [{ type: 'read', path: 'text.mjs' }],
      summary: 'It does not shout.',
      failed: { 'AC-1': 'text.mjs:1 returns its argument' },
      findings: [{ severity: 'blocker', message: 'shout() whispers', file: 'text.mjs', line: 1 }],
    },
    { actions: [{ type: 'read', path: 'text.mjs' }], summary: 'All is well.' },
  ],
};

describe('the stages of the real CLI', () => {
  let room: CliRoom;

  beforeEach(async () => {
    room = await CliRoom.open({ 'text.mjs': '// more\n' });
  });

  afterEach(() => room.close());

  it('specifies in plan mode with tools that only read', async () => {
    const report = await room.run({
      stage: 'specification',
      schema: schemas.specification,
      model: playedModel([script]),
      prompt: 'Specify.\n\n# Add shout',
    });
    expect(initOf(report)).toMatchObject({
      permissionMode: 'plan',
      tools: ['Glob', 'Grep', 'Read', 'StructuredOutput'],
    });
    expect(v.parse(specificationOutput, successOf(report).structuredOutput)).toMatchObject({
      acceptance_criteria: ['shout() makes upper case', 'there is a test'],
    });
    expect(successOf(report)).toMatchObject({
      cliVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      turns: 4,
    });
    expect(successOf(report).costUsd).toBeGreaterThan(0);
    expect(report.activities).toEqual([
      { type: 'says', text: 'I start with the module.' },
      { type: 'does', text: 'Read text.mjs' },
      { type: 'says', text: 'Let me see where that is used.' },
      { type: 'does', text: 'Grep export' },
      { type: 'says', text: 'That is all I need to know for the specification.' },
      { type: 'does', text: 'Hands in its result' },
    ]);
  });

  it.each(['specification', 'qa'] as const)(
    'can in %s neither write nor run anything, nor learn of files outside the worktree and the context folder',
    async (stage) => {
      const { inContext, outside } = await writeReadables(room);
      const report = await room.run({
        stage,
        schema: anySchema,
        prompt: `See @${outside}`,
        model: inTurn(
          call({ name: 'Write', input: { file_path: 'new.txt', content: 'x' } }, bash('echo x > new.txt')),
          call(read('text.mjs')),
          call({ name: 'Edit', input: { file_path: 'text.mjs', old_string: 'more', new_string: 'less' } }),
          call(read(inContext)),
          call(read(outside)),
          handIn,
        ),
      });
      expect(successOf(report).structuredOutput).toEqual({ answer: 'yes' });
      expect(toolErrors(report)).toEqual([true, true, false, true, false, true, false]);
      expect(await readdir(room.worktree)).toEqual(['text.mjs']);
      expect(await room.read('text.mjs')).toBe('// more\n');
      const sent = JSON.stringify(report.api.conversation);
      expect(sent).toContain(`See @${outside}`);
      expect(sent).toContain('In the context');
      expect(sent).not.toContain('Not for the agent');
    },
  );

  it('judges in QA without asking anyone and without a shell', async () => {
    const report = await room.run({
      stage: 'qa',
      schema: schemas.qa,
      model: playedModel([script]),
      prompt: 'Judge.\n\n# Add shout',
    });
    expect(initOf(report)).toMatchObject({
      permissionMode: 'dontAsk',
      tools: ['Glob', 'Grep', 'Read', 'StructuredOutput'],
    });
    expect(v.parse(qaOutput(criteria), successOf(report).structuredOutput)).toEqual({
      verdict: 'fail',
      summary: 'It does not shout.',
      criteria: {
        'AC-1': { verdict: 'fail', evidence: 'text.mjs:1 returns its argument' },
        'AC-2': { verdict: 'pass', evidence: 'It does not shout.' },
      },
      findings: [{ severity: 'blocker', message: 'shout() whispers', file: 'text.mjs', line: 1 }],
    });
  });

  it('implements on the host with edits and the test command, and plays the next round after that', async () => {
    const model = playedModel([script]);
    const run = () =>
      room.run({
        stage: 'implementation',
        schema: schemas.implementation,
        model,
        prompt: 'Implement.\n\n# Add shout',
        testCommand: 'node --test',
      });
    const first = await run();
    expect(initOf(first)).toMatchObject({
      permissionMode: 'acceptEdits',
      tools: ['Bash', 'Edit', 'Glob', 'Grep', 'Read', 'StructuredOutput', 'Write'],
    });
    expect(toolErrors(first)).toEqual([false, false, false, false, false]);
    expect(v.parse(implementationOutput(criteria), successOf(first).structuredOutput)).toEqual({
      summary: 'Added shout().',
      criteria: { 'AC-1': { how: 'Added shout().' }, 'AC-2': { how: 'test/text.test.mjs' } },
    });
    expect(await room.read('test/text.test.mjs')).toBe('// to come\n');

    const second = await run();
    expect(successOf(second).structuredOutput).toMatchObject({ summary: 'It shouts now.' });
    expect(await room.read('text.mjs')).toBe('export const shout = (t) => t.toUpperCase();\n');
  });

  it('may run on the host only the commands it was given', async () => {
    await writeFile(join(room.worktree, '.env'), 'SECRET=1\n');
    const report = await room.run({
      stage: 'implementation',
      schema: anySchema,
      testCommand: 'node -e "process.exit(0)" "a (b), c" && node -e 1',
      settings: { allowedTools: ['Bash(node -p *)'] },
      model: inTurn(
        call(bash('node -e "process.exit(0)" "a (b), c" && node -e 1')),
        call(bash('node -p 1')),
        call(bash('node -e 2')),
        call(bash('git push origin main')),
        call({ name: 'Read', input: { file_path: '.env' } }),
        handIn,
      ),
    });
    expect(toolErrors(report)).toEqual([false, false, true, true, true, false]);
    expect(report.activities.filter(({ type }) => type === 'denied').map(({ text }) => text)).toEqual([
      expect.stringContaining('Bash: '),
      expect.stringContaining('git push'),
    ]);
  });

  it('bypasses permissions in a container, but not the guard rails', async () => {
    const report = await room.run({
      stage: 'implementation',
      isolation: 'docker',
      schema: anySchema,
      // What a container of ours never needs: tests may run as root.
      env: { IS_SANDBOX: '1' },
      model: inTurn(call(bash('node -e 2')), call(bash('git push origin main')), handIn),
    });
    expect(initOf(report)).toMatchObject({
      permissionMode: 'bypassPermissions',
      tools: ['Bash', 'Edit', 'Glob', 'Grep', 'Read', 'StructuredOutput', 'Write'],
    });
    expect(toolErrors(report)).toEqual([false, true, false]);
    expect(successOf(report).structuredOutput).toEqual({ answer: 'yes' });
  });

  it('reads in implementation no file outside the worktree and the context folder', async () => {
    const { inContext, outside } = await writeReadables(room);
    const model = inTurn(call(read(inContext)), call(read(outside)), handIn);
    const report = await room.run({ stage: 'implementation', schema: anySchema, model });
    expect(toolErrors(report)).toEqual([false, true, false]);
    expect(JSON.stringify(report.api.conversation)).toContain('In the context');
  });

  it("takes nothing from the repository's own configuration", async () => {
    const hook = { type: 'command', command: 'touch hooked' };
    const env = { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' };
    await room.write(
      '.claude/settings.json',
      JSON.stringify({ env, hooks: { SessionStart: [{ hooks: [hook] }] }, permissions: { allow: ['Bash'] } }),
    );
    await room.write(
      '.mcp.json',
      JSON.stringify({ mcpServers: { bad: { command: 'touch', args: ['served'] } } }),
    );
    const report = await room.run({
      stage: 'implementation',
      schema: anySchema,
      model: inTurn(call(bash('node -e 1')), handIn),
    });
    expect(successOf(report).structuredOutput).toEqual({ answer: 'yes' });
    expect(toolErrors(report)).toEqual([true, false]);
    expect(await readdir(room.worktree)).toEqual(['.claude', '.mcp.json', 'text.mjs']);
  });
});

const anySchema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };

async function writeReadables(room: CliRoom) {
  const inContext = join(room.contextFolder, 'diff.md');
  const outside = join(room.path, 'outside.md');
  await writeFile(inContext, 'In the context');
  await writeFile(outside, 'Not for the agent');
  return { inContext, outside };
}

const read = (path: string): ToolCall => ({ name: 'Read', input: { file_path: path } });
const call = (...tools: readonly ToolCall[]): Step => ({ type: 'answer', text: 'Next.', tools });
const bash = (command: string): ToolCall => ({
  name: 'Bash',
  input: { command, description: 'Run a command' },
});
const handIn = call({ name: 'StructuredOutput', input: { answer: 'yes' } });

function successOf({ outcome }: CliRoomReport) {
  if (outcome.type !== 'success') throw new Error(`The run failed: ${outcome.failure.message}`);
  return outcome;
}

function initOf({ messages }: CliRoomReport): CliMessage | undefined {
  return messages.find(({ type }) => type === 'init');
}

/** Whether each tool call failed, in the order of the calls. */
function toolErrors({ messages }: CliRoomReport): readonly boolean[] {
  const errors = new Map(
    messages.flatMap((message) => (message.type === 'tool-result' ? [[message.id, message.isError]] : [])),
  );
  return messages.flatMap((message) => (message.type === 'tool-use' ? [errors.get(message.id) ?? true] : []));
}
