/** Measures once, in the unit of its row. `turn` counts from 0, warm-ups below. */
export type Turn = (turn: number) => Promise<number>;

/**
 * All contenders in turns (A B A B ...), after one warm-up of each that is not counted: they see the same machine,
 * whatever else it does meanwhile. Returns what each measured, turn by turn.
 */
export async function inTurns<const Contenders extends readonly Turn[]>(
  turns: number,
  contenders: Contenders,
  warmUps = 1,
): Promise<{ readonly [Index in keyof Contenders]: readonly number[] }> {
  const measured = contenders.map((): number[] => []);
  for (let turn = -warmUps; turn < turns; turn += 1) {
    for (const [index, contender] of contenders.entries()) {
      const value = await contender(turn);
      if (turn >= 0) measured[index]?.push(value);
    }
  }
  return measured as unknown as { readonly [Index in keyof Contenders]: readonly number[] };
}

/** Milliseconds that the work took. */
export async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
