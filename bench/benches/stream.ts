import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { activityOf } from '../../src/engine/claude/activity.ts';
import { StreamParser } from '../../src/engine/claude/streamParser.ts';
import { followFile } from '../../src/engine/process/followFile.ts';
import { OutputFile } from '../../src/engine/process/outputFile.ts';
import { Redactor } from '../../src/engine/process/redactor.ts';
import {
  atMost,
  type Bench,
  type BenchContext,
  comparison,
  measurement,
  ratioAtLeast,
  type Row,
} from '../harness/bench.ts';
import { agentLines, bytesOf } from '../harness/cliStream.ts';
import { inTurns, timed } from '../harness/turns.ts';

const secrets = ['sk-ant-not-a-real-key-0123456789'];
const megabyte = 2 ** 20;
/** What a pipe hands over at once. */
const pieceBytes = 64 * 1024;

/** From the program's output to what a person sees, as it goes: redacted into its file, followed, redacted, parsed, validated, projected. */
async function takeIn(bytes: Buffer, times: number, path: string): Promise<number> {
  const source = new PassThrough();
  const output = new OutputFile(source, open(path, 'w', 0o600), new Redactor(secrets));
  const written = pipeline(pieces(bytes, times), source).then(() => output.finish());
  const [parser, redactor] = [new StreamParser(), new Redactor(secrets)];
  let seen = 0;
  const take = (messages: ReturnType<StreamParser['push']>): void => {
    for (const message of messages) if (activityOf(message, '/worktree') !== null) seen += 1;
  };
  const { signal } = new AbortController();
  for await (const chunk of followFile(path, { from: 0, until: written, signal }))
    take(parser.push(redactor.push(chunk)));
  take(parser.push(redactor.end()));
  take(parser.end());
  await written;
  await rm(path);
  return seen;
}

function* pieces(bytes: Buffer, times: number): Generator<Buffer> {
  for (let time = 0; time < times; time += 1)
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function parseOnly(bytes: Buffer): void {
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    JSON.parse(bytes.toString('utf8', start, end));
    start = end + 1;
  }
}

/** The most memory used meanwhile, in MB. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  await work();
  clearInterval(timer);
  return Math.max(peak, process.memoryUsage.rss()) / megabyte;
}

async function run({ scratch, pairs, say }: BenchContext): Promise<readonly Row[]> {
  const path = join(scratch, 'stdout.jsonl');
  const bytes = bytesOf(agentLines(40_000));
  const size = bytes.length / megabyte;
  say(`${size.toFixed(0)} MB of output`);
  const rate = (ms: number): number => size / (ms / 1000);
  const [ours, bare] = await inTurns(pairs ?? 10, [
    async () => rate(await timed(() => takeIn(bytes, 1, path))),
    async () => rate(await timed(() => parseOnly(bytes))),
  ]);
  say('1 GB of output');
  const times = Math.ceil(1024 / size);
  const first = await peakOf(() => takeIn(bytes, Math.ceil(times / 8), path));
  const whole = await peakOf(() => takeIn(bytes, times, path));
  say('a line of 64 MB');
  const long = bytesOf([
    JSON.stringify({
      type: 'assistant',
      message: { content: [{ type: 'text', text: 'a'.repeat(64 * megabyte) }] },
    }),
  ]);
  const [longOurs, longBare] = await inTurns(pairs ?? 10, [
    () => timed(() => takeIn(long, 1, path)),
    () => timed(() => parseOnly(long)),
  ]);
  const against = (values: readonly number[]) => ({ name: 'bare `JSON.parse`', values });
  return [
    comparison(
      'an agent’s output taken in: parsed, validated, projected, on disk',
      'MB/s',
      ours,
      against(bare),
      {
        figure: ratioAtLeast(0.3),
      },
    ),
    comparison('one line of 64 MB taken in', 'ms', longOurs, against(longBare)),
    measurement('memory at 1 GB above that at 128 MB', 'MB', [whole - first], { figure: atMost(32) }),
  ];
}

export const stream: Bench = { title: 'An agent’s output, against JSON.parse alone', run };
