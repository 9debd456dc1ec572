import { describe, expect, it } from 'vitest';
import { commandLine, type CommandLineRequest } from '../../../src/engine/claude/commandLine.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';

const request: CommandLineRequest = {
  claudePath: '/bin/claude',
  stage: 'implementation',
  isolation: 'process',
  sessionId: '7e518889-6f4d-4b49-a1d9-f8de43d8c700',
  session: 'kept',
  systemPromptPath: '/run/system.md',
  settings: defaultSettings.stages.implementation,
  testCommand: 'npm test',
  schema: { type: 'object' },
  readableDirectories: ['/run/context'],
};

/** The value of an option, in either way of writing it. */
function option(argv: readonly string[], name: string): string | undefined {
  const inOneWord = argv.find((arg) => arg.startsWith(`${name}=`));
  if (inOneWord !== undefined) return inOneWord.slice(name.length + 1);
  const index = argv.indexOf(name);
  return index === -1 ? undefined : argv[index + 1];
}

const rules = (argv: readonly string[]): unknown => JSON.parse(option(argv, '--settings') ?? '');

describe('commandLine', () => {
  it.each([
    { stage: 'specification', isolation: 'docker', mode: 'plan', tools: 'Read,Grep,Glob' },
    { stage: 'specification', isolation: 'process', mode: 'plan', tools: 'Read,Grep,Glob' },
    { stage: 'qa', isolation: 'docker', mode: 'dontAsk', tools: 'Read,Grep,Glob' },
    { stage: 'qa', isolation: 'process', mode: 'dontAsk', tools: 'Read,Grep,Glob' },
    {
      stage: 'implementation',
      isolation: 'process',
      mode: 'acceptEdits',
      tools: 'Read,Grep,Glob,Edit,Write,Bash',
    },
    {
      stage: 'implementation',
      isolation: 'docker',
      mode: 'bypassPermissions',
      tools: 'Read,Grep,Glob,Edit,Write,Bash',
    },
  ] as const)('gives $stage in $isolation its mode and tools', ({ stage, isolation, mode, tools }) => {
    const argv = commandLine({ ...request, stage, isolation });
    expect(option(argv, '--permission-mode')).toBe(mode);
    expect(option(argv, '--tools')).toBe(tools);
  });

  it('has no session written down where secrets could stand in it', () => {
    expect(commandLine(request)).not.toContain('--no-session-persistence');
    expect(commandLine({ ...request, session: 'not-kept' })).toContain('--no-session-persistence');
  });

  it('keeps out everything that the repository or the user configured', () => {
    const argv = commandLine(request);
    expect(option(argv, '--setting-sources')).toBe('');
    expect(argv).toContain('--strict-mcp-config');
    expect(rules(argv)).toMatchObject({ disableAllHooks: true });
  });

  it.each(['specification', 'qa'] as const)('allows nothing in %s, whatever the settings say', (stage) => {
    const settings = { ...request.settings, allowedTools: ['Bash'] };
    const document = rules(commandLine({ ...request, stage, settings }));
    expect(document).not.toHaveProperty('permissions.allow');
    expect(document).toMatchObject({
      useAutoModeDuringPlan: false,
      permissions: { disableBypassPermissionsMode: 'disable', blockReadsOutsideWorkingDirectories: true },
    });
  });

  it('allows the test command, alone and with arguments, and what the person added', () => {
    const settings = { ...request.settings, allowedTools: ['Bash(make *)'] };
    expect(rules(commandLine({ ...request, settings }))).toMatchObject({
      permissions: { allow: ['Bash(npm test)', 'Bash(npm test *)', 'Bash(make *)'] },
    });
    expect(rules(commandLine({ ...request, testCommand: null }))).toMatchObject({
      permissions: { allow: [] },
    });
  });

  it('forbids the bypass of permissions on the host only', () => {
    expect(rules(commandLine(request))).toHaveProperty('permissions.disableBypassPermissionsMode');
    expect(rules(commandLine({ ...request, isolation: 'docker' }))).not.toHaveProperty(
      'permissions.disableBypassPermissionsMode',
    );
  });

  it('hands over limits, session, schema and model', () => {
    const settings = { ...request.settings, model: 'opus', maxTurns: 7, maxBudgetUsd: 0.5 };
    const argv = commandLine({ ...request, settings });
    expect(option(argv, '--model')).toBe('opus');
    expect(option(argv, '--max-turns')).toBe('7');
    expect(option(argv, '--max-budget-usd')).toBe('0.5');
    expect(option(argv, '--session-id')).toBe(request.sessionId);
    expect(option(argv, '--append-system-prompt-file')).toBe('/run/system.md');
    expect(option(argv, '--json-schema')).toBe('{"type":"object"}');
    expect(option(commandLine(request), '--model')).toBeUndefined();
  });

  it('lets no value become an option of its own', () => {
    const argv = commandLine({
      ...request,
      settings: { ...request.settings, model: '--dangerously-skip-permissions', allowedTools: ['--model'] },
      testCommand: '--print "a, b" --tools Bash',
      readableDirectories: ['--add', '/two'],
    });
    const flags = argv.filter((arg) => arg.startsWith('--'));
    expect(flags.filter((arg) => /^--(dangerously|print|add$|model$)/.test(arg))).toEqual([]);
    expect(flags.filter((arg) => arg.startsWith('--add-dir='))).toEqual([
      '--add-dir=--add',
      '--add-dir=/two',
    ]);
  });
});
