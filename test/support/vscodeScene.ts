import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext } from 'playwright-core';
import * as v from 'valibot';
import { launchBrowser } from '../../scripts/vscode/browser.ts';
import { prepareHostTests, verdictOf } from '../../scripts/vscode/hostTests.ts';
import type { VscodeRelease } from '../../scripts/vscode/installations.ts';
import { VscodeServer } from '../../scripts/vscode/vscodeServer.ts';
import { VscodeWindow } from '../../scripts/vscode/vscodeWindow.ts';
import { buildHostSuites } from '../vscode/host/buildHostSuites.ts';
import { type SuiteRequest, type Verdict, verdictSchema } from '../vscode/host/verdict.ts';
import type { WireTask } from '../../src/engine/protocol/wire.ts';
import { readOwnerRecord } from '../../src/engine/store/ownerRecord.ts';
import { HostProcess } from './hostProcess.ts';
import { playedModel, type Script } from './playedModel.ts';
import { featureRequest, makeSampleRepository } from './sampleRepository.ts';
import { secret } from './scene.ts';
import { ScriptedMessagesApi } from './scriptedMessagesApi.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const claude = join(root, 'node_modules/.bin/claude');

/** In place of those that this runs with. */
const noCredentials = { ANTHROPIC_API_KEY: '', ANTHROPIC_AUTH_TOKEN: '', CLAUDE_CODE_OAUTH_TOKEN: '' };

export interface VscodeSceneOptions {
  readonly release: VscodeRelease;
  readonly scripts?: readonly Script[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly trust?: 'given' | 'asked';
  /** `none`: no key in the environment that VS Code starts in. */
  readonly signIn?: 'by-environment' | 'none';
  /** One that is there, instead of a new sample. */
  readonly repository?: string;
  /** Programs of a test's own, found before those of this machine. */
  readonly programs?: string;
  /** The extension as it is packed, instead of the one in this folder. */
  readonly vsix?: string;
}

/** A sample repository in a real VS Code with the extension, a played model, and a headless host beside. */
export class VscodeScene {
  /** Path of Claude Code. */
  readonly claude = claude;
  readonly folder: string;
  readonly repository: string;
  readonly api: ScriptedMessagesApi;
  readonly server: VscodeServer;
  /** Folders that a window loads extensions from; none where the extension is installed. */
  readonly extensions: readonly string[];
  private readonly browser: Browser;
  /** Windows of one person: what VS Code remembers in the browser is common to them. */
  private readonly context: BrowserContext;
  private readonly windows: VscodeWindow[] = [];
  private readonly hosts: HostProcess[] = [];
  private settingsChanges = 0;

  private constructor(
    parts: Pick<VscodeScene, 'folder' | 'repository' | 'api' | 'server' | 'extensions'>,
    browser: Browser,
    context: BrowserContext,
  ) {
    this.folder = parts.folder;
    this.repository = parts.repository;
    this.api = parts.api;
    this.server = parts.server;
    this.extensions = parts.extensions;
    this.browser = browser;
    this.context = context;
  }

  /** The caller clears it. */
  static async make({
    release,
    scripts = [],
    settings = {},
    trust = 'given',
    signIn = 'by-environment',
    repository: given,
    programs,
    vsix,
  }: VscodeSceneOptions): Promise<VscodeScene> {
    const api = await new ScriptedMessagesApi({ model: playedModel(scripts) }).start();
    const folder = await mkdtemp(join(tmpdir(), 'orch-'));
    const repository = given ?? (await makeSampleRepository(join(folder, 'tiny-text')));
    const server = await VscodeServer.start({
      release,
      lab: folder,
      trust,
      ...(vsix === undefined ? {} : { vsix }),
      env: {
        ...noCredentials,
        ...(signIn === 'none' ? {} : { ANTHROPIC_API_KEY: secret }),
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${api.port}`,
        ...(programs === undefined ? {} : { PATH: `${programs}:${process.env['PATH'] ?? ''}` }),
      },
      settings: {
        'orchestrator.isolation': 'process',
        'orchestrator.claudePath': claude,
        'orchestrator.testCommand': featureRequest.testCommand,
        ...settings,
      },
    });
    const browser = await launchBrowser(join(folder, 'home'));
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      // Which of its default themes VS Code takes.
      colorScheme: 'dark',
    });
    const extensions = vsix === undefined ? [root] : [];
    return new VscodeScene({ folder, repository, api, server, extensions }, browser, context);
  }

  /** A window on the repository, on another folder or workspace, or on none. */
  async open(workspace: string | null = this.repository): Promise<VscodeWindow> {
    const window = await this.emptyWindow();
    await window.go(this.url(workspace));
    return window;
  }

  /**
   * A window on a workspace of these folders, whose file is made. VS Code in a browser may look at that file before it can
   * read it, and then takes the workspace for an empty one until the file changes.
   */
  async openFolders(workspace: string, paths: readonly string[]): Promise<VscodeWindow> {
    const content = JSON.stringify({ folders: paths.map((path) => ({ path })) });
    await writeFile(workspace, content);
    const window = await this.open(workspace);
    const folder = window.page.locator('.explorer-folders-view .monaco-list-row').first();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await folder.waitFor({ timeout: 8_000 });
        return window;
      } catch (error) {
        if (attempt === 4) throw error;
        await writeFile(workspace, content + '\n'.repeat(attempt));
      }
    }
  }

  /** The address of a window; `tests` are loaded into its extension host. */
  url(workspace: string | null = this.repository, tests: string | null = null): string {
    return this.server.url({ workspace, extensions: this.extensions, tests });
  }

  /** Changes settings under way, and resolves when every window has taken them up. */
  async changeSettings(settings: Readonly<Record<string, unknown>>): Promise<void> {
    this.settingsChanges += 1;
    const title = `settings ${this.settingsChanges}`;
    await this.server.changeSettings({ ...settings, 'window.title': title });
    for (const { page } of this.windows)
      if (!page.isClosed()) await page.waitForFunction(`document.title.includes(${JSON.stringify(title)})`);
  }

  /** Runs a suite in the extension host of a window on the repository. */
  async inHost(suite: SuiteRequest['suite'], facts: SuiteRequest['facts'] = {}): Promise<Verdict> {
    const request: SuiteRequest = { suite, facts, limitMs: 60_000 };
    const tests = await prepareHostTests(this.folder, await buildHostSuites(), request);
    const window = await this.emptyWindow();
    try {
      await window.runTests(this.url(this.repository, tests.entry), 120_000);
      const verdict = await verdictOf(tests);
      if (!v.is(verdictSchema, verdict)) {
        const said = JSON.stringify(verdict) ?? 'nothing';
        throw new Error(
          `the extension host left no verdict but ${said}\n${window.complaints.join('\n')}\n${await this.server.log()}`,
        );
      }
      return verdict;
    } finally {
      await window.close();
    }
  }

  /** Where the extension keeps a repository's tasks. */
  async storage(repository = this.repository): Promise<string> {
    const folder = await this.server.workspaceStorage(repository);
    return join(folder, 'orchestrator-manager.orchestrator-manager');
  }

  /** The headless host on the same storage, with `--json`. */
  async host(...args: readonly string[]): Promise<HostProcess> {
    const storage = await this.storage();
    await mkdir(storage, { recursive: true });
    const host = new HostProcess([...args, '--json', '--repo', this.repository, '--storage', storage], {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(this.folder, 'home'),
        ANTHROPIC_API_KEY: secret,
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${this.api.port}`,
      },
    });
    this.hosts.push(host);
    return host;
  }

  /** `run` or `add` of the sample's feature under this title, to its end. */
  async hostTask(
    command: 'run' | 'add',
    title: string,
    { options = [], exitCode = 0 }: { readonly options?: readonly string[]; readonly exitCode?: number } = {},
  ): Promise<void> {
    const { description, testCommand } = featureRequest;
    const about = ['--title', title, '--description', description, '--test-command', testCommand];
    const isolation = ['--isolation', 'process', '--claude', claude];
    await this.hostEnds(exitCode, command, ...about, ...isolation, ...options);
  }

  /** Runs the headless host to its end; fails when its exit code is another. */
  async hostEnds(exitCode: number, ...args: readonly string[]): Promise<HostProcess> {
    const host = await this.host(...args);
    const code = await host.ended;
    if (code !== exitCode) throw new Error(`${args[0]} ended with ${code}, not ${exitCode}\n${host.stderr}`);
    return host;
  }

  /** The repository's tasks as they are recorded. */
  async tasks(): Promise<readonly WireTask[]> {
    const host = await this.hostEnds(0, 'tasks');
    return host.lines.filter(({ type }) => type === 'task') as unknown as readonly WireTask[];
  }

  async task(title: string): Promise<WireTask> {
    const tasks = await this.tasks();
    const [task, ...others] = tasks.filter((each) => each.title === title);
    if (task === undefined || others.length > 0)
      throw new Error(`not one task "${title}" but: ${tasks.map((each) => each.title).join(', ')}`);
    return task;
  }

  async branches(repository: string): Promise<readonly string[]> {
    const argv = ['for-each-ref', '--sort=-refname', '--format=%(refname:short)', 'refs/heads'];
    return (await run('git', argv, { cwd: repository })).stdout.trim().split('\n');
  }

  /** What happened to a task, in order. */
  async eventTypes(taskId: string): Promise<readonly string[]> {
    const host = await this.hostEnds(0, 'audit', taskId);
    return host.lines.map(({ type }) => type);
  }

  /** The storage's one task. */
  async onlyTask(): Promise<WireTask> {
    const [task, ...others] = await this.tasks();
    if (task === undefined || others.length > 0) throw new Error('not one task');
    return task;
  }

  /** Kills the extension host of the window that drives the repository's tasks, as an out-of-memory killer does. */
  async killExtensionHost(): Promise<void> {
    const owner = readOwnerRecord(await this.storage());
    if (owner === null) throw new Error('no window drives these tasks');
    process.kill(owner.pid, 'SIGKILL');
  }

  /** Pictures of all windows, what they complained about, and the logs of VS Code and of the extension. */
  async leaveTraces(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const [index, { page, complaints }] of this.windows.entries()) {
      if (!page.isClosed()) await page.screenshot({ path: join(folder, `window-${index + 1}.png`) });
      await writeFile(join(folder, `window-${index + 1}.log`), complaints.join('\n'));
    }
    await writeFile(join(folder, 'vscode.log'), await this.server.log());
  }

  async clear(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    for (const { child } of this.hosts)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await Promise.all(this.hosts.map(({ ended }) => ended));
    await this.api.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private async emptyWindow(): Promise<VscodeWindow> {
    const window = await VscodeWindow.open(this.context);
    this.windows.push(window);
    return window;
  }
}
