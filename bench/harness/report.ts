import { cpus, release, totalmem } from 'node:os';
import { type BenchResult, isMet, judged, type Row } from './bench.ts';
import type { Summary } from './statistics.ts';

export interface Section {
  readonly name: string;
  readonly title: string;
  readonly result: BenchResult;
}

/** What the numbers depend on. */
export interface Machine {
  readonly versions: Readonly<Record<string, string>>;
  /** Of one minute, before and after. */
  readonly load: readonly [number, number];
}

/** The table as text: for a terminal and for RESULTS.md alike. */
export function sectionText({ name, title, result }: Section): string {
  const heading = `## ${title}\n\n\`npm run bench -- ${name}\``;
  if (result.type !== 'measured')
    return `${heading}\n\n${result.type === 'skipped' ? 'Skipped' : '**Failed**'}: ${result.why}.\n`;
  const lines = result.rows.map(
    (row) =>
      `| ${[row.what, value(row.ours, row.unit), baselineText(row), ratioText(row), figureText(row), verdict(row)].join(' | ')} |`,
  );
  const missed = result.rows.filter((row) => isMet(row) === false);
  const reasons = [...new Set(missed.flatMap(({ ifMissed }) => ifMissed ?? []))].map((reason) => {
    const whose = missed.filter(({ ifMissed }) => ifMissed === reason).map(({ what }) => what);
    return `- ${[...new Set(whose)].join('; ')}: ${reason}`;
  });
  return [
    `${heading} (${result.seconds.toFixed(0)} s)`,
    '',
    '| what | measured | against | ratio | figure | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
    ...reasons.flatMap((reason) => ['', reason]),
    '',
  ].join('\n');
}

export function resultsText(sections: readonly Section[], { versions, load }: Machine): string {
  const rows = sections.flatMap(({ result }) => (result.type === 'measured' ? result.rows : []));
  const judgedRows = rows.filter((row) => isMet(row) !== null);
  const met = judgedRows.filter((row) => isMet(row) === true);
  const [processor] = cpus();
  return `# Results

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${met.length} of ${judgedRows.length} figures met.

Each number is a median with its quartiles and how often it was measured. What is compared ran in turns, ours, the other,
ours, the other, after a warm-up of each; a ratio is the median of the pairs' ratios, ours to the other.

- ${cpus().length} cores (${processor?.model ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GB, ${process.platform} ${release()}; load ${load[0].toFixed(1)} before and ${load[1].toFixed(1)} after
- ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}

${sections.map(sectionText).join('\n')}`;
}

function verdict(row: Row): string {
  const met = isMet(row);
  return met === null ? '' : met ? 'met' : '**missed**';
}

function figureText({ figure }: Row): string {
  if (figure === undefined) return '';
  const relation = figure.relation === '<=' ? '≤' : '≥';
  return `${relation} ${number(figure.bound)}${figure.of === 'ratio' ? 'x' : ''}`;
}

function baselineText({ baseline, unit }: Row): string {
  return baseline === undefined ? '' : `${value(baseline.value, unit)} ${baseline.name}`;
}

function ratioText(row: Row): string {
  return row.ratio === undefined ? '' : value(row.ratio, 'x');
}

function value({ median, low, high, count }: Summary, unit: string): string {
  const spread = count > 1 ? ` (${number(low)} to ${number(high)}, ${count} times)` : '';
  return `${number(median)}${unit === '' || unit === 'x' ? unit : ` ${unit}`}${spread}`;
}

function number(of: number): string {
  if (of === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(of))));
  return of.toFixed(Math.min(digits, 3));
}

export function shortVerdict(row: Row): string {
  return `${verdict(row).replaceAll('*', '').padEnd(6)} ${row.what}: ${number(judged(row))}${row.figure?.of === 'ratio' ? 'x' : ` ${row.unit}`} ${figureText(row)}`;
}
