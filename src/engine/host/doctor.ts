import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import pc from 'picocolors';
import { slotPorts } from '../domain/allocation.ts';
import { OrchestratorError } from '../ports/errors.ts';
import { makeIsolations } from '../openOrchestrator.ts';
import { execute } from '../process/exec.ts';
import { systemClock } from '../systemClock.ts';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { plain } from './format.ts';
import { type Assets, openAnywhere, type Place, placeOf } from './hostEngine.ts';
import type { CommonOptions } from './options.ts';
import { type HostIo, Output, stderrLogger } from './output.ts';

export interface DoctorOptions extends CommonOptions {
  readonly claude?: string;
  readonly image?: string;
}

interface Check {
  readonly name: string;
  /** What was found, in a few words; throws an OrchestratorError with its remedy when it will not do. */
  run(): Promise<string>;
}

/** `doctor`: everything a run needs, each with what was found or how to mend it. */
export async function doctor(options: DoctorOptions, io: HostIo, assets: Assets): Promise<ExitCode> {
  const output = new Output(io, options.json === true);
  let healthy = true;
  for (const { name, run } of await checks(options, io, assets)) {
    const result = await run().then(
      (found) => ({ ok: true, detail: found, remedy: null }),
      (error: unknown) => ({
        ok: false,
        detail: error instanceof Error ? error.message : String(error),
        remedy: OrchestratorError.is(error) ? (error.remedy ?? null) : null,
      }),
    );
    healthy &&= result.ok;
    output.object({ type: 'check', name, ...result });
    output.text(`${result.ok ? pc.green('✓') : pc.red('✗')} ${name.padEnd(12)} ${plain(result.detail, 300)}`);
    if (result.remedy !== null)
      output.text(`  ${''.padEnd(12)} ${pc.yellow('→')} ${plain(result.remedy, 300)}`);
  }
  return healthy ? exitCodes.asAsked : exitCodes.environment;
}

async function checks(options: DoctorOptions, io: HostIo, assets: Assets): Promise<readonly Check[]> {
  const git: Check = {
    name: 'git',
    run: async () => (await execute('git', ['--version'], {})).stdout.trim(),
  };
  let place: Place;
  try {
    place = await placeOf(options, io);
  } catch (error) {
    return [
      git,
      {
        name: 'repository',
        run: () => Promise.reject(error instanceof Error ? error : new Error(String(error))),
      },
    ];
  }
  const request = {
    image: options.image ?? null,
    claudePath: options.claude === undefined ? null : resolve(io.cwd, options.claude),
    baseUrl: io.env['ANTHROPIC_BASE_URL'] ?? null,
  };
  const isolations = makeIsolations({
    ...place,
    ...assets,
    clock: systemClock,
    logger: stderrLogger(io),
    onProgress: (text) => io.stderr.write(`${text}\n`),
  });
  const withIsolation = async (kind: 'docker' | 'process', found: string): Promise<string> => {
    try {
      await isolations[kind].check(request);
      return found;
    } finally {
      await isolations[kind].close();
    }
  };
  return [
    git,
    {
      name: 'repository',
      run: async () =>
        `${place.repository.path}, at ${(await place.worktrees.repository()).head.commit.slice(0, 12)}`,
    },
    { name: 'storage', run: () => storageFound(place, io, assets) },
    {
      name: 'docker',
      run: () => withIsolation('docker', 'the engine answers, the image is there or can be built'),
    },
    ...slotPorts.map((port) => ({ name: `port ${port}`, run: () => portFree(port) })),
    { name: 'claude', run: () => withIsolation('process', 'Claude Code is there and new enough') },
    { name: 'sign-in', run: () => signIn(io) },
  ];
}

async function storageFound(place: Place, io: HostIo, assets: Assets): Promise<string> {
  const engine = await openAnywhere(place, io, assets, 'orchestrator doctor');
  try {
    const damage = await engine.records.damage();
    if (damage.length > 0) throw damagedFile(place.storage, damage);
    const { ok, rows, firstBadRow } = await engine.records.verifyAudit();
    if (ok) return `${place.storage}, ${rows} audit rows, every hash fits`;
    throw new OrchestratorError(
      'environment',
      `The audit trail in ${place.storage} was changed: row ${firstBadRow} does not fit; the ${rows} before it do.`,
      { remedy: 'Compare it with a backup or an export before you rely on it.' },
    );
  } finally {
    await engine.close();
  }
}

/** An index can be made anew from its table; for anything else there are copies. */
const indexOnly = /^(row \d+ missing from index|wrong # of entries in index|non-unique entry in index) /;

function damagedFile(storage: string, damage: readonly string[]): OrchestratorError {
  const file = join(storage, 'orchestrator.db');
  const [first] = damage;
  return new OrchestratorError('environment', `The database ${file} is damaged: ${first}.`, {
    remedy: damage.every((line) => indexOnly.test(line))
      ? `Only indexes are concerned: while no orchestrator runs, \`sqlite3 "${file}" REINDEX\` mends it.`
      : `While no orchestrator runs, copy ${storage}, then put a backup in place of the file or get back what can be read with \`sqlite3 "${file}" .recover\`. Branches and worktrees are not in it.`,
  });
}

function portFree(port: number): Promise<string> {
  return new Promise((done, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new OrchestratorError('port-taken', `Port ${port} is in use (${error.code ?? error.message}).`, {
          remedy:
            'Fine if it is a task of yours under review; otherwise stop what listens there. That slot is skipped meanwhile.',
        }),
      );
    });
    server.listen(port, '127.0.0.1', () => server.close(() => done('free')));
  });
}

async function signIn(io: HostIo): Promise<string> {
  const found = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'].find(
    (name) => (io.env[name] ?? '') !== '',
  );
  if (found !== undefined) return `${found} is set`;
  throw new OrchestratorError('authentication', 'No credentials in the environment.', {
    remedy:
      'Set CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) or ANTHROPIC_API_KEY. With process isolation a login made with `claude` works too; a container cannot see that one.',
  });
}
