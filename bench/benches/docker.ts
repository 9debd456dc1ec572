import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { cliEnvironment } from '../../src/engine/claude/environment.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import { type Bench, type BenchContext, comparison, ratioAtMost, type Row } from '../harness/bench.ts';
import { anew, commandsOf } from '../harness/commands.ts';
import { type EngineRoom, hostAddress, inRoom, worktreeOf } from '../harness/engineRoom.ts';
import { runGit } from '../harness/git.ts';
import { inTheContainer } from '../harness/reasons.ts';
import { runToEnd } from '../harness/runToEnd.ts';
import { inTurns, timed } from '../harness/turns.ts';

const inspectSchema = v.tuple([
  v.object({
    Image: v.string(),
    Config: v.object({ User: v.string(), WorkingDir: v.string(), Env: v.array(v.string()) }),
    Mounts: v.array(
      v.object({
        Type: v.string(),
        Source: v.optional(v.string(), ''),
        Destination: v.string(),
        RW: v.boolean(),
      }),
    ),
    HostConfig: v.object({ Tmpfs: v.nullish(v.record(v.string(), v.string()), {}) }),
  }),
]);

/** `docker run --rm` as the person would type it to get what the task's container is. */
async function runLike(task: Task): Promise<readonly string[]> {
  const docker = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('docker', [...args])).stdout.trim();
  const id = await docker('ps', '-q', '--filter', `label=orchestrator-manager.task=${task.id}`);
  const [found] = v.parse(inspectSchema, JSON.parse(await docker('inspect', id)));
  const { Image, Config, Mounts, HostConfig } = found;
  return [
    'docker',
    'run',
    '--rm',
    '-i',
    '--read-only',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--pids-limit=1024',
    `--user=${Config.User}`,
    `--workdir=${Config.WorkingDir}`,
    ...Config.Env.flatMap((assignment) => ['--env', assignment]),
    ...Object.entries(HostConfig.Tmpfs ?? {}).flatMap(([path, options]) => ['--tmpfs', `${path}:${options}`]),
    ...Mounts.filter(({ Type }) => Type === 'bind').flatMap(({ Source, Destination, RW }) => [
      '--volume',
      `${Source}:${Destination}${RW ? '' : ':ro'}`,
    ]),
    Image,
  ];
}

async function run(context: BenchContext): Promise<readonly Row[]> {
  const options = { settings: { isolation: 'docker' }, modelHost: await hostAddress('docker') } as const;
  return inRoom(context, options, (room) => compare(context, room));
}

async function compare(context: BenchContext, room: EngineRoom): Promise<readonly Row[]> {
  const secrets = cliEnvironment(room.environment);
  const passed = Object.entries(secrets).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  let task: Task;
  const [ours, bare] = await inTurns(context.pairs ?? 10, [
    async () => {
      const ms = await timed(async () => {
        task = await room.complete();
      });
      context.say(`${ms.toFixed(0)} ms`);
      return ms;
    },
    async () => {
      const { path, baseCommit } = worktreeOf(task);
      const [docker = '', command = '', ...options] = await runLike(task);
      const image = options.pop() ?? '';
      const commands = await commandsOf(room.storage, task);
      await runGit(path, 'reset', '-q', '--hard', baseCommit);
      await promisify(execFile)('chown', [
        '-R',
        '--reference',
        join(room.storage, 'runs', task.id, 'specification-1', 'stdin'),
        path,
      ]);
      const ms = await timed(async () => {
        for (const { argv, stdin } of commands)
          await runToEnd([docker, command, ...options, ...passed, image, ...anew(argv)], {
            cwd: context.scratch,
            env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
            stdin,
            stdout: join(context.scratch, 'bare.jsonl'),
          });
      });
      context.say(`${ms.toFixed(0)} ms bare`);
      await room.finish(task);
      return ms;
    },
  ]);
  return [
    comparison(
      'one task of three stages in a container, wall',
      'ms',
      ours,
      { name: 'three bare `docker run --rm`', values: bare },
      { figure: ratioAtMost(0.8), ifMissed: inTheContainer },
    ),
  ];
}

export const docker: Bench = { title: 'A whole task in a container, against docker run', run };
