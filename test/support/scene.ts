import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { labels } from '../../src/engine/allocation/containerSpec.ts';
import { openDockerEngine } from '../../src/engine/allocation/dockerEngine.ts';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import { storageId } from '../../src/engine/storagePaths.ts';
import type { WireTask } from '../../src/engine/protocol/wire.ts';
import { HostProcess } from './hostProcess.ts';
import { playedModel, type Script } from './playedModel.ts';
import { featureRequest, makeSampleRepository } from './sampleRepository.ts';
import { ScriptedMessagesApi } from './scriptedMessagesApi.ts';

const run = promisify(execFile);
/** The real one, of this checkout. */
export const claude = resolve(import.meta.dirname, '../../node_modules/.bin/claude');

/** Long enough to be redacted like a real one, and to be looked for afterwards. */
export const secret = 'sk-ant-not-a-real-key-0123456789';

/** A Docker engine other than the machine's own. */
export interface OtherEngine {
  /** As DOCKER_HOST. */
  readonly host: string;
  /** Where its containers reach this machine. */
  readonly bridgeAddress: string;
  /** What tasks run on there, without a Claude Code of its own. */
  readonly image: string;
}

/** A sample repository, a storage, a played model, and the host beside them: all real but the model. */
export class Scene {
  readonly folder: string;
  readonly repository: string;
  readonly storage: string;
  readonly isolation: IsolationKind;
  readonly api: ScriptedMessagesApi;
  private readonly baseUrl: string;
  private readonly dockerHost: string | undefined;
  private readonly image: string | null;
  private readonly hosts: HostProcess[] = [];

  private constructor(
    folder: string,
    isolation: IsolationKind,
    api: ScriptedMessagesApi,
    apiHost: string,
    engine: OtherEngine | null,
  ) {
    this.folder = folder;
    this.repository = join(folder, 'tiny text');
    this.storage = join(folder, 'storage');
    this.isolation = isolation;
    this.api = api;
    this.baseUrl = `http://${apiHost}:${api.port}`;
    this.dockerHost = engine?.host ?? process.env['DOCKER_HOST'];
    this.image = engine?.image ?? null;
  }

  static async make(
    isolation: IsolationKind,
    scripts: readonly Script[],
    engine: OtherEngine | null = null,
    disk = tmpdir(),
  ): Promise<Scene> {
    const apiHost = isolation === 'docker' ? (engine?.bridgeAddress ?? (await bridgeAddress())) : '127.0.0.1';
    const api = await new ScriptedMessagesApi({ model: playedModel(scripts), host: apiHost }).start();
    const scene = new Scene(await mkdtemp(join(disk, 'orch-')), isolation, api, apiHost, engine);
    onTestFinished(() => scene.clear());
    await mkdir(join(scene.folder, 'home'));
    await makeSampleRepository(scene.repository);
    return scene;
  }

  /** Starts the host with `--json`. */
  host(...args: readonly string[]): HostProcess {
    const host = new HostProcess([...args, '--json', '--repo', this.repository, '--storage', this.storage], {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(this.folder, 'home'),
        ...(this.dockerHost === undefined ? {} : { DOCKER_HOST: this.dockerHost }),
        ANTHROPIC_API_KEY: secret,
        ANTHROPIC_BASE_URL: this.baseUrl,
      },
    });
    this.hosts.push(host);
    return host;
  }

  /** `run` or `add` of the sample's feature under this title. */
  task(command: 'run' | 'add', title: string, ...args: readonly string[]): HostProcess {
    const { description, testCommand } = featureRequest;
    const isolation = [
      '--isolation',
      this.isolation,
      ...(this.isolation === 'process' || this.image !== null ? ['--claude', claude] : []),
      ...(this.image === null ? [] : ['--image', this.image]),
    ];
    return this.host(
      command,
      '--title',
      title,
      '--description',
      description,
      '--test-command',
      testCommand,
      ...isolation,
      ...args,
    );
  }

  /** Runs a command to its end; fails when its exit code is another. */
  async done(host: HostProcess, exitCode: number): Promise<HostProcess> {
    const code = await host.ended;
    if (code !== exitCode) {
      throw new Error(
        `exit ${code} instead of ${exitCode}\n${host.stderr}\n${host.lines
          .map((line) => JSON.stringify(line))
          .join('\n')
          .slice(-4000)}`,
      );
    }
    return host;
  }

  /** The task as it is recorded. */
  async show(id: string): Promise<WireTask> {
    const host = await this.done(this.host('show', id), 0);
    const line = host.lines.find(({ type }) => type === 'task');
    if (line === undefined) throw new Error('show printed no task');
    return line as unknown as WireTask;
  }

  async git(...args: readonly string[]): Promise<string> {
    return (await run('git', args, { cwd: this.repository, maxBuffer: 64 * 2 ** 20 })).stdout;
  }

  /** Docker's own command line, past the code under test. */
  async docker(...args: readonly string[]): Promise<string> {
    const env = {
      ...process.env,
      ...(this.dockerHost === undefined ? {} : { DOCKER_HOST: this.dockerHost }),
    };
    return (await run('docker', args, { env })).stdout;
  }

  /** Ids of the scene's containers, running or not. */
  async containers(): Promise<readonly string[]> {
    const filter = `label=${labels.storage}=${storageId(this.storage)}`;
    return (await this.docker('ps', '--all', '--quiet', '--filter', filter))
      .split('\n')
      .filter((id) => id !== '');
  }

  async write(name: string, content: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content);
    return path;
  }

  private async clear(): Promise<void> {
    for (const { child } of this.hosts)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await Promise.all(this.hosts.map(({ ended }) => ended));
    if (this.isolation === 'docker') {
      // Of a test that failed: a container that no engine comes back to holds its port for minutes. It may be on its way
      // out already, and so may the engine.
      const left = await this.containers().catch(() => []);
      if (left.length > 0) await this.docker('rm', '--force', ...left).catch(() => undefined);
    }
    await this.api.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The address of this machine on Docker's bridge: what a container can reach. */
async function bridgeAddress(): Promise<string> {
  const address = await (await openDockerEngine()).bridgeAddress();
  if (address === null) throw new Error('the Docker engine has no bridge');
  return address;
}

/** Holds the played model back until it is let go, and tells when it got there. */
export class Barrier {
  readonly reached: Promise<void>;
  private readonly opened: Promise<void>;
  private arrive: () => void = () => {};
  private release: () => void = () => {};

  constructor() {
    this.reached = new Promise((done) => {
      this.arrive = done;
    });
    this.opened = new Promise((done) => {
      this.release = done;
    });
  }

  async pass(): Promise<null> {
    this.arrive();
    await this.opened;
    return null;
  }

  open(): void {
    this.release();
  }
}
