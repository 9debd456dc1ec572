import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { open, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { baseImage } from './dockerEngineHarness.ts';

const run = promisify(execFile);

/** A start took 1 to 3 s; on a machine busy with other suites many times that. */
const startLimitMs = 60_000;

/**
 * A Docker engine of our own beside the machine's, to be killed, frozen and started again: own data, own socket, own
 * bridge, and no firewall rules, which are the machine's engine's. Linux, as root. It has the suites' base image.
 */
export class DockerDaemon {
  readonly socket: string;
  readonly image = baseImage;
  /** This machine's address on the engine's bridge: what its containers can reach. */
  readonly bridgeAddress: string;
  private readonly folder: string;
  private readonly bridge: string;
  private process: ChildProcess | null = null;
  private exited: Promise<void> = Promise.resolve();

  private constructor(folder: string, subnet: string, bridge: string) {
    this.folder = folder;
    this.socket = join(folder, 'docker.sock');
    this.bridgeAddress = `${subnet}.1`;
    this.bridge = bridge;
  }

  static async make(): Promise<DockerDaemon> {
    const subnet = `10.213.${randomInt(1, 255)}`;
    const folder = await mkdtemp(join(tmpdir(), 'orchd-'));
    const daemon = new DockerDaemon(folder, subnet, `orch${randomInt(1e6)}`);
    await run('ip', ['link', 'add', daemon.bridge, 'type', 'bridge']);
    try {
      await run('ip', ['address', 'add', `${daemon.bridgeAddress}/24`, 'dev', daemon.bridge]);
      await run('ip', ['link', 'set', daemon.bridge, 'up']);
      await daemon.start('live-restore');
      await run('sh', ['-c', 'docker save "$0" | docker --host "$1" load', baseImage, daemon.host]);
      return daemon;
    } catch (error) {
      await daemon.close();
      throw error;
    }
  }

  /** As DOCKER_HOST. */
  get host(): string {
    return `unix://${this.socket}`;
  }

  /** Starts the engine and waits until it answers. `live-restore`: containers outlive it. */
  async start(containers: 'live-restore' | 'die-with-it'): Promise<void> {
    await this.predecessorGone();
    const log = await open(join(this.folder, 'log'), 'a');
    const child = spawn(
      'dockerd',
      [
        `--host=${this.host}`,
        `--data-root=${join(this.folder, 'data')}`,
        `--exec-root=${join(this.folder, 'exec')}`,
        `--pidfile=${join(this.folder, 'pid')}`,
        `--bridge=${this.bridge}`,
        `--host-gateway-ip=${this.bridgeAddress}`,
        '--iptables=false',
        '--ip6tables=false',
        '--log-level=warn',
        ...(containers === 'live-restore' ? ['--live-restore'] : []),
      ],
      { stdio: ['ignore', log.fd, log.fd], detached: true },
    );
    await log.close();
    this.process = child;
    this.exited = new Promise((resolve) => child.once('close', () => resolve()));
    const deadline = Date.now() + startLimitMs;
    while (!(await this.answers())) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline)
        throw new Error(`dockerd did not start:\n${await readFile(join(this.folder, 'log'), 'utf8')}`);
      // A socket that is not there yet tells nobody when it comes.
      await delay(100);
    }
  }

  /** SIGKILL as a crash does it, SIGTERM as a restart of the service does; resolves when the engine is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.process?.kill(signal);
    await this.exited;
  }

  /** It is there, takes connections, and says nothing. */
  freeze(): void {
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  /** The engine's own command line, past the code under test. */
  async docker(...args: readonly string[]): Promise<string> {
    return (await run('docker', ['--host', this.host, ...args])).stdout.trim();
  }

  /** Ids of all containers, running or not. */
  async containers(): Promise<readonly string[]> {
    return (await this.docker('ps', '--all', '--quiet', '--no-trunc')).split('\n').filter((id) => id !== '');
  }

  async close(): Promise<void> {
    this.thaw();
    try {
      if (!(await this.answers())) await this.start('die-with-it');
      const left = await this.containers();
      // Through the engine: what runs under a killed engine would run on for ever.
      if (left.length > 0) await this.docker('rm', '--force', '--volumes', ...left);
    } finally {
      await this.kill('SIGTERM');
      await this.predecessorGone();
      // Some engines leave a mount of their data folder behind.
      await run('umount', [join(this.folder, 'data')]).catch(() => undefined);
      await run('ip', ['link', 'delete', this.bridge]);
      await rm(this.folder, { recursive: true, force: true });
    }
  }

  private async answers(): Promise<boolean> {
    const args = ['--silent', '--fail', '--max-time', '2', '--unix-socket', this.socket];
    return run('curl', [...args, 'http://engine/_ping']).then(
      () => true,
      () => false,
    );
  }

  /** A new engine takes the zombie of the old one's containerd for alive and gives up on it after 15 s. */
  private async predecessorGone(): Promise<void> {
    const pid = await readFile(join(this.folder, 'exec/containerd/containerd.pid'), 'utf8').catch(() => null);
    if (pid === null) return;
    const deadline = Date.now() + startLimitMs;
    while (Date.now() < deadline) {
      const name = await readFile(`/proc/${pid.trim()}/comm`, 'utf8').catch(() => '');
      if (name.trim() !== 'containerd') return;
      await delay(100);
    }
    throw new Error('the containerd of the engine before is still there');
  }
}
