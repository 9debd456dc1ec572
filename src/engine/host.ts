import { join } from 'node:path';
import { CommanderError, Command, Option } from 'commander';
import { withoutServiceKeys } from './claude/credentialGuard.ts';
import { stages, type Stage } from './domain/stage.ts';
import { doctor } from './host/doctor.ts';
import { add, resume, run } from './host/drive.ts';
import { exitCodes, explain, type ExitCode } from './host/exitCodes.ts';
import { plainBlock } from './host/format.ts';
import type { Assets } from './host/hostEngine.ts';
import { move, type MoveOptions, type MoveType } from './host/moves.ts';
import type { ImportBoardOptions } from './host/importVibeKanban.ts';
import {
  collect,
  type CommonOptions,
  type DriveOptions,
  type SettingsOptions,
  type TaskOptions,
  whole,
  withCommonOptions,
  withDriveOptions,
  withSettingsOptions,
  withTaskOptions,
} from './host/options.ts';
import type { HostIo } from './host/output.ts';
import { audit, type AuditOptions, context, metrics, read, show, tasks } from './host/reads.ts';
import { serve, type ServeOptions } from './host/serve.ts';
import { settings } from './host/taskSettings.ts';
import { version } from '../../package.json';

/** Runs one command line of the host and resolves with its exit code. Never throws. */
export async function runHost(args: readonly string[], io: HostIo, assets: Assets): Promise<ExitCode> {
  let code: ExitCode = exitCodes.asAsked;
  const program = hostProgram(io, assets, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.asAsked : exitCodes.badInput;
    const { code: errorCode, message } = explain(error);
    io.stderr.write(`${withoutServiceKeys(plainBlock(message))}\n`);
    return errorCode;
  }
}

function hostProgram(io: HostIo, assets: Assets, done: (code: ExitCode) => void): Command {
  const program = new Command('orchestrator')
    .description('Takes tasks through specification, implementation and QA with Claude Code.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // It quotes what it does not know: `--api-key=...`, say.
      outputError: (text, write) => write(withoutServiceKeys(text)),
    });
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).exitOverride();

  withDriveOptions(withTaskOptions(command('run', 'create a task and drive it until it rests'))).action(
    async (options: TaskOptions & DriveOptions) => done(await run(options, io, assets)),
  );
  withTaskOptions(command('add', 'queue a task without driving it')).action(async (options: TaskOptions) =>
    done(await add(options, io, assets)),
  );
  withDriveOptions(
    withCommonOptions(command('resume', 'drive everything unfinished until it rests, two at a time')),
  ).action(async (options: DriveOptions) => done(await resume(options, io, assets)));

  const serving = withCommonOptions(
    withDriveOptions(command('serve', 'drive everything, and serve HTTP on this machine until Ctrl-C')),
  )
    .option('--port <number>', 'where to listen (default: a free port)', whole)
    .option('--read-only', 'show, and refuse every move')
    .option(
      '--allow-origin <origin>',
      'a page on this machine that may read answers (may be repeated)',
      collect,
    );
  withSettingsOptions(serving).action(async (options: ServeOptions) =>
    done(await serve(options, io, assets)),
  );

  const moves: readonly (readonly [MoveType, string])[] = [
    ['start', 'queue a task that was kept for later, imported or paused'],
    ['approve', 'accept the specification of a task that waits for it'],
    ['retry', 'try the failed stage again'],
    ['cancel', 'end a task; its branch is kept'],
    ['advance', 'go past the gate, wait or failure that holds a task'],
    ['send-back', 'have the stage done again, with a note'],
    ['accept', 'merge a completed task'],
  ];
  for (const [type, description] of moves) {
    const each = withCommonOptions(command(`${type} <task>`, description));
    if (type === 'send-back') each.requiredOption('--note <text>', 'what should be different');
    if (type === 'accept')
      each.addOption(
        new Option('--merge <strategy>', 'how').choices(['squash', 'merge', 'none']).default('squash'),
      );
    each.action(async (task: string, options: MoveOptions) =>
      done(await move(type, task, options, io, assets)),
    );
  }

  withSettingsOptions(
    withCommonOptions(
      command('settings <task>', 'show how a task is done, or change it for the runs that have not begun'),
    ),
  ).action(async (task: string, options: SettingsOptions) => done(await settings(task, options, io, assets)));

  withCommonOptions(command('tasks', 'list the tasks, newest first')).action(async (options: CommonOptions) =>
    done(await read('tasks', options, io, assets, tasks)),
  );
  withCommonOptions(command('show <task>', 'one task with its runs')).action(
    async (task: string, options: CommonOptions) => done(await read('show', options, io, assets, show(task))),
  );
  withCommonOptions(command('context <task>', 'what the stages passed on, whole'))
    .addOption(new Option('--stage <stage>', 'only this stage').choices([...stages]))
    .action(async (task: string, options: CommonOptions & { readonly stage?: Stage }) =>
      done(await read('context', options, io, assets, context(task))),
    );
  withCommonOptions(command('audit [task]', 'everything that happened'))
    .option('--verify', 'check the hash chain')
    .option('--export <file>', 'write it as JSON lines')
    .action(async (task: string | undefined, options: AuditOptions) =>
      done(await read('audit', options, io, assets, audit(task, io))),
    );
  withCommonOptions(command('metrics', 'the success measures')).action(async (options: CommonOptions) =>
    done(await read('metrics', options, io, assets, metrics)),
  );
  withSettingsOptions(
    withCommonOptions(
      command(
        'import-vibe-kanban [database]',
        'take over the tasks of a Vibe Kanban board; none of them starts by itself',
      ),
    ),
  )
    .option('--project <name>', "take this project's tasks (name or id), wherever its repository is")
    .option('--dry-run', 'only tell what would be imported')
    .action(async (database: string | undefined, options: ImportBoardOptions) => {
      const { importVibeKanban } = await import('./host/importVibeKanban.ts');
      done(await importVibeKanban(database, options, io, assets));
    });
  withCommonOptions(
    command('export <file>', 'write all tasks, contexts and the audit trail to a file'),
  ).action(async (file: string, options: CommonOptions) => {
    const { exportTasks } = await import('./host/exportTasks.ts');
    done(await exportTasks(file, options, io, assets));
  });
  withCommonOptions(command('import <file>', 'take in the file of an export')).action(
    async (file: string, options: CommonOptions) => {
      const { importTasks } = await import('./host/importTasks.ts');
      done(await importTasks(file, options, io, assets));
    },
  );
  withCommonOptions(command('doctor', 'check what is needed, and say how to mend it'))
    .option('--claude <path>', 'the Claude Code executable')
    .option('--image <name>', 'the container image')
    .action(async (options: CommonOptions & { readonly claude?: string; readonly image?: string }) =>
      done(await doctor(options, io, assets)),
    );
  return program;
}

/** The commands that only tell: without a reader they have nothing left to do. */
const telling: ReadonlySet<string> = new Set(['tasks', 'show', 'context', 'audit', 'metrics', 'doctor']);

async function main(): Promise<void> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second time a person means it: what runs goes on by itself all the same.
      if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
      interrupt.abort();
    });
  }
  const io = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    interrupted: interrupt.signal,
  };
  const args = process.argv.slice(2);
  // A reader that went away (`| head`) is no reason for a stack trace; what is under way ends as with Ctrl-C.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') process.exit(exitCodes.internal);
    if (telling.has(args[0] ?? '')) process.exit(exitCodes.asAsked);
    interrupt.abort();
  });
  // There is nobody left to tell it to: the exit code still says how it went.
  process.stderr.on('error', () => undefined);
  process.exitCode = await runHost(args, io, {
    distFolder: __dirname,
    containerFolder: join(__dirname, '..', 'media', 'container'),
  });
}

if (require.main === module) void main();
