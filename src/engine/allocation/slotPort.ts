import { readFile, readdir, readlink } from 'node:fs/promises';
import type { SlotPort } from '../domain/allocation.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { ContainerEngine } from './containerEngine.ts';
import { EngineError } from './containerEngine.ts';

/** The words of Linux engines for a container's and for a program's port, and those of Docker Desktop. */
const portWords =
  /address already in use|port is already allocated|ports are not available|only one usage of each socket address/i;

/** Whether a container could not be started because something else listens on its port. */
export function isPortTaken(error: unknown): boolean {
  return EngineError.is(error, 500) && portWords.test(error.message);
}

/** `port-taken`, naming who holds the port as far as that can be found. */
export async function portTaken(
  engine: ContainerEngine,
  port: SlotPort,
  cause: unknown,
): Promise<OrchestratorError> {
  const holder = (await containerOn(engine, port)) ?? (await programOn(port)) ?? 'another program';
  return new OrchestratorError('port-taken', `Port ${port} is taken by ${holder}.`, {
    remedy: `Stop it, so that the container can be reached on port ${port}.`,
    cause,
  });
}

async function containerOn(engine: ContainerEngine, port: SlotPort): Promise<string | null> {
  const containers = await engine.list({});
  const holder = containers.find((container) => container.publishedPorts.includes(port));
  return holder === undefined ? null : `the container ${holder.name}`;
}

/** Linux only; elsewhere, and for programs of other users, there is nothing to read. */
async function programOn(port: SlotPort): Promise<string | null> {
  const sockets = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const rows = (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1);
    for (const row of rows) {
      // Columns: number, local address:port, remote, state (0A = listening), ..., inode as the tenth.
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
      if (state === '0A' && parseInt(local?.split(':')[1] ?? '', 16) === port)
        sockets.add(`socket:[${inode}]`);
    }
  }
  if (sockets.size === 0) return null;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (!sockets.has(target)) continue;
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a program')).trim();
      return `${name} (process ${pid})`;
    }
  }
  return null;
}
