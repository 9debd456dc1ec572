// `npm run bench`: every bench, one after the other, each in a process of its own; then the table.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { benches } from './benches/all.ts';
import { type BenchResult, isMet } from './harness/bench.ts';
import { resultsText, type Section, sectionText, shortVerdict } from './harness/report.ts';

const root = resolve(import.meta.dirname, '../..');

const usage = `npm run bench [-- [NAME ...] [options]]

  NAME             only these, and the table on the terminal; without a name all, and the table in bench/RESULTS.md:
                   ${Object.keys(benches).join(', ')}
  --pairs N        so many pairs of each; fewer to try something out
  --cpu-profile    a CPU profile of each in .bench/profiles, for Chrome's DevTools or VS Code
  --heap-profile   the same of the heap
  --waterfall      draws docs/waterfall.svg anew, nothing else
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      pairs: { type: 'string' },
      'cpu-profile': { type: 'boolean', default: false },
      'heap-profile': { type: 'boolean', default: false },
      waterfall: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.filter((name) => benches[name] === undefined);
  const pairs = values.pairs === undefined ? null : Number(values.pairs);
  if (values.help || unknown.length > 0 || (pairs !== null && !(Number.isInteger(pairs) && pairs > 0))) {
    process.stdout.write(usage);
    return values.help ? 0 : 1;
  }
  if (values.waterfall) return (await runProgram('waterfall.mjs', [], [])) ?? 1;
  const profiles = join(root, '.bench', 'profiles');
  await mkdir(profiles, { recursive: true });
  const flags = [
    ...(values['cpu-profile'] ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : []),
    ...(values['heap-profile'] ? ['--heap-prof', `--heap-prof-dir=${profiles}`] : []),
  ];
  const loadBefore = loadavg()[0] ?? 0;
  const sections: Section[] = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(benches))
    sections.push(await measure(name, pairs, flags));
  if (positionals.length > 0) process.stdout.write(`\n${sections.map(sectionText).join('\n')}`);
  else {
    const machine = { versions: await versions(), load: [loadBefore, loadavg()[0] ?? 0] as const };
    await writeFile(join(root, 'bench', 'RESULTS.md'), resultsText(sections, machine));
    process.stdout.write('\nbench/RESULTS.md is written.\n');
  }
  if (flags.length > 0) process.stdout.write(`Profiles lie in ${profiles}.\n`);
  return sections.some(({ result }) => result.type === 'failed') ? 1 : 0;
}

async function measure(name: string, pairs: number | null, flags: readonly string[]): Promise<Section> {
  const title = benches[name]?.title ?? name;
  process.stdout.write(`${name}: ${title}\n`);
  const file = join(root, '.bench', `${name}.json`);
  const code = await runProgram('one.mjs', [name, file, ...(pairs === null ? [] : [String(pairs)])], flags);
  const result: BenchResult =
    code === 0
      ? (JSON.parse(await readFile(file, 'utf8')) as BenchResult)
      : { type: 'failed', why: `it ended with ${code}; its output says why` };
  if (result.type !== 'measured') process.stdout.write(`  ${result.type}: ${result.why}\n`);
  else
    for (const row of result.rows) if (isMet(row) !== null) process.stdout.write(`  ${shortVerdict(row)}\n`);
  return { name, title, result };
}

async function runProgram(
  program: string,
  args: readonly string[],
  flags: readonly string[],
): Promise<number | null> {
  const argv = [...flags, '--expose-gc', '--enable-source-maps', join(import.meta.dirname, program), ...args];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

async function versions(): Promise<Readonly<Record<string, string>>> {
  const ask = async (program: string, ...args: readonly string[]): Promise<string> =>
    promisify(execFile)(program, [...args]).then(
      ({ stdout }) => /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'unknown',
      () => 'absent',
    );
  return {
    Node: process.versions.node,
    'Claude Code': await ask(join(root, 'node_modules', '.bin', 'claude'), '--version'),
    git: await ask('git', '--version'),
    Docker: await ask('docker', 'version', '--format', '{{.Server.Version}}'),
  };
}
