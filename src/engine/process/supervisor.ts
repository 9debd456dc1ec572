import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { deathGuard } from './program.ts';
import { runFiles } from './runDirectory.ts';
import { supervise } from './supervise.ts';
import { supervisorOrderSchema, type SupervisorOrder } from './supervisorProtocol.ts';

/**
 * The program `node supervisor.js`: started detached by an engine, perhaps before it is needed, reads what to run from its
 * standard input, and from then on needs no engine. Ends when that input ends without an order. SIGTERM stops the run.
 */
async function main(): Promise<void> {
  const stop = new Promise<'stopped'>((resolve) => {
    process.on('SIGTERM', () => resolve('stopped'));
  });
  // Of the terminal or editor it outlives.
  process.on('SIGHUP', () => {});
  process.on('SIGINT', () => {});
  // The engine that listened may be gone.
  process.stderr.on('error', () => {});
  // While there is nothing else to do; a failure is that of the program's start.
  deathGuard().catch(() => undefined);
  const document = await text(process.stdin);
  if (document === '') return;
  const { runDir, launch } = parseOrder(document);
  // Where it is found when no engine is there to hear it.
  const note = (words: string): void =>
    appendFileSync(join(runDir, runFiles.supervisorLog), `${words}\n`, { mode: 0o600 });
  process.on('uncaughtExceptionMonitor', (error) => note(wordsOf(error)));
  await supervise(runDir, launch, stop, note).catch((error: unknown) => {
    note(wordsOf(error));
    throw error;
  });
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
    process.stderr.write(`${wordsOf(error)}\n`);
    process.exit(1);
  },
);
