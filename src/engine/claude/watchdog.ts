import { isTooOld } from '../ports/claudeVersion.ts';
import type { Clock } from '../ports/clock.ts';
import type { StopReason } from './outcome.ts';
import type { CliMessage } from './streamMessages.ts';

export interface CliLimits {
  /** Until the first line that counts. The CLI needs 0.5 s, on a loaded machine 3 s. */
  readonly startMs: number;
  /** Without a byte while no shell command runs: a service that only keeps the connection alive never times out. */
  readonly inactivityMs: number;
  /** From a result to the exit. */
  readonly exitAfterResultMs: number;
}

export const defaultLimits: CliLimits = { startMs: 30_000, inactivityMs: 600_000, exitAfterResultMs: 15_000 };

/** Refused credentials do not mend themselves, but the CLI would try for minutes. The first refusal may be a hiccup. */
const toleratedRefusals = 1;

/** A timer this late slept, with the machine or because this process was stopped; load alone makes it late by less. */
const sleptMs = 5_000;

/** Says when a run of the CLI should be ended: once, with the reason. */
export class Watchdog {
  private readonly clock: Clock;
  private readonly limits: CliLimits;
  private readonly onExpired: (reason: StopReason) => void;
  private phase: 'starting' | 'working' | 'finished' | 'closed' = 'starting';
  private readonly shellCommands = new Set<string>();
  private refusals = 0;
  private cancel: () => void = () => {};

  constructor(clock: Clock, limits: CliLimits, onExpired: (reason: StopReason) => void) {
    this.clock = clock;
    this.limits = limits;
    this.onExpired = onExpired;
    this.arm();
  }

  /** Output arrived, with these messages in it. */
  saw(messages: readonly CliMessage[]): void {
    for (const message of messages) this.note(message);
    // Before its first real line and after its result, mere output wins it no time.
    if (this.phase === 'working') this.arm();
  }

  close(): void {
    this.phase = 'closed';
    this.cancel();
  }

  private note(message: CliMessage): void {
    if (this.phase === 'closed') return;
    switch (message.type) {
      case 'init':
        this.phase = 'working';
        if (message.version !== null && isTooOld(message.version) === true) this.expire('too-old');
        break;
      case 'result':
        this.phase = 'finished';
        this.arm();
        break;
      case 'tool-use':
        if (message.name === 'Bash') this.shellCommands.add(message.id);
        break;
      case 'tool-result':
        this.shellCommands.delete(message.id);
        break;
      case 'retry':
        // An answer that broke off may have announced a command that was never started.
        this.shellCommands.clear();
        if (message.error !== 'authentication_failed') break;
        this.refusals += 1;
        if (this.refusals > toleratedRefusals) this.expire('authentication');
        break;
      case 'text':
      case 'denied':
      case 'rate-limit':
      case 'assistant-error':
      case 'unparsed':
    }
  }

  private arm(): void {
    this.cancel();
    this.cancel = () => {};
    switch (this.phase) {
      case 'starting':
        this.expireAfter(this.limits.startMs, 'start-timeout');
        break;
      case 'working':
        // A test suite may be silent for long; the CLI has its own limit for commands, and the stage has one in all.
        if (this.shellCommands.size === 0) this.expireAfter(this.limits.inactivityMs, 'inactive');
        break;
      case 'finished':
        this.expireAfter(this.limits.exitAfterResultMs, 'no-exit');
        break;
      case 'closed':
    }
  }

  private expireAfter(ms: number, reason: StopReason): void {
    const due = this.clock.now() + ms;
    this.cancel = this.clock.at(due, () => {
      // What the run wrote meanwhile has not been read yet, and a run that slept too had no time to write.
      if (this.clock.now() - due > sleptMs) this.expireAfter(ms, reason);
      else this.expire(reason);
    });
  }

  private expire(reason: StopReason): void {
    this.close();
    this.onExpired(reason);
  }
}
