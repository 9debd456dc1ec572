import { ratios, summarize, type Summary } from './statistics.ts';

/** A bound that a measured value, or its ratio to the baseline, is to keep. */
export interface Figure {
  readonly of: 'value' | 'ratio';
  readonly relation: '<=' | '>=';
  readonly bound: number;
}

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: Summary;
  readonly baseline?: { readonly name: string; readonly value: Summary };
  /** Of the pairs, ours to the baseline's. */
  readonly ratio?: Summary;
  readonly figure?: Figure;
  /** Why it misses its figure, as a profile showed; told only when it does. */
  readonly ifMissed?: string;
}

export interface BenchContext {
  /** Pairs of a turn each, at least; a bench takes as many of its own as it finds enough when null. */
  readonly pairs: number | null;
  /** A folder of its own that is removed afterwards. */
  readonly scratch: string;
  /** The built programs. */
  readonly distFolder: string;
  readonly root: string;
  /** The programs of the benches, bundled. */
  readonly programs: string;
  /** Progress, for whoever waits. */
  readonly say: (text: string) => void;
}

export interface Bench {
  /** What it is about, in a sentence. */
  readonly title: string;
  /** Measures; throws `Skipped` when this machine lacks something. */
  run(context: BenchContext): Promise<readonly Row[]>;
}

/** The machine lacks what a bench needs. */
export class Skipped extends Error {}

export type BenchResult =
  | { readonly type: 'measured'; readonly rows: readonly Row[]; readonly seconds: number }
  | { readonly type: 'skipped'; readonly why: string }
  /** A defect of the bench or of what it measures. */
  | { readonly type: 'failed'; readonly why: string };

/** The number that the row's figure is about. */
export function judged({ figure, ours, ratio }: Row): number {
  return figure?.of === 'ratio' ? (ratio?.median ?? Number.NaN) : ours.median;
}

/** Null for a row without a figure. */
export function isMet(row: Row): boolean | null {
  if (row.figure === undefined) return null;
  const { relation, bound } = row.figure;
  return relation === '<=' ? judged(row) <= bound : judged(row) >= bound;
}

/** A row of ours against a baseline that was measured in turns with it. */
export function comparison(
  what: string,
  unit: string,
  ours: readonly number[],
  baseline: { readonly name: string; readonly values: readonly number[] },
  judge: Pick<Row, 'figure' | 'ifMissed'> = {},
): Row {
  return {
    what,
    unit,
    ours: summarize(ours),
    baseline: { name: baseline.name, value: summarize(baseline.values) },
    ratio: summarize(ratios(ours, baseline.values)),
    ...judge,
  };
}

/** A row of ours alone. */
export function measurement(
  what: string,
  unit: string,
  values: readonly number[],
  judge: Pick<Row, 'figure' | 'ifMissed'> = {},
): Row {
  return { what, unit, ours: summarize(values), ...judge };
}

export const ratioAtMost = (bound: number): Figure => ({ of: 'ratio', relation: '<=', bound });
export const ratioAtLeast = (bound: number): Figure => ({ of: 'ratio', relation: '>=', bound });
export const atMost = (bound: number): Figure => ({ of: 'value', relation: '<=', bound });
