import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { deathGuard } from './program.ts';
import { runFiles } from './runDirectory.ts';
import { dismiss, standBy, type StandingProgram, supervise } from './supervise.ts';
import { supervisorOrderSchema, type SupervisorOrder } from './supervisorProtocol.ts';

/**
 * The program `node supervisor.js`: started detached by an engine, perhaps before it is needed, reads from its standard
 * input what to run, a line for each run, one run at a time; a run that it has begun needs no engine. Ends with that input,
 * after the run under way. SIGTERM stops the run, and it is its last.
 */
async function main(): Promise<void> {
  let isStopped = false;
  const stop = new Promise<'stopped'>((resolve) => {
    process.on('SIGTERM', () => {
      isStopped = true;
      resolve('stopped');
    });
  });
  // Of the terminal or editor it outlives.
  process.on('SIGHUP', () => {});
  process.on('SIGINT', () => {});
  // The engine that listened may be gone.
  process.stderr.on('error', () => {});
  // While there is nothing else to do; a failure is that of the program's start.
  deathGuard().catch(() => undefined);
  process.on('uncaughtExceptionMonitor', (error) => note(wordsOf(error)));

  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  let standing: StandingProgram | null = null;
  while (!isStopped) {
    const gone: Promise<'gone'>[] = standing === null ? [] : [standing.program.exited.then(() => 'gone')];
    const line = await Promise.race([lines.next(), stop, ...gone]);
    if (typeof line === 'string' || line.done === true) break;
    const order = parseOrder(line.value);
    if (order.type === 'stand-by') {
      standing = await standBy(order.program);
      continue;
    }
    logPath = join(order.runDir, runFiles.supervisorLog);
    const isOurs = await supervise(order, standing, stop, note);
    standing = null;
    logPath = null;
    // Whoever gave the order waits to see the run, or that there is nobody to run it.
    if (!isOurs) break;
  }
  if (standing !== null) await dismiss(standing);
}

/** That of the run under way, where its words are found when no engine is there to hear them. */
let logPath: string | null = null;

function note(words: string): void {
  if (logPath !== null) appendFileSync(logPath, `${words}\n`, { mode: 0o600 });
}

/** Errors of the parsers quote what they read, and that has secrets in it. */
function parseOrder(document: string): SupervisorOrder {
  try {
    return v.parse(supervisorOrderSchema, JSON.parse(document));
  } catch {
    throw new Error('The order on standard input is cut short or malformed');
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    note(wordsOf(error));
    process.stderr.write(`${wordsOf(error)}\n`);
    process.exit(1);
  },
);
