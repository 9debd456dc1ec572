import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sealBundle } from '../../src/engine/context/digest.ts';
import { taskIdOf } from '../../src/engine/domain/ids.ts';
import { openOrchestrator, type Orchestrator } from '../../src/engine/openOrchestrator.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';
import { defaultSettings } from '../../src/engine/settings.ts';
import { WorktreeManager } from '../../src/engine/worktrees/worktreeManager.ts';
import { CliRoom } from '../support/cliRoom.ts';
import { hostPath } from '../support/hostProcess.ts';
import { makeSampleRepository } from '../support/sampleRepository.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Scene } from '../support/scene.ts';
import { inTurn } from '../support/scriptedMessagesApi.ts';
import { SteppedClock } from '../support/steppedClock.ts';

const run = promisify(execFile);

const start = Date.UTC(2030, 0, 1);
const reset = start + 3 * 60 * 60_000;

/** In the place of the CLI: at first its limit is reached, then it specifies. */
const limitedCli = `#!${process.execPath}
const { existsSync, writeFileSync } = require('node:fs');
const isFirst = !existsSync(__filename + '.asked');
writeFileSync(__filename + '.asked', '');
const say = (line) => console.log(JSON.stringify(line));
const session_id = process.argv[process.argv.indexOf('--session-id') + 1];
const result = { type: 'result', subtype: 'success', result: '', session_id, num_turns: 2, total_cost_usd: 0.1 };
say({ type: 'system', subtype: 'init', session_id, model: 'm', permissionMode: 'plan', tools: [], claude_code_version: '2.1.330' });
if (isFirst) {
  say({ type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: ${reset / 1_000}, rateLimitType: 'five_hour' } });
  say({ ...result, is_error: true, terminal_reason: 'api_error', api_error_status: 429, api_error: 'usage_limit_reached' });
} else {
  const structured_output = { spec_markdown: '# Spec', acceptance_criteria: ['One'], open_questions: [], files: [], risks: [] };
  say({ ...result, is_error: false, terminal_reason: 'completed', structured_output });
}
`;

/** The real CLI, that writes down first what each run of it may cost. */
const recordingCli = (file: string): string => `#!/bin/sh
previous=
for argument; do
  [ "$previous" = --max-budget-usd ] && echo "$argument" >>'${file}'
  previous=$argument
done
exec '${resolve('node_modules/.bin/claude')}' "$@"
`;

async function open(
  folder: string,
  clock: SteppedClock,
  keepTranscriptsDays: number | null = null,
): Promise<Orchestrator> {
  const repository = await makeSampleRepository(join(folder, 'repository'));
  const orchestrator = await openOrchestrator({
    worktrees: new WorktreeManager({ repositoryPath: repository, worktreesDir: join(folder, 'worktrees') }),
    repository: { path: repository, name: 'sample' },
    storage: join(folder, 'storage'),
    distFolder: resolve('dist'),
    containerFolder: resolve('media/container'),
    environment: {},
    clock,
    logger: silentLogger,
    drive: 'all',
    keepTranscriptsDays,
    holder: 'a test',
    onProgress: () => {},
  });
  onTestFinished(() => orchestrator.close());
  await orchestrator.start();
  return orchestrator;
}

/** A task whose first run met the limit. */
async function parkedTask(keepTranscriptsDays: number | null = null) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'orch-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const claudePath = join(folder, 'claude');
  await writeFile(claudePath, limitedCli);
  await chmod(claudePath, 0o755);
  const clock = new SteppedClock(start);
  const { service, dispatch, records } = await open(folder, clock, keepTranscriptsDays);
  const taskId = taskIdOf(randomUUID());
  const request = { type: 'request', format: 1, title: 'Wait', description: '' } as const;
  const { body, digest } = sealBundle(request);
  const settings = {
    ...defaultSettings,
    isolation: 'process',
    gates: ['specification'],
    claudePath,
  } as const;
  const command = {
    type: 'create',
    taskId,
    title: 'Wait',
    description: '',
    priority: 0,
    settings,
  } as const;
  const bundle = { digest, taskId, runId: null, stage: 'request', body } as const;
  expect(await dispatch({ ...command, requestDigest: digest }, [bundle])).toBeNull();
  await service.until(() => service.task(taskId)?.phase.type === 'parked');
  return { service, dispatch, records, taskId, clock, transcripts: join(folder, 'storage', 'runs', taskId) };
}

describe('a usage limit', () => {
  it('parks the task, gives its execution up, and the task goes on by itself at the reset', async () => {
    const { service, taskId, clock } = await parkedTask();
    const phase = () => service.task(taskId)?.phase;

    expect(phase()).toMatchObject({ until: reset, failure: { code: 'usage-limit' } });
    clock.set(reset - 1);
    expect(phase()).toMatchObject({ type: 'parked' });
    // Again and again: a timer that is set after the clock passed it does not go off.
    await expect
      .poll(
        () => {
          clock.set(reset);
          return phase()?.type;
        },
        { timeout: 60_000 },
      )
      .toBe('gate');
    expect(service.task(taskId)?.runs.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 'failed'],
      [2, 'completed'],
    ]);
  });
});

describe('the days for which transcripts are kept', () => {
  it('end with the transcripts alone: the audit trail and every context stay, whole', async () => {
    const { dispatch, service, records, taskId, clock, transcripts } = await parkedTask(30);
    expect(await dispatch({ type: 'cancel', taskId }, [])).toBeNull();
    await service.settled(taskId);
    const recorded = async () => {
      const bundles = await records.bundles(taskId);
      return {
        audit: await records.audit({ after: 0, limit: 1_000 }),
        verdict: await records.verifyAudit(),
        bundles: await Promise.all(bundles.map(({ digest }) => records.bundle(digest))),
        task: await records.task(taskId),
      };
    };
    const before = await recorded();
    expect(before).toMatchObject({ verdict: { ok: true }, task: { phase: { type: 'cancelled' } } });
    expect(before.bundles).toHaveLength(1);
    expect(await readdir(transcripts)).toEqual(['specification-1']);
    clock.set(start + 32 * 24 * 60 * 60_000);
    await expect.poll(() => existsSync(transcripts), { timeout: 30_000 }).toBe(false);
    expect(await recorded()).toEqual(before);
  });
});

describe('the budget of a stage', () => {
  it('ends it before the next request, with the real CLI', async () => {
    const room = await CliRoom.open({ 'text.txt': 'text\n' });
    onTestFinished(() => room.close());
    const { outcome, api } = await room.run({
      stage: 'qa',
      schema: { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] },
      model: inTurn({
        type: 'answer',
        tools: [{ name: 'Read', input: { file_path: 'text.txt' } }],
        usage: { input_tokens: 900_000 },
      }),
      settings: { maxBudgetUsd: 0.01 },
    });
    expect(outcome).toMatchObject({ type: 'failure', failure: { code: 'budget' } });
    expect(api.conversation).toHaveLength(1);
  });
});

describe('the budget of a task', () => {
  it('bounds each stage by what is left of it, and a person lets it have as much again, with the real CLI', async () => {
    const turns: string[] = [];
    const scene = await Scene.make('process', [
      sampleScript('Slug it', 'right-at-once', ({ stage, turn }) => {
        turns.push(`${stage} ${turn}`);
        return null;
      }),
    ]);
    const cli = await scene.write('claude', recordingCli(join(scene.folder, 'budgets')));
    await chmod(cli, 0o755);
    const budgets = async (): Promise<readonly number[]> =>
      (await readFile(join(scene.folder, 'budgets'), 'utf8')).trimEnd().split('\n').map(Number);
    // A specification costs 0.015: what is left is less than one request.
    const held = await scene.done(scene.task('run', 'Slug it', '--max-budget', '0.018', '--claude', cli), 2);
    const [task] = held.finals();
    const id = task?.task_id ?? '';
    expect((await scene.show(id)).stages.map(({ type, outcome }) => [type, outcome])).toEqual([
      ['specification', 'success'],
      ['implementation', 'budget'],
    ]);
    const [forSpecification, forImplementation, ...others] = await budgets();
    expect(forSpecification).toBe(0.018);
    expect(forImplementation).toBeCloseTo(0.003, 10);
    expect(others).toEqual([]);
    const asked = (): readonly string[] => turns.filter((turn) => turn.startsWith('implementation'));
    expect(asked()).toEqual(['implementation 0']);
    // It is the task's budget that is spent, and what a person is told about.
    expect(JSON.stringify(held.lines.find(({ type }) => type === 'run.failed')?.data)).toMatch(
      /The task has spent its budget of \$0\.02; it has cost \$0\.\d\d in all.*Retry it to let it spend \$0\.02 more/,
    );

    const place = ['--repo', scene.repository, '--storage', scene.storage];
    const shown = await run(process.execPath, [hostPath, 'show', id, ...place]);
    expect(shown.stdout).toMatch(/Cost {6}\$0\.\d+, \$0\.0000 of its budget left/);

    // Nothing of it starts by itself.
    await scene.done(scene.host('resume'), 0);
    expect(asked()).toHaveLength(1);
    await scene.done(scene.host('retry', id), 0);
    await scene.host('resume').ended;
    expect(asked().length).toBeGreaterThan(1);
    expect((await budgets())[2]).toBe(0.018);
  });
});
