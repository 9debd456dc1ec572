/** One family of the text format of Prometheus, version 0.0.4. */
export interface MetricFamily {
  readonly type: string;
  /** Values by the sample's name and labels, as they are written. */
  readonly samples: ReadonlyMap<string, number>;
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const number = String.raw`(?:[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN)`;
const helpLine = new RegExp(`^# HELP (${name}) (?:[^\\\\]|\\\\[\\\\n])*$`);
const typeLine = new RegExp(`^# TYPE (${name}) (counter|gauge|histogram|summary|untyped)$`);
const sampleLine = new RegExp(`^((${name})(?:\\{(?:${label}(?:,${label})*)?\\})?) (${number})$`);

/** Reads it by the format's grammar, and throws at the first line that does not keep to it. */
export function parsePrometheus(text: string): ReadonlyMap<string, MetricFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, { type: string; readonly samples: Map<string, number> }>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const help = helpLine.exec(line)?.[1];
    const [, typed, type] = typeLine.exec(line) ?? [];
    if (help !== undefined) {
      if (families.has(help)) throw new Error(`told twice: ${line}`);
      current = help;
      families.set(help, { type: 'untyped', samples: new Map() });
    } else if (typed !== undefined && type !== undefined) {
      const family = families.get(typed);
      if (typed !== current || family === undefined || family.samples.size > 0)
        throw new Error(`out of its place: ${line}`);
      family.type = type;
    } else addSample(families.get(current), current, line);
  }
  for (const [family, { type, samples }] of families)
    if (type === 'histogram') checkHistogram(family, samples);
  return families;
}

function addSample(
  family: { readonly type: string; readonly samples: Map<string, number> } | undefined,
  current: string,
  line: string,
): void {
  const [, series, sample, value] = sampleLine.exec(line) ?? [];
  if (series === undefined || sample === undefined || value === undefined)
    throw new Error(`no line: ${line}`);
  const endings = family?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (family === undefined || !endings.some((ending) => sample === `${current}${ending}`))
    throw new Error(`of another family: ${line}`);
  if (family.samples.has(series)) throw new Error(`told twice: ${line}`);
  family.samples.set(series, Number(value.replace('Inf', 'Infinity')));
}

/** Buckets only grow, up to the one for all, which is the count. */
function checkHistogram(family: string, samples: ReadonlyMap<string, number>): void {
  const last = new Map<string, { readonly le: number; readonly count: number }>();
  for (const [series, count] of samples) {
    if (!series.startsWith(`${family}_bucket{`)) continue;
    const le = Number(/[{,]le="([^"]*)"/.exec(series)?.[1]?.replace('Inf', 'Infinity'));
    const rest = series.replace(/le="[^"]*",?/, '').replace(',}', '}');
    const before = last.get(rest);
    if (Number.isNaN(le) || (before !== undefined && (before.le >= le || before.count > count)))
      throw new Error(`no cumulative bucket: ${series} ${count}`);
    last.set(rest, { le, count });
  }
  for (const [rest, { le, count }] of last) {
    const total = samples.get(rest.replace('_bucket', '_count').replace('{}', ''));
    if (le !== Number.POSITIVE_INFINITY || total !== count)
      throw new Error(`its buckets are not all: ${rest}`);
    if (!samples.has(rest.replace('_bucket', '_sum').replace('{}', ''))) throw new Error(`no sum: ${rest}`);
  }
}
