import { readdirSync, readFileSync } from 'node:fs';

/** What `/proc` counts in: 100 clock ticks a second on every Linux that Node runs on. */
const tickMs = 10;

interface Times {
  readonly parentPid: number;
  /** Of the process, and of those of its children that have ended and were waited for. */
  readonly ms: number;
}

/**
 * User and system time, in ms, of this process and of all that came of it and still is its descendant or was waited for.
 * Not of `strangers`, which only happen to be children: what a bench plays against.
 */
export function familyCpuMs(strangers: readonly number[]): number {
  const processes = new Map<number, Times>();
  for (const pid of readdirSync('/proc').map(Number)) {
    const times = Number.isInteger(pid) ? timesOf(pid) : null;
    if (times !== null) processes.set(pid, times);
  }
  const isOfFamily = (pid: number): boolean => {
    if (pid === process.pid) return true;
    if (strangers.includes(pid)) return false;
    const times = processes.get(pid);
    return times !== undefined && isOfFamily(times.parentPid);
  };
  return [...processes].reduce((sum, [pid, { ms }]) => (isOfFamily(pid) ? sum + ms : sum), 0);
}

function timesOf(pid: number): Times | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It ended between the two looks.
    return null;
  }
  // After the name, which may hold anything: field 4 of the line is the parent, 14 to 17 are utime, stime, cutime, cstime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    parentPid: Number(fields[1]),
    ms: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * tickMs,
  };
}

/** User and system time of this process alone, in ms. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
