import {
  longestRange,
  type AnsweredCall,
  type LiveEntry,
  type LiveState,
} from '../../src/engine/protocol/inspector.ts';

/** Entries are kept and asked for in blocks of this many. */
const blockSize = 100;
/** 4,000 entries: several screens in each direction, whatever the length of the run. */
const mostBlocks = 40;

/** The entries of a run that the page holds: those last looked at, and never more than a bounded number. */
export class LiveWindow {
  /** Block number -> its entries by place; the block used last comes last. */
  private readonly blocks = new Map<number, (LiveEntry | undefined)[]>();
  private readonly asked = new Set<number>();
  private length = 0;
  private isComplete = false;

  get total(): number {
    return this.length;
  }

  get ended(): boolean {
    return this.isComplete;
  }

  /** How many entries are held. */
  get held(): number {
    return [...this.blocks.values()].reduce((sum, block) => sum + block.filter(Boolean).length, 0);
  }

  /** The run has grown; `tail` are its newest entries. */
  grow(state: LiveState, tail: readonly LiveEntry[]): void {
    this.length = Math.max(this.length, state.total);
    this.isComplete = state.ended;
    this.accept(tail);
  }

  accept(entries: readonly LiveEntry[]): void {
    for (const entry of entries) {
      const number = Math.floor(entry.index / blockSize);
      const block = this.blocks.get(number) ?? [];
      block[entry.index % blockSize] = entry;
      this.use(number, block);
    }
    for (const number of this.blocks.keys()) {
      if (this.blocks.size <= mostBlocks) break;
      this.blocks.delete(number);
    }
  }

  /** Calls have their results; of one that is not held this is told when it is read. */
  answer(calls: readonly AnsweredCall[]): void {
    for (const { index, call } of calls) {
      const block = this.blocks.get(Math.floor(index / blockSize));
      const entry = block?.[index % blockSize];
      if (block !== undefined && entry !== undefined) block[index % blockSize] = { ...entry, call };
    }
  }

  /** Something may have been missed: entries are read anew. */
  forget(): void {
    this.blocks.clear();
  }

  at(index: number): LiveEntry | undefined {
    return this.blocks.get(Math.floor(index / blockSize))?.[index % blockSize];
  }

  /** The ranges to ask for so that `first` to `last` can be shown; a range is named once until it is answered or failed. */
  missing(first: number, last: number): { readonly from: number; readonly count: number }[] {
    const ranges: { from: number; count: number }[] = [];
    for (let number = Math.floor(first / blockSize); number * blockSize <= last; number += 1) {
      const from = number * blockSize;
      const count = Math.min(blockSize, this.length - from, longestRange);
      const block = this.blocks.get(number);
      if (block !== undefined) this.use(number, block);
      if (count <= 0 || this.asked.has(number) || this.isWhole(block, from, count, first, last)) continue;
      this.asked.add(number);
      ranges.push({ from, count });
    }
    return ranges;
  }

  /** The range that begins at `from` was answered, or will not be. */
  settle(from: number): void {
    this.asked.delete(Math.floor(from / blockSize));
  }

  private isWhole(
    block: readonly (LiveEntry | undefined)[] | undefined,
    from: number,
    count: number,
    first: number,
    last: number,
  ): boolean {
    if (block === undefined) return false;
    for (let index = Math.max(first, from); index <= Math.min(last, from + count - 1); index += 1)
      if (block[index - from] === undefined) return false;
    return true;
  }

  private use(number: number, block: (LiveEntry | undefined)[]): void {
    this.blocks.delete(number);
    this.blocks.set(number, block);
  }
}
