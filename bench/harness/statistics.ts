/** What a number of measurements of one thing say. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The value below which this part of the (sorted here) values lies; between two values, in proportion. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('Nothing was measured');
  return below + (above - below) * (position - Math.floor(position));
}

/** Median and quartiles: on a machine with other work, the extremes tell of that work. */
export function summarize(values: readonly number[]): Summary {
  return {
    count: values.length,
    median: quantile(values, 0.5),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
  };
}

/** The ratio in each pair: what slows the machine down for a while slows both halves of a pair. */
export function ratios(ours: readonly number[], theirs: readonly number[]): readonly number[] {
  return ours.map((value, index) => value / (theirs[index] ?? Number.NaN));
}

/** What y grows by where x grows by one: the straight line that lies nearest to the points. */
export function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  const along = xs.reduce((sum, x, index) => sum + (x - meanX) * ((ys[index] ?? Number.NaN) - meanY), 0);
  return along / xs.reduce((sum, x) => sum + (x - meanX) ** 2, 0);
}
