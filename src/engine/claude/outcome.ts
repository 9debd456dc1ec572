import type { Failure } from '../domain/outcome.ts';
import { oldestClaudeVersion } from '../ports/claudeVersion.ts';
import type { ExitRecord } from '../ports/isolation.ts';
import { authenticationFailure, failureOfResult, type RequestTrouble } from './resultFailure.ts';
import type { CliInit, CliResult } from './streamMessages.ts';

/** Why the engine itself ended the CLI. */
export type StopReason = 'start-timeout' | 'too-old' | 'inactive' | 'no-exit' | 'authentication';

/** All that is known about a run of the CLI once it has ended. */
export interface CliEvidence extends RequestTrouble {
  readonly exit: ExitRecord;
  readonly init: CliInit | null;
  /** The last one. */
  readonly result: CliResult | null;
  readonly stopped: StopReason | null;
  /** The end of what it printed outside of its stream. */
  readonly stderrTail: string;
}

export type CliOutcome =
  | {
      readonly type: 'success';
      /** Checked by the CLI against the schema, by us not yet. */
      readonly structuredOutput: unknown;
      readonly sessionId: string;
      readonly costUsd: number;
      readonly turns: number;
      readonly cliVersion: string | null;
    }
  | {
      readonly type: 'failure';
      readonly failure: Failure;
      readonly sessionId: string | null;
      readonly costUsd: number;
      readonly cliVersion: string | null;
    };

/**
 * Judges a run by what it said and how it ended. A good result counts even if the program had to be ended after it; the
 * exit code alone proves nothing either way.
 */
export function classify(evidence: CliEvidence): CliOutcome {
  const { result, init } = evidence;
  const sessionId = result?.sessionId ?? init?.sessionId ?? null;
  const known = { costUsd: result?.costUsd ?? 0, cliVersion: init?.version ?? null };
  const failure = failureOf(evidence);
  if (failure === null && result !== null && sessionId !== null) {
    const { structuredOutput, turns } = result;
    return { type: 'success', structuredOutput, sessionId, turns, ...known };
  }
  return { type: 'failure', failure: failure ?? unexplained, sessionId, ...known };
}

const unexplained: Failure = {
  code: 'internal',
  message: 'Claude Code reported a success without a session.',
};

function failureOf(evidence: CliEvidence): Failure | null {
  return evidence.result === null
    ? failureWithoutResult(evidence)
    : failureOfResult(evidence.result, evidence);
}

function failureWithoutResult({ exit, init, stopped, stderrTail }: CliEvidence): Failure {
  if (stopped === 'authentication') return authenticationFailure;
  if (stopped === 'too-old') {
    return {
      code: 'cli-unusable',
      message: `Claude Code ${init?.version} is too old: ${oldestClaudeVersion} or newer is needed.`,
      remedy: 'Run `claude update` where the stage runs; in a container, update the image.',
    };
  }
  if (stopped === 'start-timeout') {
    return {
      code: 'timeout',
      message: withDetail('Claude Code did not start in time and was ended.', stderrTail),
      remedy: 'Check that the machine is not overloaded and that `claude --version` answers there.',
    };
  }
  if (stopped === 'inactive') {
    return {
      code: 'timeout',
      message: 'Claude Code showed no sign of life for too long and was ended.',
      remedy: 'Retry; if it happens again, check the connection to the service.',
    };
  }
  if (exit.reason === 'timeout') {
    return {
      code: 'timeout',
      message: 'The stage took longer than its time limit and was ended.',
      remedy: "Raise the stage's timeout in the task's settings, or make the task smaller, then retry.",
    };
  }
  if (exit.reason === 'exited' && exit.signal === null && !isSignalCode(exit.code)) {
    const isUnusable = exit.code === 126 || exit.code === 127 || (init === null && exit.code !== 0);
    if (isUnusable) return unusable(exit.code, stderrTail);
  }
  return {
    code: 'killed',
    message: withDetail(`Claude Code ended without a result (${howItEnded(exit)}).`, stderrTail),
    remedy: 'Retry; if it happens again, check the memory and what else ends processes there.',
  };
}

/** It never got as far as its first line: missing, half installed, or at odds with its arguments or environment. */
function unusable(code: number | null, stderrTail: string): Failure {
  const isRoot = stderrTail.includes('root/sudo privileges');
  return {
    code: 'cli-unusable',
    message: withDetail(`Claude Code could not start (exit code ${code}).`, stderrTail),
    remedy: isRoot
      ? 'Run the agent as an ordinary user: Claude Code refuses to bypass permissions as root.'
      : 'Run `claude --version` and update it; if it is missing or broken, reinstall it with `npm install -g @anthropic-ai/claude-code`.',
  };
}

/** 128 + signal number: how shells, and the CLI itself, report a signal. */
const isSignalCode = (code: number | null): boolean => code !== null && code > 128 && code < 160;

function howItEnded({ code, signal, reason, detail }: ExitRecord): string {
  if (detail !== undefined) return detail;
  if (reason === 'lost') return 'nobody knows how';
  if (signal !== null) return signal;
  return reason === 'stopped' ? 'it was stopped' : `exit code ${code}`;
}

const tailLines = 3;
const tailLineLength = 200;

/** A crash prints kilobytes of its own source: the ends of the last lines are what a person can use. */
function withDetail(message: string, stderrTail: string): string {
  const lines = stderrTail.split('\n').map((line) => line.trim());
  const last = lines.filter((line) => line !== '').slice(-tailLines);
  return last.length === 0
    ? message
    : `${message} It said: ${last.map((line) => line.slice(0, tailLineLength)).join(' / ')}`;
}
