/** How a tool call stands: without its result so far, or with it. */
export type CallState = 'open' | 'done' | 'failed';

/**
 * Which call each result belongs to: a result is no entry of its own, it is read with its call. Kept of each is a
 * number, so that a run of hundreds of thousands of calls costs a few megabytes.
 */
export class CallResults {
  /** Calls without a result: their id -> the entry. */
  private readonly open = new Map<string, number>();
  /** Entry of the call -> twice the place in the file of the line with its result, one more when it failed. */
  private readonly found = new Map<number, number>();
  /** Results of no call that was seen: entries of their own. */
  private readonly alone = new Set<string>();

  called(id: string, index: number): void {
    this.open.set(id, index);
  }

  /** The entry of the call that this result is of; null when it stands alone. `offset`: of its line. */
  answered(id: string, offset: number, hasFailed: boolean): number | null {
    const index = this.open.get(id);
    if (index === undefined) {
      this.alone.add(keyOf(id, offset));
      return null;
    }
    this.open.delete(id);
    this.found.set(index, 2 * offset + (hasFailed ? 1 : 0));
    return index;
  }

  standsAlone(id: string, offset: number): boolean {
    return this.alone.has(keyOf(id, offset));
  }

  stateOf(index: number): CallState {
    const found = this.found.get(index);
    if (found === undefined) return 'open';
    return found % 2 === 1 ? 'failed' : 'done';
  }

  /** Place of the line with the result of the call; null while there is none. */
  placeOf(index: number): number | null {
    const found = this.found.get(index);
    return found === undefined ? null : Math.floor(found / 2);
  }
}

const keyOf = (id: string, offset: number): string => `${offset}/${id}`;
