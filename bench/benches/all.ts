import type { Bench } from '../harness/bench.ts';
import { commit } from './commit.ts';
import { docker } from './docker.ts';
import { extension } from './extension.ts';
import { growth } from './growth.ts';
import { lease } from './lease.ts';
import { open } from './open.ts';
import { queue } from './queue.ts';
import { reading } from './reading.ts';
import { rest } from './rest.ts';
import { server } from './server.ts';
import { stream } from './stream.ts';
import { task } from './task.ts';
import { transition } from './transition.ts';

/** Every bench by its name, in the order of the table. */
export const benches: Readonly<Record<string, Bench | undefined>> = {
  task,
  docker,
  transition,
  lease,
  queue,
  commit,
  open,
  growth,
  reading,
  stream,
  rest,
  extension,
  server,
};
