import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import type { LiveEntry, TokenUsage } from '../protocol/inspector.ts';
import { followFile } from '../process/followFile.ts';
import { openRegular, readTail } from '../process/readTail.ts';
import { CallResults, type CallState } from './callResults.ts';
import { detailOf, entriesOfLine, type LineEntry } from './liveEntries.ts';
import { LineSplitter } from './lineSplitter.ts';

/** A place to read from every so many entries: 600,000 entries are 2,400 places. */
const entriesPerMark = 256;
const tailLength = 200;
const longestTurnMs = 15;
const chunkBytes = 256 * 1024;
const longestMatchList = 10_000;
/** The result line holds the answer a second time. */
const usageTailBytes = 4 * 1024 * 1024;

interface Text {
  readonly text: string;
  /** `text` is only the beginning. */
  readonly isCut: boolean;
}

interface EntryDetail extends Text {
  /** Of a call that has one. */
  readonly result: Text | null;
}

interface Mark {
  /** Number of the first entry of the line at `offset`. */
  readonly index: number;
  readonly offset: number;
}

/**
 * An agent's output as numbered entries: counted once, as it is written, and read again from the file by range. A tool
 * call and its result are one entry. What is kept in memory is a place in the file for every few hundred entries and for
 * every result, and the newest entries.
 */
export class RunOutput {
  private readonly path: string;
  private readonly worktreePath: string;
  private readonly marks: Mark[] = [{ index: 0, offset: 0 }];
  private readonly results = new CallResults();
  private readonly answered = new Set<number>();
  private newest: LiveEntry[] = [];
  private count = 0;
  private isRead = false;

  /** `worktreePath`: as the agent sees it; paths below it are shown without it. */
  constructor(path: string, worktreePath: string) {
    this.path = path;
    this.worktreePath = worktreePath;
  }

  get total(): number {
    return this.count;
  }

  /** Everything was read, and nothing will follow. */
  get ended(): boolean {
    return this.isRead;
  }

  /** The newest entries, oldest first; at most a screenful or two. */
  get tail(): readonly LiveEntry[] {
    return this.newest;
  }

  /** Reads what is there and then what comes, until the run has ended. `onProgress` after each read. */
  async follow(until: Promise<unknown>, signal: AbortSignal, onProgress: () => void): Promise<void> {
    const lines = new LineSplitter(0);
    for await (const chunk of followFile(this.path, { from: 0, until, signal })) {
      let since = performance.now();
      for (const { text, offset } of lines.push(chunk)) {
        this.add(text, offset);
        if (performance.now() - since < longestTurnMs) continue;
        // Everything else in the extension host waits meanwhile.
        await setImmediate();
        since = performance.now();
      }
      onProgress();
    }
    if (signal.aborted) return;
    for (const { text, offset } of lines.end()) this.add(text, offset);
    this.isRead = true;
    onProgress();
  }

  /** Entries `from` to before `from + count`, as far as they exist. */
  async entries(from: number, count: number): Promise<readonly LiveEntry[]> {
    const first = this.newest[0];
    if (first !== undefined && from >= first.index)
      return this.newest.slice(from - first.index, from - first.index + count);
    const found: (readonly [number, LineEntry])[] = [];
    const end = Math.min(from + count, this.count);
    for await (const { index, entry } of this.read(from)) {
      if (index === null) continue;
      if (index >= end) break;
      if (index >= from) found.push([index, entry]);
    }
    // Results may have come while this was read: how a call stands is told as it is now.
    return found.map(([index, entry]) => this.shown(index, entry));
  }

  /** The text behind an entry, and behind the result of a call; null when there is no such entry. */
  async detail(wanted: number): Promise<EntryDetail | null> {
    if (wanted >= this.count) return null;
    for await (const { index, entry } of this.read(wanted))
      if (index === wanted) return { ...detailOf(entry), result: await this.resultOf(wanted, entry) };
    return null;
  }

  /** The entries whose text, or whose result's first line, holds the words, upper and lower case alike. */
  async search(words: string): Promise<{ readonly matches: number[]; readonly isCut: boolean }> {
    const wanted = words.toLowerCase();
    const matches = new Set<number>();
    const calls = new Map<string, number>();
    for await (const { index, entry } of this.read(0)) {
      if (index !== null && index >= this.count) break;
      if (index !== null && entry.calls !== undefined) calls.set(entry.calls, index);
      if (!entry.text.toLowerCase().includes(wanted)) continue;
      const found = index ?? calls.get(entry.answers ?? '');
      if (found === undefined || matches.has(found)) continue;
      if (matches.size === longestMatchList) return { matches: sorted(matches), isCut: true };
      matches.add(found);
    }
    return { matches: sorted(matches), isCut: false };
  }

  /** Calls whose result came since this was asked last. */
  takeAnswered(): readonly number[] {
    const indices = [...this.answered];
    this.answered.clear();
    return indices;
  }

  callState(index: number): CallState {
    return this.results.stateOf(index);
  }

  private add(text: string, offset: number): void {
    const last = this.marks.at(-1);
    if (last === undefined || this.count - last.index >= entriesPerMark)
      this.marks.push({ index: this.count, offset });
    for (const entry of entriesOfLine(text, this.worktreePath)) {
      if (entry.answers !== undefined) {
        const call = this.results.answered(entry.answers, offset, entry.kind === 'failed-result');
        if (call !== null) {
          this.noteAnswer(call);
          continue;
        }
      }
      if (entry.calls !== undefined) this.results.called(entry.calls, this.count);
      this.newest.push(this.shown(this.count, entry));
      this.count += 1;
    }
    // Cut in bulk: shifting for each entry would cost as much as parsing.
    if (this.newest.length > 2 * tailLength) this.newest = this.newest.slice(-tailLength);
  }

  private noteAnswer(call: number): void {
    this.answered.add(call);
    const first = this.newest[0];
    const entry = first === undefined ? undefined : this.newest[call - first.index];
    if (first !== undefined && entry !== undefined)
      this.newest[call - first.index] = { ...entry, call: this.results.stateOf(call) };
  }

  private shown(index: number, { kind, text, hasDetail, calls }: LineEntry): LiveEntry {
    return { index, kind, text, hasDetail, call: calls === undefined ? null : this.results.stateOf(index) };
  }

  private async resultOf(index: number, { calls }: LineEntry): Promise<EntryDetail['result']> {
    const place = this.results.placeOf(index);
    if (place === null) return null;
    for await (const { text } of this.lines(place)) {
      const result = entriesOfLine(text, this.worktreePath).find(({ answers }) => answers === calls);
      return result === undefined ? null : detailOf(result);
    }
    return null;
  }

  /** From the line on that holds entry `from` or comes before it. `index` is null for a result: it is part of its call. */
  private async *read(
    from: number,
  ): AsyncGenerator<{ readonly index: number | null; readonly entry: LineEntry }> {
    const mark = this.markBefore(from);
    let { index } = mark;
    for await (const { text, offset } of this.lines(mark.offset)) {
      for (const entry of entriesOfLine(text, this.worktreePath)) {
        const isPart = entry.answers !== undefined && !this.results.standsAlone(entry.answers, offset);
        yield { index: isPart ? null : index, entry };
        if (!isPart) index += 1;
      }
    }
  }

  private async *lines(start: number): AsyncGenerator<{ readonly text: string; readonly offset: number }> {
    const file = await openRegular(this.path);
    if (file === null) return;
    try {
      const lines = new LineSplitter(start);
      for (let offset = start; ;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, offset);
        offset += bytesRead;
        yield* bytesRead === 0 ? lines.end() : lines.push(buffer.subarray(0, bytesRead));
        if (bytesRead === 0) return;
      }
    } finally {
      await file.close();
    }
  }

  private markBefore(wanted: number): Mark {
    let low = 0;
    let high = this.marks.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.marks[middle]?.index ?? 0) <= wanted) low = middle;
      else high = middle - 1;
    }
    return this.marks[low] ?? { index: 0, offset: 0 };
  }
}

const usageLine = v.pipe(
  v.object({
    type: v.literal('result'),
    usage: v.object({
      input_tokens: v.nullish(v.number(), 0),
      output_tokens: v.nullish(v.number(), 0),
      cache_read_input_tokens: v.nullish(v.number(), 0),
      cache_creation_input_tokens: v.nullish(v.number(), 0),
    }),
  }),
  v.transform(({ usage }): TokenUsage => ({
    input: usage.input_tokens,
    output: usage.output_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite: usage.cache_creation_input_tokens,
  })),
);

/** The tokens a run used, by the CLI's own account in its last line; null when it gave none. */
export async function readUsage(path: string): Promise<TokenUsage | null> {
  const text = (await readTail(path, usageTailBytes)).toString('utf8');
  for (const line of text.split('\n').toReversed()) {
    if (!line.includes('"result"')) continue;
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), usageLine), line);
    if (parsed.success) return parsed.output;
  }
  return null;
}

const sorted = (indices: ReadonlySet<number>): number[] => [...indices].toSorted((a, b) => a - b);
