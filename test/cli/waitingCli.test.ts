import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProcessIsolation } from '../../src/engine/allocation/processIsolation.ts';
import { runCli } from '../../src/engine/claude/cliRun.ts';
import { commandLine } from '../../src/engine/claude/commandLine.ts';
import { cliEnvironment } from '../../src/engine/claude/environment.ts';
import type { CliOutcome } from '../../src/engine/claude/outcome.ts';
import { leaseIdOf } from '../../src/engine/domain/ids.ts';
import type { ExpectedProgram, Workspace } from '../../src/engine/ports/isolation.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { jsonSchemaOf, specificationOutput } from '../../src/engine/stages/stageOutput.ts';
import { systemClock } from '../../src/engine/systemClock.ts';
import { playedModel } from '../support/playedModel.ts';
import { RunRoom } from '../support/runRoom.ts';
import { ScriptedMessagesApi } from '../support/scriptedMessagesApi.ts';
import { BundledSupervisor } from '../support/supervisorProgram.ts';

const claudePath = resolve('node_modules/.bin/claude');
const leaseId = leaseIdOf(8081, 1);
const { signal } = new AbortController();

let supervisor: BundledSupervisor;
let room: RunRoom;
let api: ScriptedMessagesApi;
let isolation: ProcessIsolation;
let workspace: Workspace;
let program: ExpectedProgram;

beforeAll(async () => {
  supervisor = await BundledSupervisor.build();
});

afterAll(() => supervisor.remove());

beforeEach(async () => {
  room = await RunRoom.open();
  const model = playedModel([
    {
      marker: 'Shout',
      specification: { actions: [], markdown: '# S', criteria: ['It does.'] },
      implementation: [{ actions: [], summary: '' }],
      qa: [{ actions: [], summary: '' }],
    },
  ]);
  api = await new ScriptedMessagesApi({ model }).start();
  isolation = new ProcessIsolation({
    nodePath: supervisor.nodePath,
    supervisorPath: supervisor.supervisorPath,
    leasesDir: join(room.path, 'leases'),
    clock: systemClock,
    logger: silentLogger,
    findClaude: async () => claudePath,
  });
  workspace = await acquire();
  await mkdir(join(room.path, 'home'));
  await writeFile(join(room.path, 'system.md'), 'You take part in a test.\n');
  const credentials = { ANTHROPIC_API_KEY: 'sk-made-up-for-tests', ANTHROPIC_BASE_URL: api.url };
  program = {
    argv: commandLine({
      claudePath,
      stage: 'specification',
      isolation: 'process',
      sessionId: randomUUID(),
      // As for a person who is signed in: the CLI writes the session down, and refuses to start one twice.
      session: 'kept',
      systemPromptPath: join(room.path, 'system.md'),
      settings: { model: null, maxTurns: 20, maxBudgetUsd: 5, timeoutMs: 60_000, allowedTools: [] },
      testCommand: null,
      schema: jsonSchemaOf(specificationOutput),
      readableDirectories: [],
    }),
    env: { ...cliEnvironment(credentials), HOME: join(room.path, 'home') },
  };
});

afterEach(async () => {
  await isolation.close();
  await api.close();
  await room.close();
});

const acquire = (): Promise<Workspace> => isolation.acquire(room.leaseRequest(leaseId), signal);

/** Has the CLI started without a prompt, and waits until it is well under way. */
async function waiting(): Promise<void> {
  await workspace.expectRun(async () => program);
  await expect.poll(() => existsSync(join(room.path, 'home', '.claude.json'))).toBe(true);
}

async function run(): Promise<CliOutcome> {
  const runDir = await room.runDir();
  const launch = { ...program, runDir, stdin: 'Specify.\n\n# Shout', timeoutMs: 60_000 };
  const { env } = program;
  return runCli({
    workspace,
    runDir,
    env,
    launch: async () => launch,
    clock: systemClock,
    signal,
    onActivity: () => {},
  });
}

describe('the real CLI that is started before its prompt is known', { timeout: 60_000 }, () => {
  it('asks the model nothing until it has it, and then does its stage', async () => {
    await waiting();
    expect(api.requests).toEqual([]);
    expect(await run()).toMatchObject({ type: 'success', structuredOutput: { spec_markdown: '# S' } });
  });

  it('and waited in vain leaves nothing that its run could stumble over, the session of both being the same', async () => {
    await waiting();
    await isolation.release(leaseId);
    workspace = await acquire();
    expect(await run()).toMatchObject({ type: 'success' });
  });
});
