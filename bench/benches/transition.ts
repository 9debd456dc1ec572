import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import { atMost, type Bench, type BenchContext, measurement, type Row } from '../harness/bench.ts';
import { EngineRoom, hostAddress } from '../harness/engineRoom.ts';
import { ownImage } from '../harness/ownImage.ts';
import { gapsOf, placeStandIn } from '../harness/standIn.ts';

const docker = (...args: readonly string[]): Promise<unknown> => promisify(execFile)('docker', [...args]);

/** Our own image with the stand-in before Claude Code in the search path. */
async function buildStandInImage(context: BenchContext, tag: string): Promise<void> {
  await placeStandIn(context);
  const from = await ownImage(await openDockerEngine(), context);
  const dockerfile = `FROM ${from}\nCOPY claude /usr/local/sbin/claude\n`;
  await writeFile(join(context.scratch, 'Dockerfile'), dockerfile);
  await docker('build', '--quiet', '--tag', tag, context.scratch);
}

async function run(context: BenchContext): Promise<readonly Row[]> {
  await hostAddress('docker');
  const image = `orchestrator-manager-bench:${randomUUID()}`;
  await buildStandInImage(context, image);
  try {
    return await measure(context, image);
  } finally {
    await docker('rmi', '--force', image);
  }
}

async function measure(context: BenchContext, image: string): Promise<readonly Row[]> {
  const room = await EngineRoom.open(context, { settings: { isolation: 'docker', image }, baseUrl: null });
  const gaps: number[] = [];
  try {
    // The first one warms up.
    for (let turn = 0; turn <= (context.pairs ?? 10); turn += 1) {
      const task = await room.complete();
      const found = await gapsOf(join(room.storage, 'runs', task.id, 'times'));
      context.say(found.map((ms) => `${ms.toFixed(0)} ms`).join(', '));
      if (turn > 0) gaps.push(...found);
      await room.finish(task);
    }
  } finally {
    await room.close();
  }
  return [
    measurement('from a CLI’s end to the next one’s start, in a container', 'ms', gaps, {
      figure: atMost(250),
    }),
  ];
}

export const transition: Bench = { title: 'From stage to stage in a container', run };
