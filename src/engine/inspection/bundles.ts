import { parseBundle } from '../context/bundle.ts';
import { digestOfBody } from '../context/digest.ts';
import { renderBundle } from '../context/render.ts';
import type { Digest } from '../domain/ids.ts';
import type { Task } from '../domain/task.ts';
import type { Records } from '../engine.ts';
import { OrchestratorError } from '../ports/errors.ts';
import type { AnswerTo } from '../protocol/inspector.ts';

/** As much Markdown as a page gets; the whole is in the database and in the run's folder. */
const longestMarkdown = 4 * 1024 * 1024;

/** A context as Markdown, checked against the digest it is known by. */
export async function readBundle(records: Records, task: Task, digest: Digest): Promise<AnswerTo<'bundle'>> {
  const body = await bodyOf(records, task, digest);
  const markdown = renderBundle(parseBundle(body));
  return {
    type: 'bundle',
    digest,
    markdown: markdown.slice(0, longestMarkdown),
    bytes: Buffer.byteLength(body),
    isIntact: digestOfBody(body) === digest,
    isCut: markdown.length > longestMarkdown,
  };
}

/** A QA report, each criterion with the words of the specification it judged. */
export async function readReport(records: Records, task: Task, digest: Digest): Promise<AnswerTo<'report'>> {
  const bundle = parseBundle(await bodyOf(records, task, digest));
  if (bundle.type !== 'qa') throw new OrchestratorError('bad-input', 'This context is not a QA report.');
  const run = task.runs.find(({ outputDigest }) => outputDigest === digest);
  const texts = new Map<string, string>();
  for (const input of run?.inputDigests ?? []) {
    const context = parseBundle(await bodyOf(records, task, input));
    if (context.type === 'specification') for (const { id, text } of context.criteria) texts.set(id, text);
  }
  const { verdict, summary, findings, tests } = bundle;
  return {
    type: 'report',
    digest,
    verdict,
    summary,
    criteria: bundle.criteria.map((criterion) => ({ ...criterion, text: texts.get(criterion.id) ?? null })),
    findings,
    tests,
  };
}

async function bodyOf(records: Records, task: Task, digest: Digest): Promise<string> {
  const stored = await records.bundle(digest);
  if (stored === null || !isOf(task, digest, stored.taskId))
    throw new OrchestratorError('bad-input', `This task has no context ${digest.slice(0, 12)}.`);
  return stored.body;
}

/** The same bytes are stored once, under the task that yielded them first. */
const isOf = (task: Task, digest: Digest, owner: string): boolean =>
  owner === task.id ||
  digest === task.requestDigest ||
  task.runs.some((run) => run.outputDigest === digest || run.inputDigests.includes(digest));
