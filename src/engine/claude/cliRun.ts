import { join } from 'node:path';
import type { Clock } from '../ports/clock.ts';
import type { Launch, Workspace } from '../ports/isolation.ts';
import { followFile } from '../process/followFile.ts';
import { readTail } from '../process/readTail.ts';
import { Redactor, secretValuesOf } from '../process/redactor.ts';
import { runFiles } from '../process/runDirectory.ts';
import { activityOf, type Activity } from './activity.ts';
import { maxRetriesVariable } from './environment.ts';
import { classify, type CliEvidence, type CliOutcome, type StopReason } from './outcome.ts';
import type { CliMessage } from './streamMessages.ts';
import { StreamParser } from './streamParser.ts';
import { defaultLimits, Watchdog, type CliLimits } from './watchdog.ts';

export interface CliRunOptions {
  readonly workspace: Workspace;
  readonly runDir: string;
  /** As in the launch. */
  readonly env: Launch['env'];
  /** What to start; not asked for a run that this run directory holds already. */
  readonly launch: () => Promise<Launch>;
  readonly clock: Clock;
  /** Aborting only stops following: the run goes on, for whoever takes it up next. */
  readonly signal: AbortSignal;
  /** Called for a run taken up again from its beginning, too. */
  readonly onActivity: (activity: Activity) => void;
  readonly limits?: CliLimits;
}

/**
 * Runs the CLI in the workspace, or takes up the run that this run directory holds, follows it to its end and judges it.
 * Rejects with the signal's reason when aborted, and when the workspace itself fails.
 */
export async function runCli(options: CliRunOptions): Promise<CliOutcome> {
  const { workspace, runDir, env, launch, signal } = options;
  signal.throwIfAborted();
  if (!(await workspace.wasStarted(runDir))) await workspace.start(await launch());

  const done = new AbortController();
  const following = AbortSignal.any([signal, done.signal]);
  const ended = workspace.ended(runDir, following);
  // Awaited below, unless following fails first: then the abort makes it reject with nobody left to hear.
  ended.catch(() => undefined);

  const findings = new Findings(options.clock, allowsRetries(env));
  const watchdog = new Watchdog(options.clock, options.limits ?? defaultLimits, (reason) => {
    findings.stopped = reason;
    workspace.stop(runDir).catch((error: unknown) => done.abort(error));
  });
  const secrets = secretValuesOf(env);
  const redactor = new Redactor(secrets);
  const parser = new StreamParser();
  const take = (messages: readonly CliMessage[]): void => {
    watchdog.saw(messages);
    for (const message of messages) {
      findings.note(message);
      const activity = activityOf(message, workspace.worktreePath);
      if (activity !== null) options.onActivity(activity);
    }
  };
  try {
    const stdout = join(runDir, runFiles.stdout);
    for await (const chunk of followFile(stdout, { from: 0, until: ended, signal: following })) {
      take(parser.push(redactor.push(chunk)));
    }
    following.throwIfAborted();
    take(parser.push(redactor.end()));
    take(parser.end());
    const exit = await ended;
    const stderr = await readTail(join(runDir, runFiles.stderr), tailBytes);
    return classify({ ...findings.evidence(redact(stderr, secrets)), exit });
  } finally {
    watchdog.close();
    done.abort();
  }
}

/** What a run has shown so far. */
class Findings {
  stopped: StopReason | null = null;
  private init: CliEvidence['init'] = null;
  private result: CliEvidence['result'] = null;
  private assistantError: string | null = null;
  private limitResetsAt: number | null = null;
  /** How long the CLI waited last before it repeated the request that is under way; null when it did not. */
  private lastWaitMs: number | null = null;
  private waitUntil: number | null = null;
  private strayText = '';
  private readonly clock: Clock;
  private readonly allowsRetries: boolean;

  constructor(clock: Clock, retriesAllowed: boolean) {
    this.clock = clock;
    this.allowsRetries = retriesAllowed;
  }

  note(message: CliMessage): void {
    switch (message.type) {
      case 'init':
        this.init = message;
        // Another turn began: what was a result before is not the last word.
        this.result = null;
        break;
      case 'result':
        this.result = message;
        break;
      case 'retry':
        this.lastWaitMs = message.delayMs;
        break;
      case 'assistant-error': {
        this.assistantError = message.error;
        const waitMs = this.lastWaitMs ?? (this.allowsRetries ? untoldWaitMs : null);
        this.waitUntil = waitMs === null ? null : this.clock.now() + waitMs;
        break;
      }
      case 'rate-limit':
        if (message.status === 'rejected') this.limitResetsAt = message.resetsAt;
        break;
      case 'unparsed':
        this.strayText = message.text;
        break;
      case 'text':
      case 'tool-use':
        // The request was answered after all.
        this.lastWaitMs = null;
        break;
      case 'tool-result':
      case 'denied':
    }
  }

  evidence(stderr: string): Omit<CliEvidence, 'exit'> {
    const { init, result, assistantError, limitResetsAt, waitUntil, stopped } = this;
    return {
      init,
      result,
      assistantError,
      limitResetsAt,
      waitUntil,
      stopped,
      stderrTail: stderr === '' ? this.strayText : stderr,
    };
  }
}

const tailBytes = 8_192;

/**
 * The CLI waits as long as a service asks it to, up to 60 s; asked for more, it gives up at the first refusal and does
 * not tell for how long. Ten minutes, five times, are with most services enough, and with all of them no insistence.
 */
const untoldWaitMs = 10 * 60_000;

function allowsRetries(env: Launch['env']): boolean {
  return Number(env[maxRetriesVariable] ?? '') > 0;
}

function redact(bytes: Buffer, secrets: readonly string[]): string {
  const redactor = new Redactor(secrets);
  return Buffer.concat([redactor.push(bytes), redactor.end()]).toString('utf8');
}
