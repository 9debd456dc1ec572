import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { installedVscode, type VscodeRelease } from './installations.ts';
import { endProcessesOf } from './processesOf.ts';

const run = promisify(execFile);

export interface VscodeServerOptions {
  readonly release: VscodeRelease;
  /** Everything the server and its windows write goes below it; the caller removes it. */
  readonly lab: string;
  /** On top of this process's. */
  readonly env: Readonly<Record<string, string>>;
  /** User settings on top of the quiet ones. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** `asked`: VS Code asks for trust in a folder, and the window is restricted until it is given. */
  readonly trust: 'given' | 'asked';
  /** A VSIX that is installed as a person installs it. */
  readonly vsix?: string;
}

/** What a window is opened with. */
export interface WindowOptions {
  /** A folder, or a `.code-workspace` file. */
  readonly workspace: string | null;
  readonly extensions: readonly string[];
  /** A module with `run(): Promise<void>`, loaded into the extension host. */
  readonly tests: string | null;
}

/** Nothing calls out, nothing pops up, and the look does not depend on the machine. */
const quietSettings: Readonly<Record<string, unknown>> = {
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'git.enabled': false,
  'window.autoDetectColorScheme': false,
  'window.autoDetectHighContrast': false,
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
};

/** A cold start on a machine busy with something else took 12 s. */
const startLimitMs = 60_000;

/** A real VS Code server on a free loopback port: real workbench, real extension hosts. */
export class VscodeServer {
  readonly port: number;
  private readonly child: ChildProcess;
  private readonly options: VscodeServerOptions;
  private readonly output: () => string;
  private settings: Readonly<Record<string, unknown>>;

  private constructor(options: VscodeServerOptions, child: ChildProcess, port: number, output: () => string) {
    this.options = options;
    this.settings = options.settings;
    this.child = child;
    this.port = port;
    this.output = output;
  }

  static async start(options: VscodeServerOptions): Promise<VscodeServer> {
    const { node, serverMain } = installedVscode(options.release);
    const { lab, vsix } = options;
    for (const name of ['home', 'tmp', 'user/User', 'user/Machine'])
      await mkdir(join(lab, name), { recursive: true });
    await writeSettings(options);
    const folders = [
      '--accept-server-license-terms',
      `--server-data-dir=${join(lab, 'server')}`,
      `--user-data-dir=${join(lab, 'user')}`,
      `--extensions-dir=${join(lab, 'extensions')}`,
    ];
    if (vsix !== undefined)
      await run(node, [serverMain, ...folders, '--install-extension', vsix], { env: environment(options) });
    const argv = [
      serverMain,
      '--host=127.0.0.1',
      '--port=0',
      '--without-connection-token',
      '--telemetry-level=off',
      // What a login shell sets would take the place of what is given here.
      '--force-disable-user-env',
      ...folders,
      // With it, toasts are not shown; an extension that is installed can do without.
      ...(options.release.smokeTestDriver && vsix === undefined ? ['--enable-smoke-test-driver'] : []),
      ...(options.trust === 'given' ? ['--disable-workspace-trust'] : []),
    ];
    const child = spawn(node, argv, {
      // A group of its own: extension hosts and watchers go with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(options),
    });
    process.once('exit', () => killGroup(child, 'SIGKILL'));
    let output = '';
    const port = await new Promise<number>((done, fail) => {
      const timer = setTimeout(
        () => fail(new Error(`the VS Code server does not start:\n${output}`)),
        startLimitMs,
      );
      const see = (chunk: Buffer): void => {
        output = `${output}${chunk.toString()}`.slice(-100_000);
        const found = /Web UI available at http:\/\/[^\s:/]+:(\d+)/.exec(output)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        done(Number(found));
      };
      child.stdout.on('data', see);
      child.stderr.on('data', see);
      child.once('error', fail);
      child.once('exit', (code) => fail(new Error(`the VS Code server ended with ${code}:\n${output}`)));
    }).catch((error: unknown) => {
      killGroup(child, 'SIGKILL');
      throw error;
    });
    return new VscodeServer(options, child, port, () => output);
  }

  /** The address of a window. */
  url({ workspace, extensions, tests }: WindowOptions): string {
    const remote = (path: string): string => this.uri(resolve(path));
    const payload = [
      ...extensions.map((path) => ['extensionDevelopmentPath', remote(path)]),
      ...(tests === null ? [] : [['extensionTestsPath', remote(tests)]]),
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
    ];
    const query = new URLSearchParams({ payload: JSON.stringify(payload) });
    if (workspace === null) query.set('ew', 'true');
    else query.set(workspace.endsWith('.code-workspace') ? 'workspace' : 'folder', workspace);
    // A secure context, as webviews need it: the address, not a name.
    return `http://127.0.0.1:${this.port}/?${query.toString()}`;
  }

  /** Where VS Code keeps what belongs to this folder: the parent of every extension's `storageUri`. */
  async workspaceStorage(folder: string): Promise<string> {
    const id = hashOf(this.uri(await realpath(folder))).toString(16);
    return join(this.options.lab, 'user/User/workspaceStorage', id);
  }

  /** Changes user settings under way, as the settings editor does; what was changed before stays. */
  async changeSettings(settings: Readonly<Record<string, unknown>>): Promise<void> {
    this.settings = { ...this.settings, ...settings };
    await writeSettings({ ...this.options, settings: this.settings });
  }

  /** What the server printed and everybody logged, for a failure's message. */
  async log(): Promise<string> {
    const folder = join(this.options.lab, 'user/logs');
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    const logs = names.filter((name) => name.endsWith('.log')).toSorted();
    const tails = logs.map(
      async (name) => `--- ${name}\n${(await readFile(join(folder, name), 'utf8')).slice(-3_000)}`,
    );
    return [this.output().slice(-3_000), ...(await Promise.all(tails))].join('\n');
  }

  /** The server and everything it started, runs of agents too. */
  async stop(): Promise<void> {
    const exited = new Promise<void>((done) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) done();
      else this.child.once('exit', () => done());
    });
    killGroup(this.child, 'SIGTERM');
    // Extension hosts get 5 s from VS Code to deactivate.
    await Promise.race([exited, delay(6_000, undefined, { ref: false })]);
    killGroup(this.child, 'SIGKILL');
    await endProcessesOf(join(this.options.lab, 'home'));
  }

  private uri(path: string): string {
    return `vscode-remote://127.0.0.1:${this.port}${path.split('/').map(encodeURIComponent).join('/')}`;
  }
}

function environment({ lab, env }: VscodeServerOptions): Record<string, string | undefined> {
  const home = join(lab, 'home');
  const inherited = { ...process.env };
  // Of a VS Code or a test runner that this may run in.
  for (const name of Object.keys(inherited))
    if (/^(NODE_OPTIONS|ELECTRON_RUN_AS_NODE|VSCODE_.*|VITEST.*)$/.test(name)) delete inherited[name];
  return {
    ...inherited,
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_RUNTIME_DIR: join(lab, 'tmp'),
    TMPDIR: join(lab, 'tmp'),
    // code-server would ask its gallery at every start: the discard port answers nobody.
    EXTENSIONS_GALLERY: '{"serviceUrl":"http://127.0.0.1:9/"}',
    ...env,
  };
}

/** In a remote window, settings of machine scope are read from the machine's file only. */
async function writeSettings({ lab, settings }: VscodeServerOptions): Promise<void> {
  const text = JSON.stringify({ ...quietSettings, ...settings }, null, 2);
  for (const scope of ['User', 'Machine']) await writeFile(join(lab, 'user', scope, 'settings.json'), text);
}

/** VS Code's own hash of a string, by which it names the storage of a folder. */
function hashOf(text: string): number {
  let hash = 149_417;
  for (let index = 0; index < text.length; index += 1)
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
