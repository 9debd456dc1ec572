import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DockerEndpoint } from '../../../src/engine/allocation/dockerEndpoint.ts';
import { resolveDockerEndpoint } from '../../../src/engine/allocation/dockerEndpoint.ts';
import { openDockerEngine } from '../../../src/engine/allocation/dockerEngine.ts';

describe('the endpoint of the Docker engine', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'orch-'));
    mkdirSync(join(home, '.docker'));
  });

  afterEach(() => rmSync(home, { recursive: true }));

  it('is the default socket of the platform', async () => {
    expect(await resolve()).toEqual({
      type: 'socket',
      socketPath: '/var/run/docker.sock',
      address: '/var/run/docker.sock',
    });
    expect(await resolve({}, 'win32')).toMatchObject({ socketPath: '//./pipe/docker_engine' });
  });

  it("is Docker Desktop's socket in the home folder where there is one", async () => {
    mkdirSync(join(home, '.docker/run'));
    writeFileSync(join(home, '.docker/run/docker.sock'), '');
    expect(await resolve({}, 'darwin')).toMatchObject({ socketPath: join(home, '.docker/run/docker.sock') });
  });

  it('follows DOCKER_HOST before any context', async () => {
    const env = { DOCKER_HOST: 'unix:///run/other.sock', DOCKER_CONTEXT: 'desktop' };
    expect(await resolve(env)).toMatchObject({ type: 'socket', socketPath: '/run/other.sock' });
  });

  it('is the one of the settings before everything else, and must be on this machine too', async () => {
    const given = (address: string) =>
      resolveDockerEndpoint({
        address,
        env: { DOCKER_HOST: 'unix:///run/other.sock' },
        home,
        platform: 'linux',
      });
    expect(await given('unix:///run/chosen.sock')).toMatchObject({ socketPath: '/run/chosen.sock' });
    await expect(given('tcp://10.0.0.1:2375')).rejects.toThrow(
      'The Docker endpoint of the settings names a Docker engine on another machine',
    );
  });

  it('follows DOCKER_CONTEXT before the current context', async () => {
    writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths: {}, currentContext: 'one' }));
    context('one', 'unix:///run/one.sock');
    context('two', 'unix:///run/two.sock');
    expect(await resolve()).toMatchObject({ socketPath: '/run/one.sock' });
    expect(await resolve({ DOCKER_CONTEXT: 'two' })).toMatchObject({ socketPath: '/run/two.sock' });
    expect(await resolve({ DOCKER_CONTEXT: 'default' })).toMatchObject({
      socketPath: '/var/run/docker.sock',
    });
  });

  it('connects over TCP on this machine, with certificates where they are asked for', async () => {
    expect(await resolve({ DOCKER_HOST: 'tcp://127.0.0.1:2375' })).toMatchObject({
      host: '127.0.0.1',
      port: 2375,
      tls: null,
    });
    expect(await resolve({ DOCKER_HOST: 'localhost:1234' })).toMatchObject({ host: 'localhost', port: 1234 });
    for (const name of ['ca', 'cert', 'key']) writeFileSync(join(home, `${name}.pem`), name);
    const env = { DOCKER_HOST: 'tcp://[::1]', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: home };
    expect(await resolve(env)).toMatchObject({
      host: '::1',
      port: 2376,
      tls: { ca: 'ca', cert: 'cert', key: 'key' },
    });
  });

  it.each(['tcp://build.example.com:2376', 'ssh://me@build.example.com'])(
    'refuses %s, another machine',
    async (host) => {
      await expect(resolve({ DOCKER_HOST: host })).rejects.toMatchObject({
        code: 'environment',
        remedy: expect.any(String),
      });
    },
  );

  it('refuses what is no address, an unknown context and a broken configuration', async () => {
    await expect(resolve({ DOCKER_HOST: 'ftp://x' })).rejects.toThrow('not an address');
    await expect(resolve({ DOCKER_CONTEXT: 'gone' })).rejects.toThrow('"gone" does not exist');
    writeFileSync(join(home, '.docker/config.json'), '{');
    await expect(resolve()).rejects.toThrow('cannot be understood');
  });

  function resolve(
    env: Record<string, string> = {},
    platform: NodeJS.Platform = 'linux',
  ): Promise<DockerEndpoint> {
    return resolveDockerEndpoint({ env, home, platform });
  }

  function context(name: string, host: string): void {
    const folder = join(home, '.docker/contexts/meta', createHash('sha256').update(name).digest('hex'));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'meta.json'),
      JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
    );
  }
});

it('an engine that does not answer there is away, and told to be where', async () => {
  const address = `unix://${join(tmpdir(), 'orch-no-engine.sock')}`;
  await expect((await openDockerEngine(address)).info()).rejects.toMatchObject({
    code: 'isolation-away',
    message: expect.stringContaining('orch-no-engine.sock (ENOENT)'),
  });
});
