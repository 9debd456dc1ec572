import { readFileSync } from 'node:fs';

/** What `/proc` counts in: 100 clock ticks a second on every Linux that Node runs on. */
const tickMs = 10;

/** User and system time of this process and of its children that have ended and were waited for, in ms. */
export function familyCpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  // After the name, which may hold anything: fields 14 to 17 of the line are utime, stime, cutime, cstime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * tickMs;
}

/** User and system time of this process alone, in ms. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
