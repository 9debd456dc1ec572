// `npm run demo`: one task through all three stages, on a small sample repository, with the real Claude Code CLI.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pc from 'picocolors';
import * as v from 'valibot';
import { featureRequest, makeSampleRepository } from '../test/support/sampleRepository.ts';
import { ScriptedMessagesApi } from '../test/support/scriptedMessagesApi.ts';
import { HostCommand } from './demo/hostCommand.ts';
import { chooseIsolation } from './demo/isolation.ts';
import { sampleModel } from './demo/sampleModel.ts';

/** Tight, so that the demo with a real key cannot become dear: their sum is the most it can cost. */
const budgets = { specification: 0.75, implementation: 1.5, qa: 0.75 };

const made = v.object({ type: v.literal('task'), task_id: v.string(), branch: v.nullable(v.string()) });

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'orchestrator-demo-'));
  const repository = await makeSampleRepository(join(folder, 'tiny-text'));
  const home = join(folder, 'home');
  await mkdir(home);
  const isReal = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'].some(
    (name) => (process.env[name] ?? '') !== '',
  );
  const isolation = await chooseIsolation(isReal);
  const api = isReal
    ? null
    : await new ScriptedMessagesApi({ model: sampleModel(), host: isolation.apiHost }).start();

  say(pc.bold('One task, from a request to a reviewed diff'));
  say(`Repository  ${repository} (a sample; its tests fail until the feature exists)`);
  say(`Isolation   ${isolation.description}`);
  say(`Model       ${isReal ? describeReal() : describeScripted}`);
  const settings = join(folder, 'settings.json');
  const stages = Object.fromEntries(
    Object.entries(budgets).map(([stage, maxBudgetUsd]) => [stage, { maxBudgetUsd }]),
  );
  await writeFile(settings, JSON.stringify({ stages }));
  const host = new HostCommand({
    repository,
    storage: join(folder, 'storage'),
    env: {
      ...process.env,
      // Not yours: the demo leaves no trace among your own sessions and settings.
      HOME: home,
      ...(api === null
        ? {}
        : {
            ANTHROPIC_API_KEY: 'no-key-is-needed-here',
            ANTHROPIC_BASE_URL: `http://${isolation.apiHost}:${api.port}`,
          }),
    },
  });
  try {
    const { title, description, testCommand } = featureRequest;
    heading(`orchestrator run --title "${title}" --test-command "${testCommand}"`);
    const code = await host.show(
      'run',
      '--title',
      title,
      '--description',
      description,
      '--test-command',
      testCommand,
      '--settings',
      settings,
      '--isolation',
      isolation.kind,
      ...(isolation.kind === 'process'
        ? ['--claude', join(dirname(__dirname), 'node_modules/.bin/claude')]
        : []),
    );
    const task = (await host.read('tasks')).find((line) => v.is(made, line));
    if (task !== undefined) await showResult(host, task, repository);
    if (task !== undefined && code === 0)
      say(`\nTo merge it into main:  ${host.line('accept', task.task_id.slice(0, 8))}`);
    say(`Everything of this demo lies in ${folder}; delete it when you have seen enough.`);
    return code;
  } finally {
    await api?.close();
  }
}

async function showResult(
  host: HostCommand,
  task: v.InferOutput<typeof made>,
  repository: string,
): Promise<void> {
  heading('orchestrator context --stage specification');
  await host.show('context', task.task_id, '--stage', 'specification');
  if (task.branch !== null) {
    heading(`git diff main...${task.branch}`);
    await git(repository, '--no-pager', '-c', 'color.ui=auto', 'diff', `main...${task.branch}`);
  }
  heading('orchestrator context --stage qa');
  await host.show('context', task.task_id, '--stage', 'qa');
  heading('orchestrator audit');
  await host.show('audit', task.task_id);
  await host.show('audit', '--verify');
  heading('orchestrator metrics');
  await host.show('metrics');
}

function git(cwd: string, ...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

function describeReal(): string {
  const most = Object.values(budgets).reduce((sum, usd) => sum + usd, 0);
  return `the real service, with the credentials of your environment: usually well under a dollar, at most about $${most}`;
}

const describeScripted =
  'scripted, on this machine, because neither ANTHROPIC_API_KEY nor CLAUDE_CODE_OAUTH_TOKEN is set. The CLI is the real one; nothing is sent out, and the costs shown are made up';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const heading = (line: string): void => say(`\n${pc.bold(pc.cyan(`$ ${line}`))}\n`);

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
