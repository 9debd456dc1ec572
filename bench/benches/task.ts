import { join } from 'node:path';
import { cliEnvironment } from '../../src/engine/claude/environment.ts';
import type { Task } from '../../src/engine/domain/task.ts';
import { type Bench, type BenchContext, comparison, ratioAtMost, type Row } from '../harness/bench.ts';
import { anew, commandsOf } from '../harness/commands.ts';
import { familyCpuMs } from '../harness/cpu.ts';
import { type EngineRoom, inRoom, worktreeOf } from '../harness/engineRoom.ts';
import { runGit } from '../harness/git.ts';
import { aroundTheCli } from '../harness/reasons.ts';
import { runToEnd } from '../harness/runToEnd.ts';
import { inTurns, timed } from '../harness/turns.ts';

function run(context: BenchContext): Promise<readonly Row[]> {
  const claudePath = join(context.root, 'node_modules', '.bin', 'claude');
  const options = { settings: { isolation: 'process', claudePath }, modelHost: '127.0.0.1' } as const;
  return inRoom(context, options, (room, model) => compare(context, room, model.pid));
}

async function compare(context: BenchContext, room: EngineRoom, modelPid: number): Promise<readonly Row[]> {
  const { HOME = '', PATH = '' } = process.env;
  const env = { HOME, PATH, LANG: 'C.UTF-8', TMPDIR: context.scratch, ...cliEnvironment(room.environment) };
  const cpu = { ours: [] as number[], bare: [] as number[] };
  const measured = async (kept: number[], turn: number, work: () => Promise<void>): Promise<number> => {
    const before = familyCpuMs([modelPid]);
    const ms = await timed(work);
    const used = familyCpuMs([modelPid]) - before;
    if (turn >= 0) kept.push(used);
    context.say(`${ms.toFixed(0)} ms, CPU ${used} ms`);
    return ms;
  };
  let task: Task;
  const [ours, bare] = await inTurns(context.pairs ?? 10, [
    (turn) =>
      measured(cpu.ours, turn, async () => {
        task = await room.complete();
      }),
    async (turn) => {
      const { path, baseCommit } = worktreeOf(task);
      const commands = await commandsOf(room.storage, task);
      await runGit(path, 'reset', '-q', '--hard', baseCommit);
      const ms = await measured(cpu.bare, turn, async () => {
        for (const { argv, stdin } of commands)
          await runToEnd(anew(argv), { cwd: path, env, stdin, stdout: join(context.scratch, 'bare.jsonl') });
      });
      await room.finish(task);
      return ms;
    },
  ]);
  const baseline = (values: readonly number[]) => ({ name: 'three bare `claude -p`', values });
  return [
    comparison('one task of three stages on the host, wall', 'ms', ours, baseline(bare), {
      figure: ratioAtMost(1.05),
      ifMissed: aroundTheCli,
    }),
    comparison('the same, CPU of the engine and all it starts', 'ms', cpu.ours, baseline(cpu.bare), {
      figure: ratioAtMost(1.1),
      ifMissed: aroundTheCli,
    }),
  ];
}

export const task: Bench = { title: 'A whole task on the host, against the CLI alone', run };
