// `npm run bench -- --waterfall`: takes one task through all stages and draws where its time went, from its own audit
// trail and run folders, as docs/waterfall.svg.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import type { Task } from '../src/engine/domain/task.ts';
import type { AuditRow } from '../src/engine/ports/store.ts';
import { EngineRoom, startModel } from './harness/engineRoom.ts';

interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly kind: 'whole' | 'engine' | 'cli';
}

const launchSchema = v.object({ startedAt: v.number() });
const root = resolve(import.meta.dirname, '../..');

const scratch = await mkdtemp(join(tmpdir(), 'orch-waterfall-'));
const model = await startModel(import.meta.dirname, '127.0.0.1');
try {
  const room = await EngineRoom.open(
    { scratch, root, distFolder: join(root, 'dist') },
    {
      settings: { isolation: 'process', claudePath: join(root, 'node_modules', '.bin', 'claude') },
      baseUrl: model.url,
    },
  );
  // The first one fills caches that every later one finds full.
  await room.complete();
  const task = await room.complete();
  const rows = await room.orchestrator.records.audit({ taskId: task.id, after: 0, limit: 1_000 });
  const spans = await spansOf(room.storage, task, rows);
  await writeFile(join(root, 'docs', 'waterfall.svg'), drawing(spans));
  await room.close();
  for (const { name, from, to } of spans)
    process.stdout.write(`${name.padEnd(28)} ${(to - from).toFixed(0)} ms\n`);
} finally {
  await model.stop();
  await rm(scratch, { recursive: true, force: true });
}
process.exit(0);

async function spansOf(storage: string, task: Task, rows: readonly AuditRow[]): Promise<readonly Span[]> {
  const at = (type: AuditRow['type']): number => {
    const row = rows.find((candidate) => candidate.type === type);
    if (row === undefined) throw new Error(`The audit trail has no ${type}`);
    return row.at;
  };
  const stages = await Promise.all(
    task.runs.map(async ({ id, stage, startedAt, completedAt }): Promise<readonly Span[]> => {
      const folder = join(storage, 'runs', ...id.split('/'));
      const launch = v.parse(launchSchema, JSON.parse(await readFile(join(folder, 'launch.json'), 'utf8')));
      const { mtimeMs: ended } = await stat(join(folder, 'exit.json'));
      return [
        { name: `${stage}: tree and prompt`, from: startedAt, to: launch.startedAt, kind: 'engine' },
        { name: `${stage}: Claude Code`, from: launch.startedAt, to: ended, kind: 'cli' },
        { name: `${stage}: judging, commit`, from: ended, to: completedAt ?? ended, kind: 'engine' },
      ];
    }),
  );
  return [
    { name: 'the whole task', from: at('task.created'), to: at('task.completed'), kind: 'whole' },
    { name: 'worktree and workspace', from: at('task.admitted'), to: at('workspace.ready'), kind: 'engine' },
    ...stages.flat(),
  ];
}

function drawing(spans: readonly Span[]): string {
  const [whole] = spans;
  if (whole === undefined) throw new Error('There is nothing to draw');
  const [left, width, rowHeight] = [230, 620, 26];
  const scale = width / (whole.to - whole.from);
  const colors = { whole: '#8b949e', engine: '#d9822b', cli: '#3b82c4' };
  const height = spans.length * rowHeight + 50;
  const bars = spans.map(({ name, from, to, kind }, index) => {
    const [x, y] = [left + (from - whole.from) * scale, 10 + index * rowHeight];
    const length = Math.max(1, (to - from) * scale);
    return `  <text x="${left - 10}" y="${y + 15}" text-anchor="end">${name}</text>
  <rect x="${x.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="20" rx="2" fill="${colors[kind]}"><title>${(to - from).toFixed(0)} ms</title></rect>
  <text x="${(x + length + 6).toFixed(1)}" y="${y + 15}">${(to - from).toFixed(0)} ms</text>`;
  });
  const legend = `  <text x="${left}" y="${height - 14}"><tspan fill="${colors.cli}">■</tspan> Claude Code (its own start and end included)  <tspan fill="${colors.engine}">■</tspan> the engine</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 90} ${height}" font-family="sans-serif" font-size="13" fill="#57606a">
  <rect width="100%" height="100%" rx="6" fill="#ffffff"/>
${bars.join('\n')}
${legend}
</svg>
`;
}
