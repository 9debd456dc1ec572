// `npm run test:electron [-- [--shim] VERSION ...]`: the suites of the extension host through @vscode/test-electron, as desktop users of the
// repository run them: in a downloaded desktop VS Code where there is a desktop, else in the server build with the shim.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import * as v from 'valibot';
import { buildHostSuites } from '../../test/vscode/host/buildHostSuites.ts';
import { type SuiteRequest, verdictSchema } from '../../test/vscode/host/verdict.ts';
import { makeSampleRepository } from '../../test/support/sampleRepository.ts';
import { prepareHostTests, verdictOf } from './hostTests.ts';
import { vscodeReleases, vscodeTestFolder } from './installations.ts';

const root = resolve(import.meta.dirname, '../..');
const shim = join(root, 'scripts/vscode/codeShim.mjs');

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { shim: { type: 'boolean' } },
    allowPositionals: true,
  });
  const versions = vscodeReleases.map(({ version }) => version);
  let failures = 0;
  for (const version of positionals.length === 0 ? versions : positionals) {
    const executable = values.shim === true ? shim : await desktopOrShim(version);
    process.stdout.write(`\nVS Code ${version}: ${executable}\n`);
    failures += await runSuite(executable, version);
  }
  return failures === 0 ? 0 : 1;
}

/** Number of tests that failed; an extension host that dies counts as one. */
async function runSuite(executable: string, version: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-electron-'));
  try {
    const workspace = await makeSampleRepository(join(folder, 'tiny-text'));
    const userData = join(folder, 'user');
    await mkdir(join(userData, 'User'), { recursive: true });
    await writeFile(
      join(userData, 'User/settings.json'),
      JSON.stringify({ 'orchestrator.isolation': 'process' }),
    );
    const request: SuiteRequest = { suite: 'contributions', facts: {}, limitMs: 60_000 };
    const tests = await prepareHostTests(folder, await buildHostSuites(), request);
    const ended = await runTests({
      vscodeExecutablePath: executable,
      extensionDevelopmentPath: root,
      extensionTestsPath: tests.entry,
      extensionTestsEnv: { VSCODE_TEST_VERSION: version },
      launchArgs: [workspace, `--user-data-dir=${userData}`, '--disable-extensions'],
    }).then(
      (code) => `exit code ${code}`,
      (error: unknown) => String(error),
    );
    const verdict = v.safeParse(verdictSchema, await verdictOf(tests));
    if (!verdict.success) {
      process.stdout.write(`the extension host left no verdict (${ended})\n`);
      return 1;
    }
    for (const { title, state, error } of verdict.output.tests)
      process.stdout.write(
        `${state === 'passed' ? 'ok    ' : 'FAILED'} ${title}\n${error ?? ''}${error === null ? '' : '\n'}`,
      );
    for (const note of verdict.output.notes) process.stdout.write(`note   ${note}\n`);
    return verdict.output.failures;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A desktop VS Code where there is a display for it and it can be had. */
async function desktopOrShim(version: string): Promise<string> {
  const hasDisplay = ['DISPLAY', 'WAYLAND_DISPLAY'].some((name) => (process.env[name] ?? '') !== '');
  if (process.platform === 'linux' && !hasDisplay) {
    process.stdout.write('no display: the server build stands in for a desktop VS Code\n');
    return shim;
  }
  try {
    return await downloadAndUnzipVSCode({ version, cachePath: join(vscodeTestFolder, 'desktop') });
  } catch (error) {
    process.stdout.write(`a desktop VS Code cannot be had (${String(error)}): the server build stands in\n`);
    return shim;
  }
}
