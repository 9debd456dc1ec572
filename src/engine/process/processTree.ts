import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, processTable, type ProcessEntry, type ProcessRef } from './processTable.ts';

/**
 * All that one program started: its descendants, and whoever carries its marker. The marker finds those that left:
 * Claude Code runs each shell command in a session of its own, out of reach of a process group, and an orphan has no
 * ancestor left to be found by.
 */
export interface ProcessTree {
  readonly root: ProcessRef | null;
  /** `NAME=value` in the environment of the program and thereby of everything it starts. */
  readonly marker: string;
}

/** Death of a stranger's child sends no event. One look costs one small read for each process still waited for. */
const lookAgainMs = 50;

/** How long a killed process may take to vanish: an exit with much memory to give back on a loaded machine. */
const killedMs = 2_000;

/** A program that forks while it is being killed is caught in a later round; what outlives this many cannot be killed. */
const killRounds = 10;

/**
 * Ends the tree: asks the root (or, without a root, everyone) with SIGTERM, gives it `graceMs`, then asks the rest if the
 * root went, and kills all that is left. Returns what could not be ended.
 */
export async function endTree(tree: ProcessTree, graceMs: number): Promise<readonly ProcessRef[]> {
  const { root } = tree;
  let known = await findTree(tree, []);
  if (root !== null && known.some((process) => isSame(process, root))) {
    await signal([root], 'SIGTERM');
    const [stubborn] = await remaining([root], graceMs);
    known = await findTree(tree, known);
    if (stubborn !== undefined) return await kill(tree, known);
  }
  await signal(known, 'SIGTERM');
  return await kill(tree, await remaining(known, graceMs));
}

/** The tree's living processes, and those of `known` that live: a child of a dead parent cannot be found a second time. */
export async function findTree(
  tree: ProcessTree,
  known: readonly ProcessRef[],
): Promise<readonly ProcessRef[]> {
  const { root, marker } = tree;
  const others = (await processTable.list()).filter(({ pid }) => pid !== process.pid);
  // What was there before the program was not started by it: most of a machine's processes need no look into theirs.
  const younger = root === null ? others : others.filter((entry) => !processTable.isOlder(entry, root));
  const marked = await processTable.withVariable(marker, younger);
  const wanted = root === null ? known : [...known, root];
  const found = new Set<ProcessEntry>(
    others.filter((entry) => marked.has(entry.pid) || wanted.some((process) => isSame(process, entry))),
  );
  // A set hands out what is added while it is walked, so this reaches every generation.
  for (const { pid } of found) {
    for (const entry of others) if (entry.parentPid === pid) found.add(entry);
  }
  return [...found];
}

async function kill(tree: ProcessTree, known: readonly ProcessRef[]): Promise<readonly ProcessRef[]> {
  let left = await findTree(tree, known);
  for (let round = 0; left.length > 0 && round < killRounds; round += 1) {
    await signal(left, 'SIGKILL');
    left = await findTree(tree, await remaining(left, killedMs));
  }
  return left;
}

/** Those that still live after `withinMs`, or none as soon as all are gone. */
async function remaining(processes: readonly ProcessRef[], withinMs: number): Promise<readonly ProcessRef[]> {
  const deadline = performance.now() + withinMs;
  let left = await living(processes);
  while (left.length > 0 && performance.now() < deadline) {
    await delay(lookAgainMs);
    left = await living(left);
  }
  return left;
}

async function living(processes: readonly ProcessRef[]): Promise<readonly ProcessRef[]> {
  const alive = await Promise.all(processes.map(isAlive));
  return processes.filter((_, index) => alive[index] === true);
}

async function signal(processes: readonly ProcessRef[], name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const process of await living(processes)) sendSignal(process, name);
}

/** Sends a signal to a process just seen alive; false when it is gone or not ours to signal. */
export function sendSignal({ pid }: ProcessRef, name: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

function isSame(left: ProcessRef, right: ProcessRef): boolean {
  return left.pid === right.pid && left.startTime === right.startTime;
}
