// `npm test`: builds, runs the static checks and every suite, and ends with one line, `N passed, N failed`, in which a
// static check counts as one test. REQUIRE_ALL_SUITES=1 counts skipped tests as failed and wants every program built.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requireAll = process.env.REQUIRE_ALL_SUITES === '1';

const buildCheck = {
  name: 'build',
  argv: ['node', 'scripts/build.mjs', ...(requireAll ? ['--strict'] : [])],
};
const staticChecks = [
  { name: 'types', argv: ['tsc', '--noEmit'] },
  { name: 'types of the pages', argv: ['tsc', '--noEmit', '--project', 'webview-ui'] },
  { name: 'lint', argv: ['oxlint'] },
  { name: 'layers', argv: ['node', 'scripts/check-layers.mjs'] },
  { name: 'format', argv: ['prettier', '--check', '.'] },
  { name: 'dead code', argv: ['knip', '--no-progress'] },
];

const counts = { passed: 0, failed: 0, skipped: 0 };

await check(buildCheck);
// Two at a time: more only slows the machines this runs on, and the suites that follow measure time.
const waiting = [...staticChecks];
await Promise.all([drain(waiting), drain(waiting)]);
await suites();

process.exitCode = counts.failed === 0 ? 0 : 1;
process.stdout.write(`\n${summary()}\n`);

function summary() {
  const { passed, failed, skipped } = counts;
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

async function drain(checks) {
  for (let next = checks.shift(); next !== undefined; next = checks.shift()) await check(next);
}

async function check({ name, argv }) {
  const startedAt = performance.now();
  const { code, output } = await run(argv, 'captured');
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (code === 0) counts.passed += 1;
  else counts.failed += 1;
  process.stdout.write(
    `${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n${code === 0 ? '' : `${output}\n`}`,
  );
}

/** Adds the tests to the counts. A file that does not load, and an error outside of any test, fail like a test. */
async function suites() {
  const folder = await mkdtemp(join(tmpdir(), 'orch-test-'));
  try {
    const file = join(folder, 'result.json');
    const reports = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { code } = await run(['vitest', 'run', ...reports], 'shown');
    const report = await readFile(file, 'utf8').then(JSON.parse, () => null);
    if (report === null) {
      process.stdout.write('FAILED suites: vitest left no report\n');
      counts.failed += 1;
      return;
    }
    const before = counts.failed;
    for (const suite of report.testResults) count(suite);
    if (code !== 0 && counts.failed === before) {
      process.stdout.write(`FAILED suites: vitest ended with ${code} although no test failed\n`);
      counts.failed += 1;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function count({ name, status, assertionResults }) {
  const failed = assertionResults.filter((test) => test.status === 'failed').length;
  const passed = assertionResults.filter((test) => test.status === 'passed').length;
  const skipped = assertionResults.length - failed - passed;
  counts.passed += passed;
  counts.failed += status === 'failed' && failed === 0 ? 1 : failed;
  if (skipped === 0) return;
  process.stdout.write(`${requireAll ? 'FAILED' : 'note  '} ${skipped} skipped in ${relative(root, name)}\n`);
  counts[requireAll ? 'failed' : 'skipped'] += skipped;
}

/** Runs a program of ours, of Node's or of node_modules/.bin; its output is captured, or shown as it comes. */
function run([program, ...args], output) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      program === 'node' ? process.execPath : join(root, 'node_modules', '.bin', program),
      args,
      {
        cwd: root,
        stdio: ['ignore', ...(output === 'shown' ? ['inherit', 'inherit'] : ['pipe', 'pipe'])],
      },
    );
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString('utf8').trimEnd() }));
  });
}
