import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { supervise } from './supervise.ts';
import { supervisorLaunchSchema, type SupervisorLaunch } from './supervisorProtocol.ts';

/**
 * The program `node supervisor.js <run directory>`: started detached by an engine, reads what to run from its standard
 * input, and from then on needs no engine. SIGTERM stops the run.
 */
async function main(): Promise<void> {
  const stop = new Promise<'stopped'>((resolve) => {
    process.on('SIGTERM', () => resolve('stopped'));
  });
  // Of the terminal or editor it outlives.
  process.on('SIGHUP', () => {});
  process.on('SIGINT', () => {});
  const runDir = process.argv[2];
  if (runDir === undefined)
    throw new Error('Usage: supervisor.js <run directory>, with the launch document on standard input');
  await supervise(runDir, parseLaunch(await text(process.stdin)), stop);
}

/** Errors of the parsers quote what they read, and that has secrets in it. */
function parseLaunch(document: string): SupervisorLaunch {
  try {
    return v.parse(supervisorLaunchSchema, JSON.parse(document));
  } catch {
    throw new Error('The launch document on standard input is missing, cut short or malformed');
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
