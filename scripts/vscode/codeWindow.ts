import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { launchBrowser } from './browser.ts';
import { vscodeReleases } from './installations.ts';
import { VscodeServer } from './vscodeServer.ts';
import { VscodeWindow } from './vscodeWindow.ts';

/** As `code` with these arguments: opens a window, runs the tests in its extension host, ends with their exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const given = (name: string): readonly string[] => {
    const start = `--${name}=`;
    return args.filter((arg) => arg.startsWith(start)).map((arg) => arg.slice(start.length));
  };
  const [tests] = given('extensionTestsPath');
  if (tests === undefined) throw new Error('This stands in for `code` with --extensionTestsPath=FILE only.');
  const workspace = args.find((arg) => !arg.startsWith('-')) ?? null;
  const wanted = process.env['VSCODE_TEST_VERSION'];
  const release = vscodeReleases.find(({ version }) => version === wanted) ?? vscodeReleases[0];
  const userData = given('user-data-dir')[0];
  const lab = await mkdtemp(join(tmpdir(), 'orch-code-'));
  let server: VscodeServer | null = null;
  try {
    server = await VscodeServer.start({
      release,
      lab,
      env: {},
      settings: userData === undefined ? {} : await settingsOf(userData),
      trust: 'given',
    });
    const browser = await launchBrowser(join(lab, 'home'));
    try {
      const window = await VscodeWindow.open(await browser.newContext());
      return await window.runTests(
        server.url({ workspace, extensions: given('extensionDevelopmentPath'), tests }),
        testsLimitMs,
      );
    } finally {
      await browser.close();
    }
  } finally {
    await server?.stop();
    await rm(lab, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whoever called this has a limit of their own; this one ends a window that nobody waits for any more. */
const testsLimitMs = 10 * 60_000;

async function settingsOf(userData: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(join(userData, 'User/settings.json'), 'utf8').catch(() => '{}');
  return v.parse(v.record(v.string(), v.unknown()), JSON.parse(text));
}
