import pc from 'picocolors';
import { restOutcome, reasonOf } from '../protocol/wire.ts';
import type { AuditRow } from '../ports/store.ts';
import type { Notice } from '../notice.ts';
import { totalCostUsd, type Run, type Task } from '../domain/task.ts';
import type { TaskId } from '../domain/ids.ts';
import { elapsed, outcomeMark, plain, stageNames, usd } from './format.ts';
import type { HostIo } from './output.ts';

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/**
 * What a person watches while tasks run: a line for each thing that happened, and, on a terminal, a last line that
 * shows what goes on now and for how long.
 */
export class ProgressView {
  private readonly io: HostIo;
  private readonly now: () => number;
  private readonly tasks = new Map<TaskId, Task>();
  private readonly doing = new Map<TaskId, string>();
  private readonly ticker: NodeJS.Timeout | null;
  private frame = 0;
  private statusShown = false;

  constructor(io: HostIo, now: () => number) {
    this.io = io;
    this.now = now;
    this.ticker = io.stdout.isTTY === true ? setInterval(() => this.tick(), 120) : null;
    this.ticker?.unref();
  }

  show(notice: Notice): void {
    switch (notice.type) {
      case 'committed':
        for (const task of notice.tasks) this.tasks.set(task.id, task);
        for (const row of notice.rows) {
          // What the agent of the stage before did last is not what this one does.
          if (row.type === 'run.started') this.doing.delete(row.taskId);
          this.showRow(row);
        }
        return;
      case 'activity': {
        const text = plain(notice.activity.text, this.width() - 14);
        this.doing.set(notice.taskId, text);
        const mark = { says: pc.dim('“'), does: pc.cyan('→'), waits: pc.yellow('…'), denied: pc.red('⊘') }[
          notice.activity.type
        ];
        this.line(`      ${mark} ${notice.activity.type === 'says' ? pc.dim(text) : text}`);
        return;
      }
      case 'failed':
        this.line(pc.red('The engine cannot go on: see the error below.'));
    }
  }

  /** A progress line of something slow that is not a stage: the image being built. */
  step(text: string): void {
    this.line(`    ${pc.dim(plain(text, this.width() - 4))}`);
  }

  close(): void {
    if (this.ticker !== null) clearInterval(this.ticker);
    this.clearStatus();
  }

  private showRow(row: AuditRow): void {
    const task = this.tasks.get(row.taskId);
    if (task === undefined) return;
    const text = describe(row, task);
    if (text === null) return;
    const name = this.tasks.size > 1 ? pc.dim(` [${plain(task.title, 24)}]`) : '';
    this.line(`${pc.dim(new Date(row.at).toTimeString().slice(0, 8))}  ${text}${name}`);
  }

  private line(text: string): void {
    this.clearStatus();
    this.io.stdout.write(`${text}\n`);
  }

  private tick(): void {
    const running = [...this.tasks.values()].flatMap((task) =>
      task.runs.filter(({ status }) => status === 'running').map((run) => ({ task, run })),
    );
    this.clearStatus();
    if (running.length === 0) return;
    this.frame = (this.frame + 1) % spinner.length;
    const parts = running.map(({ task, run }) => {
      const doing = this.doing.get(task.id);
      const spent = totalCostUsd(task) === 0 ? '' : ` ${usd(totalCostUsd(task))}`;
      const what = doing === undefined ? '' : pc.dim(` ${plain(doing, 50)}`);
      return `${stageNames[run.stage]} ${elapsed(this.now() - run.startedAt)}${spent}${what}`;
    });
    this.io.stdout.write(`${pc.cyan(spinner[this.frame] ?? '')} ${parts.join(pc.dim('  |  '))}`);
    this.statusShown = true;
  }

  private clearStatus(): void {
    if (this.statusShown) this.io.stdout.write('\r\u001b[2K');
    this.statusShown = false;
  }

  private width(): number {
    return Math.max(60, this.io.stdout.columns ?? 110);
  }
}

/** The event in words; null for those a person need not see go by (the audit trail has them). */
function describe(row: AuditRow, task: Task): string | null {
  const run = task.runs.at(-1);
  switch (row.type) {
    case 'task.created':
      return pc.bold(plain(task.title));
    case 'workspace.ready':
      return `Worktree ${pc.bold(plain(task.worktree?.branch ?? '', Infinity))}${task.settings.isolation === 'docker' ? ', container ready' : ', on this machine (no container)'}`;
    case 'run.started':
      return run === undefined
        ? null
        : `${outcomeMark(null)} ${pc.bold(stageNames[run.stage])}${run.attempt > 1 ? ` (attempt ${run.attempt})` : ''}`;
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return ended(row, task);
    case 'gate.opened':
      return `${pc.yellow('◆')} The specification waits for approval: orchestrator approve ${task.id.slice(0, 8)}`;
    case 'rework.requested':
      return `${pc.yellow('↺')} Back to implementation with QA's findings (round ${task.qaRounds} of ${task.settings.maxQaRounds})`;
    case 'task.backoff':
    case 'task.parked':
      return `${pc.yellow('…')} ${plain(reasonOf(task) ?? '')}`;
    case 'task.needs-attention':
      return `${pc.red('✗')} ${pc.bold('Needs you:')} ${plain(reasonOf(task) ?? '', 400)}`;
    case 'task.stop-requested':
      return 'Stopping…';
    case 'task.paused':
      return 'Paused';
    case 'task.completed':
      return `${pc.green('✓')} ${pc.bold('Completed')} for ${usd(totalCostUsd(task))}; review it, then: orchestrator accept ${task.id.slice(0, 8)}`;
    case 'task.cancelled':
      return pc.dim('⊘ Cancelled');
    case 'slot.blocked':
    case 'workspace.failed':
    case 'merge.failed':
      return `${pc.yellow('!')} ${plain(failureText(row.data), 400)}`;
    case 'task.accepted':
      return restOutcome(task) === 'completed'
        ? `${pc.green('✓')} ${pc.bold('Accepted')}${task.commit === null ? '' : ` as ${task.commit.slice(0, 10)}`}`
        : null;
    default:
      return null;
  }
}

function ended(row: AuditRow, task: Task): string {
  const run: Run | undefined =
    task.runs.findLast(({ completedAt }) => completedAt === row.at) ?? task.runs.at(-1);
  if (run === undefined) return row.type;
  const took = elapsed((run.completedAt ?? row.at) - run.startedAt);
  const what = run.outcome === 'success' ? 'done' : (run.outcome ?? 'ended');
  const why = row.type === 'run.failed' ? `: ${plain(failureText(row.data), 400)}` : '';
  return `${outcomeMark(run.outcome)} ${pc.bold(stageNames[run.stage])} ${what} in ${took}, ${usd(run.costUsd)}${why}`;
}

function failureText(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  if ('holder' in data && typeof data.holder === 'string') return data.holder;
  if (
    !('failure' in data) ||
    typeof data.failure !== 'object' ||
    data.failure === null ||
    !('message' in data.failure)
  )
    return '';
  return String(data.failure.message);
}
