import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newestVscode, oldestVscode, vscodeTestFolder } from '../../scripts/vscode/installations.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Barrier } from '../support/scene.ts';
import { requireVscode } from '../support/suites.ts';
import { VscodeScene } from '../support/vscodeScene.ts';
import { expectPassed } from './expectPassed.ts';
import { leaveTraces } from './leaveTraces.ts';

const run = promisify(execFile);
const { skip } = await requireVscode();

describe.skipIf(skip)(`the extension host of VS Code ${oldestVscode.version}`, () => {
  const release = oldestVscode;
  const barrier = new Barrier();
  let scene: VscodeScene;

  beforeAll(async () => {
    const script = sampleScript('Slug it', 'right-at-once', ({ turn }) =>
      turn === 1 ? barrier.pass() : null,
    );
    scene = await VscodeScene.make({
      release,
      scripts: [script],
      settings: { 'orchestrator.gates': ['specification'] },
    });
  });

  afterEach(({ task }) => leaveTraces(scene, release, task));

  afterAll(async () => {
    await scene.clear();
  });

  it('has everything that package.json promises', async () => {
    const verdict = await scene.inHost('contributions');
    expect(verdict.vscode).toBe(release.version);
    expectPassed(verdict);
  });

  it('shows the board, and serves it where the setting says so', async () => {
    const [port, otherPort] = [String(await freePort()), String(await freePort())];
    expectPassed(await scene.inHost('serving', { port, otherPort }));
  });

  it('is left by the extension in the time that VS Code gives it, and what runs goes on', async () => {
    const underWay = join(scene.folder, 'under-way');
    const written = barrier.reached.then(() => writeFile(underWay, ''));
    const facts = { title: 'Slug it', storage: await scene.storage(), underWay };
    expectPassed(await scene.inHost('closing', facts));
    await written;

    const host = await scene.host('resume');
    barrier.open();
    expect(await host.ended, host.stderr).toBe(2);
    const { outcome, stages } = await scene.onlyTask();
    expect(outcome).toBe('waiting');
    expect(stages.map(({ outcome: each, attempt }) => [each, attempt])).toEqual([['success', 1]]);
  });
});

describe.skipIf(skip)(`the extension host of VS Code ${newestVscode.version}`, () => {
  it("has everything that package.json promises, also when @vscode/test-electron's runTests starts it", async () => {
    const { stdout } = await run(
      process.execPath,
      ['scripts/vscode/program.mjs', 'testElectron', '--shim', newestVscode.version],
      { cwd: `${vscodeTestFolder}/..` },
    );
    expect(stdout).toContain('ok     the extension > registers every command that it contributes');
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
