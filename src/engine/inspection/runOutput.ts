import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import type { LiveEntry, TokenUsage } from '../protocol/inspector.ts';
import { followFile } from '../process/followFile.ts';
import { openRegular, readTail } from '../process/readTail.ts';
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

interface Mark {
  /** Number of the first entry of the line at `offset`. */
  readonly index: number;
  readonly offset: number;
}

/**
 * An agent's output as numbered entries: counted once, as it is written, and read again from the file by range. What is
 * kept in memory is a place in the file for every few hundred entries, and the newest entries.
 */
export class RunOutput {
  private readonly path: string;
  private readonly worktreePath: string;
  private readonly marks: Mark[] = [{ index: 0, offset: 0 }];
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
    const found: LiveEntry[] = [];
    const end = Math.min(from + count, this.count);
    for await (const { index, entry } of this.read(from)) {
      if (index >= end) break;
      if (index >= from) found.push(shown(index, entry));
    }
    return found;
  }

  /** The text behind an entry; null when there is no such entry. */
  async detail(wanted: number): Promise<{ readonly text: string; readonly isCut: boolean } | null> {
    if (wanted >= this.count) return null;
    for await (const { index, entry } of this.read(wanted)) if (index === wanted) return detailOf(entry);
    return null;
  }

  /** The entries whose text holds the words, upper and lower case alike. */
  async search(words: string): Promise<{ readonly matches: number[]; readonly isCut: boolean }> {
    const wanted = words.toLowerCase();
    const matches: number[] = [];
    for await (const { index, entry } of this.read(0)) {
      if (index >= this.count) break;
      if (!entry.text.toLowerCase().includes(wanted)) continue;
      if (matches.length === longestMatchList) return { matches, isCut: true };
      matches.push(index);
    }
    return { matches, isCut: false };
  }

  private add(text: string, offset: number): void {
    const entries = entriesOfLine(text, this.worktreePath);
    const last = this.marks.at(-1);
    if (last === undefined || this.count - last.index >= entriesPerMark)
      this.marks.push({ index: this.count, offset });
    for (const entry of entries) {
      this.newest.push(shown(this.count, entry));
      this.count += 1;
    }
    // Cut in bulk: shifting for each entry would cost as much as parsing.
    if (this.newest.length > 2 * tailLength) this.newest = this.newest.slice(-tailLength);
  }

  private async *read(from: number): AsyncGenerator<{ readonly index: number; readonly entry: LineEntry }> {
    const file = await openRegular(this.path);
    if (file === null) return;
    try {
      const { index: first, offset: start } = this.markBefore(from);
      const lines = new LineSplitter(start);
      let index = first;
      let offset = start;
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, offset);
        offset += bytesRead;
        const complete = bytesRead === 0 ? lines.end() : lines.push(buffer.subarray(0, bytesRead));
        for (const { text } of complete) {
          for (const entry of entriesOfLine(text, this.worktreePath)) {
            yield { index, entry };
            index += 1;
          }
        }
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

const shown = (index: number, { kind, text, hasDetail }: LineEntry): LiveEntry => ({
  index,
  kind,
  text,
  hasDetail,
});
