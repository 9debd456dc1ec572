import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import pc from 'picocolors';
import { parseBundle } from '../context/bundle.ts';
import { digestOfBody } from '../context/digest.ts';
import { renderBundle } from '../context/render.ts';
import { budgetLeftUsd } from '../domain/budget.ts';
import { metricsOf, type Metrics } from '../domain/metrics.ts';
import type { Stage } from '../domain/stage.ts';
import { statusOf, type Task, totalCostUsd } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { AuditRow } from '../ports/store.ts';
import { isoTime, reasonOf, wireEvent, wireTask } from '../protocol/wire.ts';
import { type ExitCode, exitCodes } from './exitCodes.ts';
import { elapsed, outcomeMark, plain, plainBlock, shortId, stageNames, usd } from './format.ts';
import { type Assets, openAnywhere, placeOf } from './hostEngine.ts';
import type { CommonOptions } from './options.ts';
import { type HostIo, Output } from './output.ts';
import { findTask } from './taskReference.ts';

/** Rows read at a time: bounded memory however long the history is. */
const pageSize = 1000;

type Reader<Options extends CommonOptions> = (
  records: Records,
  output: Output,
  options: Options,
) => Promise<ExitCode>;

/** Opens the storage for one reading command and closes it again. */
export async function read<Options extends CommonOptions>(
  name: string,
  options: Options,
  io: HostIo,
  assets: Assets,
  reader: Reader<Options>,
): Promise<ExitCode> {
  const engine = await openAnywhere(await placeOf(options, io), io, assets, `orchestrator ${name}`);
  try {
    return await reader(engine.records, new Output(io, options.json === true), options);
  } finally {
    await engine.close();
  }
}

export const tasks: Reader<CommonOptions> = async (records, output) => {
  let count = 0;
  for await (const task of allTasks(records)) {
    count += 1;
    output.object({ type: 'task', ...wireTask(task) });
    output.text(
      `${pc.bold(shortId(task.id))}  ${statusOf(task).padEnd(10)}  ${plain(task.title, 48).padEnd(48)}  ${pc.dim(standing(task))}`,
    );
  }
  if (count === 0)
    output.text('No tasks yet. Create one: orchestrator run --title "..." --test-command "..."');
  return exitCodes.asAsked;
};

export const show =
  (reference: string): Reader<CommonOptions> =>
  async (records, output) => {
    const task = await findTask(records, reference);
    output.object({ type: 'task', description: task.description, ...wireTask(task) });
    output.text(`${pc.bold(plain(task.title))}  ${pc.dim(task.id)}`);
    if (task.description !== '') output.text(plainBlock(task.description));
    output.text(`\nStatus    ${statusOf(task)}, ${standing(task)}`);
    if (task.worktree !== null)
      output.text(
        `Branch    ${plain(task.worktree.branch, Infinity)}\nWorktree  ${plain(task.worktree.path, Infinity)}`,
      );
    const left = budgetLeftUsd(task);
    const budget = left === null ? '' : `, ${usd(Math.max(0, left))} of its budget left`;
    output.text(`Cost      ${usd(totalCostUsd(task))}${budget}\n`);
    for (const run of task.runs) {
      const took = run.completedAt === null ? 'running' : elapsed(run.completedAt - run.startedAt);
      output.text(
        `${outcomeMark(run.outcome)} ${stageNames[run.stage].padEnd(14)} #${run.attempt}  ${took.padStart(8)}  ${usd(run.costUsd).padStart(8)}  ${run.outcome ?? ''}`,
      );
    }
    return exitCodes.asAsked;
  };

export const context =
  (reference: string): Reader<CommonOptions & { readonly stage?: Stage }> =>
  async (records, output, { stage }) => {
    const task = await findTask(records, reference);
    const bundles = (await records.bundles(task.id)).filter(
      (bundle) => stage === undefined || bundle.stage === stage,
    );
    if (bundles.length === 0)
      throw new OrchestratorError('bad-input', `"${plain(task.title)}" has no ${stage ?? ''} context yet.`);
    const accepted = new Set<string>([task.requestDigest, ...Object.values(task.accepted)]);
    for (const { digest, version, stage: from, runId, createdAt } of bundles) {
      const stored = await records.bundle(digest);
      if (stored === null)
        throw new OrchestratorError('internal', `The context ${digest} is missing from the database.`);
      const bundle = parseBundle(stored.body);
      const isAccepted = accepted.has(digest);
      output.object({
        type: 'context',
        task_id: task.id,
        stage: from,
        version,
        digest,
        run_id: runId,
        accepted: isAccepted,
        created_at: isoTime(createdAt),
        bundle,
      });
      output.text(
        `${pc.bold(from)} v${version}${isAccepted ? pc.green(' accepted') : ''}  ${pc.dim(`sha256 ${digest}`)}\n\n${plainBlock(renderBundle(bundle))}\n`,
      );
    }
    return exitCodes.asAsked;
  };

export interface AuditOptions extends CommonOptions {
  readonly verify?: boolean;
  readonly export?: string;
}

export const audit =
  (reference: string | undefined, io: HostIo): Reader<AuditOptions> =>
  async (records, output, options) => {
    const taskId = reference === undefined ? undefined : (await findTask(records, reference)).id;
    const query = taskId === undefined ? {} : { taskId };
    if (options.export !== undefined)
      await exportRows(allRows(records, query), resolve(io.cwd, options.export), output);
    if (options.verify === true) return verify(records, output);
    if (options.export !== undefined) return exitCodes.asAsked;
    for await (const row of allRows(records, query)) {
      output.object({ ...wireEvent(row), actor: row.actor, cause: row.cause, hash: row.hash });
      output.text(
        `${String(row.seq).padStart(5)}  ${isoTime(row.at)}  ${shortId(row.taskId)}  ${row.type.padEnd(21)} ${row.actor.padEnd(6)} ${pc.dim(plain(row.cause))}`,
      );
    }
    return exitCodes.asAsked;
  };

async function exportRows(rows: AsyncIterable<AuditRow>, path: string, output: Output): Promise<void> {
  const lines: string[] = [];
  for await (const row of rows)
    lines.push(JSON.stringify({ ...wireEvent(row), actor: row.actor, cause: row.cause, hash: row.hash }));
  await writeFile(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 }).catch((error: Error) => {
    throw new OrchestratorError('bad-input', `${path} cannot be written: ${error.message}`);
  });
  output.object({ type: 'exported', rows: lines.length, file: path });
  output.text(`${lines.length} rows written to ${path}.`);
}

async function verify(records: Records, output: Output): Promise<ExitCode> {
  const { ok, rows, firstBadRow } = await records.verifyAudit();
  output.object({ ok, rows, first_bad_row: firstBadRow });
  output.text(
    ok
      ? `The audit trail is whole: ${rows} rows, every hash fits.`
      : `The audit trail was changed: row ${firstBadRow} does not fit; the ${rows} before it do.`,
  );
  return ok ? exitCodes.asAsked : exitCodes.needsAttention;
}

export const metrics: Reader<CommonOptions> = async (records, output) => {
  const all: Task[] = [];
  for await (const task of allTasks(records)) all.push(task);
  const events: AuditRow[] = [];
  for await (const row of allRows(records, {})) events.push(row);
  const digests = new Set(all.flatMap((task) => task.runs.flatMap((run) => run.inputDigests)));
  const stored = new Set<string>();
  for (const digest of digests) {
    const bundle = await records.bundle(digest);
    if (bundle !== null && digestOfBody(bundle.body) === digest) stored.add(digest);
  }
  const measured = metricsOf(all, events, (digest) => stored.has(digest));
  output.object({ type: 'metrics', ...measured });
  output.text(describeMetrics(measured));
  return exitCodes.asAsked;
};

function describeMetrics(measured: Metrics): string {
  const percent = (value: number | null): string =>
    value === null ? 'no data' : `${(value * 100).toFixed(1)} %`;
  const time = (value: number | null): string => (value === null ? 'no data' : elapsed(value));
  const line = (name: string, value: string, target: string): string =>
    `${name.padEnd(24)} ${value.padStart(10)}   ${pc.dim(target)}`;
  return [
    line('Completion', percent(measured.completionRate), 'target > 90 %'),
    line('Average stage', time(measured.averageStageMs), 'target < 30:00'),
    line(
      'Slot utilization',
      percent(measured.utilization),
      'target > 70 %, two execution slots while work waits or runs',
    ),
    line('Context preservation', percent(measured.contextPreservation), 'target 100 %'),
    line('Intervention', percent(measured.interventionRate), 'target < 10 %'),
    line('Tasks', String(measured.tasks), ''),
    line('Cost', usd(measured.costUsd), ''),
  ].join('\n');
}

function standing(task: Task): string {
  const stage = `${stageNames[task.stage].toLowerCase()}, ${task.phase.type}`;
  const reason = ['attention', 'gate', 'backoff', 'parked'].includes(task.phase.type)
    ? `: ${plain(reasonOf(task) ?? '', 100)}`
    : '';
  return `${stage}${reason}`;
}

async function* allTasks(records: Records): AsyncIterable<Task> {
  for (let offset = 0; ; offset += pageSize) {
    const page = await records.tasks({ limit: pageSize, offset });
    yield* page;
    if (page.length < pageSize) return;
  }
}

async function* allRows(records: Records, query: { readonly taskId?: Task['id'] }): AsyncIterable<AuditRow> {
  let after = 0;
  for (;;) {
    const page = await records.audit({ ...query, after, limit: pageSize });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.seq;
  }
}
