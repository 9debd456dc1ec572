import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrchestratorError } from '../../src/engine/ports/errors.ts';
import { DockerHarness, leaseRequest, runProgram } from '../support/dockerEngineHarness.ts';
import { requireDocker } from '../support/suites.ts';

const { skip } = await requireDocker();
const never = new AbortController().signal;

describe.skipIf(skip)('the image of our own', () => {
  let harness: DockerHarness;
  const folders: string[] = [];

  beforeEach(async () => {
    harness = await DockerHarness.open();
  });

  afterEach(async () => {
    await harness.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  }, 60_000);

  afterAll(async () => {
    expect(await harness.leftovers()).toEqual([]);
  });

  it('is built at its first use, once, and brings Claude Code along', { timeout: 300_000 }, async () => {
    const progress: string[] = [];
    const isolation = harness.isolation({ onProgress: (text) => progress.push(text) });
    await isolation.check({ image: null, claudePath: null, baseUrl: null });
    const repositories = [harness.repository(), harness.repository()] as const;
    const [workspace] = await Promise.all([
      isolation.acquire({ ...leaseRequest(repositories[0], 8081), image: null, claudePath: null }, never),
      isolation.acquire({ ...leaseRequest(repositories[1], 8082), image: null, claudePath: null }, never),
    ]);
    expect(progress.filter((text) => text.startsWith('Building')).length).toBeLessThanOrEqual(1);
    const claude = await workspace.claude();
    expect(claude).toMatch(/\/bin\/claude$/);
    const run = await runProgram(repositories[0], workspace, [claude, '--version']);
    expect(run.stdout).toMatch(/^\d+\.\d+\.\d+ \(Claude Code\)/);
  });

  it('says which step failed when it cannot be built', { timeout: 60_000 }, async () => {
    const progress: string[] = [];
    const buildContext = folderWith(
      'FROM node:24-bookworm-slim\nRUN printf "\\033[91mtrying\\033[0m\\n"; echo "no such mirror" >&2; exit 9\n',
    );
    const isolation = harness.isolation({ buildContext, onProgress: (text) => progress.push(text) });
    const request = { ...leaseRequest(harness.repository(), 8081), image: null };
    const refused = await isolation.acquire(request, never).catch((error: unknown) => error);
    expect(OrchestratorError.is(refused, 'environment')).toBe(true);
    expect(String(refused)).toMatch(/non-zero code: 9[\s\S]*no such mirror/);
    // Without its colours: they are a terminal's, and this is read in logs too.
    expect(progress).toContain('Container image: trying');
  });

  it.each([
    ['git', 'FROM node:24-bookworm-slim\nRUN rm -rf /usr/bin/git\n'],
    ['sh', 'FROM scratch\nCOPY Dockerfile /\n'],
  ])('refuses an image without %s', { timeout: 60_000 }, async (missing, dockerfile) => {
    const image = `orchestrator-test/without-${missing}:1`;
    await harness.engine.buildImage(folderWith(dockerfile), image, () => {});
    try {
      const check = harness.isolation().check({ image, claudePath: null, baseUrl: null });
      await expect(check).rejects.toThrow(`${image} cannot be used: it has no ${missing}`);
    } finally {
      execFileSync('docker', ['image', 'rm', image], { stdio: 'ignore' });
    }
  });

  function folderWith(dockerfile: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'orch-'));
    folders.push(folder);
    writeFileSync(join(folder, 'Dockerfile'), dockerfile);
    return folder;
  }
});
