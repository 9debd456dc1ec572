import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DockerIsolation } from '../../src/engine/allocation/dockerIsolation.ts';
import { leaseIdOf } from '../../src/engine/domain/ids.ts';
import type { Workspace } from '../../src/engine/ports/isolation.ts';
import type { RepositoryFixture } from '../support/dockerEngineHarness.ts';
import { DockerHarness, leaseRequest, runProgram } from '../support/dockerEngineHarness.ts';
import { requireDocker } from '../support/suites.ts';

const { skip } = await requireDocker();
const never = new AbortController().signal;

describe.skipIf(skip)('the agent in its container', { timeout: 120_000 }, () => {
  let harness: DockerHarness;
  let repository: RepositoryFixture;
  let isolation: DockerIsolation;
  let workspace: Workspace;

  beforeAll(async () => {
    harness = await DockerHarness.open();
    repository = harness.repository();
    isolation = harness.isolation();
    workspace = await isolation.acquire(leaseRequest(repository, 8082), never);
  }, 60_000);

  afterAll(async () => {
    await isolation.release(leaseIdOf(8082, 1));
    await harness.close();
    expect(await harness.leftovers()).toEqual([]);
  }, 60_000);

  it('is the host user, or nobody special where the host user is root', async () => {
    const uid = process.getuid?.() || 1000;
    const gid = process.getuid?.() === 0 ? 1000 : (process.getgid?.() ?? 1000);
    expect(await inContainer('echo "$(id -u):$(id -g)"; id -un >/dev/null && echo named')).toBe(
      `${uid}:${gid}\nnamed\n`,
    );
  });

  it('has no capabilities and cannot get any', async () => {
    const status = await inContainer('cat /proc/self/status');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status).toMatch(new RegExp(`${set}:\\s+0+\\n`));
    expect(status).toMatch(/NoNewPrivs:\s+1\n/);
    expect(status).toMatch(/Seccomp:\s+2\n/);
  });

  it('can write to its worktree, its home and /tmp, and nowhere else', async () => {
    const probe =
      'for d in /workspace "$HOME" /tmp / /etc /usr /opt /objects /var/tmp; do (: >"$d/probe") 2>/dev/null && echo "$d"; done; rm -f /workspace/probe';
    expect(await inContainer(probe)).toBe('/workspace\n/home/agent\n/tmp\n');
  });

  it('can run programs from its home and /tmp', async () => {
    const script =
      'for d in "$HOME" /tmp; do printf "#!/bin/sh\\necho ran\\n" >"$d/tool"; chmod +x "$d/tool"; "$d/tool"; done';
    expect(await inContainer(script)).toBe('ran\nran\n');
  });

  it("cannot replace the worktree's .git file, the lease's files or its deadline", async () => {
    const script = `
for f in /workspace/.git /orchestrator/.lease /orchestrator/.lease/deadline; do
  rm -rf "$f" 2>/dev/null && echo "removed $f"
  mv "$f" "$f.old" 2>/dev/null && echo "moved $f"
  (echo evil >"$f") 2>/dev/null && echo "wrote $f"
done
cat /workspace/.git`;
    expect(await inContainer(script)).toBe('gitdir: /gitdir\n');
    expect(readFileSync(join(repository.worktree, '.git'), 'utf8')).toContain('/.git/worktrees/worktree');
  });

  it('cannot have process 1 start anything that would outlive its run', async () => {
    const fields = [
      '/orchestrator/x',
      ':',
      '/orchestrator/x',
      '60',
      '',
      '',
      '',
      '0',
      'touch',
      '/workspace/forged',
    ];
    const order = `${fields.map((field) => `${field}.`).join(' ')} ;`;
    const script = `
mkdir /orchestrator/x && : >/orchestrator/x/stdin
for token in "$(cat /orchestrator/.lease/order)" ''; do
  printf '\\n%s %s\\n' "$token" "$0" >/proc/1/fd/0 && echo written
done`;
    const run = await runProgram(repository, workspace, ['sh', '-c', script, order]);
    expect(run.stdout).toBe('written\nwritten\n');
    // The order of a run that follows comes after what was written there.
    expect(await inContainer('echo obeyed')).toBe('obeyed\n');
    expect(readdirSync(repository.worktree)).not.toContain('forged');
    expect(readdirSync(join(repository.runs, 'x'))).toEqual(['stdin']);
  });

  it("uses git freely while the repository's own metadata stays as it was", async () => {
    const before = fingerprint(join(repository.repository, '.git'));
    const script = `set -e
echo edited >>file.txt; echo new >new.txt
git status --short
git add --all; git commit --quiet --message=work
git log --format=%s
git diff --stat HEAD~1
git config core.fsmonitor /workspace/evil; git config core.hooksPath /workspace/evil
git worktree prune; git gc --quiet; git branch --force main HEAD`;
    const output = await inContainer(script);
    expect(output).toContain(' M file.txt\n?? new.txt\n');
    expect(output).toContain('work\nfirst\n');
    expect(fingerprint(join(repository.repository, '.git'))).toBe(before);
    expect(readFileSync(join(repository.worktree, 'new.txt'), 'utf8')).toBe('new\n');
    expect(repository.gitInWorktree('status', '--short')).toBe(' M file.txt\n?? new.txt\n');
  });

  it('sees the next checkpoint of the host as its new start', async () => {
    writeFileSync(join(repository.worktree, 'host.txt'), 'host\n');
    repository.gitInWorktree('add', '--all');
    repository.gitInWorktree('commit', '--quiet', '--message=checkpoint');
    expect(
      await inContainer('git status --short; git log -1 --format=%s; git rev-parse --abbrev-ref HEAD'),
    ).toBe('checkpoint\ntask/one\n');
    expect(await inContainer('echo agent >>host.txt && echo written')).toBe('written\n');
  });

  it('works in a repository that borrows its objects and is shallow', async () => {
    const borrower = harness.repository();
    const origin = join(repository.repository, '.git');
    writeFileSync(join(borrower.repository, '.git/objects/info/alternates'), `${join(origin, 'objects')}\n`);
    const commit = repository.gitInWorktree('rev-parse', 'HEAD').trim();
    const parent = repository.gitInWorktree('rev-parse', 'HEAD~1').trim();
    writeFileSync(join(borrower.repository, '.git/shallow'), `${commit}\n`);
    const other = await isolation.acquire(leaseRequest(borrower, 8083), never);
    const script = 'git log --format=%s; git cat-file -t "$0"';
    const run = await runProgram(borrower, other, ['sh', '-c', script, parent], {
      checkout: { ...borrower.checkout(commit), branch: 'task/borrowed' },
    });
    expect(run).toMatchObject({ stdout: 'checkpoint\ncommit\n', stderr: '' });
    await isolation.release(leaseIdOf(8083, 1));
  });

  it('is held to its number of processes', async () => {
    const script = 'i=0; while [ $i -lt 1100 ]; do sleep 30 & i=$((i + 1)); done; echo started';
    const run = await runProgram(repository, workspace, ['sh', '-c', script]);
    expect(run.exit.code).not.toBe(0);
    expect(run.stdout).toBe('');
    expect(await inContainer('echo usable')).toBe('usable\n');
  });

  it("leaves files that are the person's own, where the person is not root", async () => {
    await inContainer('mkdir -p made && echo x >made/file');
    const owner = process.getuid?.() || 1000;
    expect(lstatSync(join(repository.worktree, 'made/file')).uid).toBe(owner);
  });

  async function inContainer(script: string): Promise<string> {
    const commit = repository.gitInWorktree('rev-parse', 'HEAD').trim();
    const checkout = repository.checkout(commit);
    const { stdout } = await runProgram(repository, workspace, ['sh', '-c', script], { checkout });
    return stdout;
  }
});

/** Paths and contents of a folder. An index is left out: it changes when the host itself looks at the worktree. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  for (const name of names) {
    if (name.endsWith('index')) continue;
    hash.update(name);
    if (lstatSync(join(folder, name)).isFile()) hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}
