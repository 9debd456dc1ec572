import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { IsolationKind } from '../../src/engine/domain/task.ts';
import { DockerHarness } from '../support/dockerEngineHarness.ts';
import { canary, carefulGit, expectNoCanary } from '../support/hostileRepository.ts';
import type { ImplementationPart } from '../support/playedModel.ts';
import { sampleScript } from '../support/sampleScript.ts';
import { Scene } from '../support/scene.ts';
import { requireDocker } from '../support/suites.ts';

const run = promisify(execFile);
const docker = await requireDocker();
const realClaude = resolve('node_modules/.bin/claude');

/** What of the repository no stage may change. */
async function stateOf(repository: string): Promise<unknown> {
  const hooks = join(repository, '.git/hooks');
  const refs = await carefulGit(repository, 'for-each-ref', '--format=%(objectname) %(refname)');
  return {
    config: await readFile(join(repository, '.git/config'), 'utf8'),
    head: await readFile(join(repository, '.git/HEAD'), 'utf8'),
    refs: refs.split('\n').filter((line) => !line.includes('orchestrator/')),
    hooks: await Promise.all(
      (await readdir(hooks))
        .toSorted()
        .map(async (name) => [name, await readFile(join(hooks, name), 'utf8')]),
    ),
    status: await carefulGit(repository, 'status', '--porcelain'),
  };
}

async function worktreeOf({ storage }: Scene): Promise<string> {
  const names = await readdir(join(storage, 'worktrees'));
  return join(storage, 'worktrees', names.find((name) => !name.startsWith('.')) ?? '');
}

const sampleNames = ['.git', 'CLAUDE.md', 'README.md', 'package.json', 'src', 'test'];

/** What lies in a worktree, but for the folder of a planted repository, of which git knows nothing once it is empty. */
async function namesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path)).filter((name) => name !== 'nested').toSorted();
}

/** All that an agent with a shell may think of. */
const misdeeds = (folder: string): string => `
common=$(git rev-parse --git-common-dir)
git branch evil
git -c user.name=Agent -c user.email=a@localhost commit --allow-empty --quiet --no-verify -m Planted
git update-ref refs/heads/main HEAD
git config core.fsmonitor '${canary(folder, 'fsmonitor')}'
git config filter.evil.clean '${canary(folder, 'clean')}'
printf '* filter=evil\\n' >.gitattributes
for hook in post-checkout pre-commit post-commit reference-transaction post-index-change; do
  printf '#!/bin/sh\\n%s\\n' "${canary(folder, 'hook')}" >"$common/hooks/$hook"
  chmod +x "$common/hooks/$hook"
done
mkdir -p .claude .vscode nested
printf '{"hooks":{}}' >.claude/settings.json
printf '{"tasks":[]}' >.vscode/tasks.json
(cd nested && git init --quiet && git config core.fsmonitor '${canary(folder, 'nested')}')
ln -s / root
rm -f README.md
setsid sleep 98765 >/dev/null 2>&1 &
git push --quiet origin HEAD:refs/heads/pushed
rm -f .git && printf 'gitdir: %s\\n' "$PWD/nested/.git" >.git
exit 0
`;

const [clean] = sampleScript('', 'right-at-once').implementation;

const plants = (folder: string): ImplementationPart => ({
  ...clean,
  actions: [
    { type: 'write', path: 'plant.sh', content: misdeeds(folder) },
    { type: 'run', command: 'sh plant.sh' },
    ...clean.actions,
  ],
});

describe.each<IsolationKind>(['process', 'docker'])(
  'an implementation that oversteps, in %s isolation',
  (isolation) => {
    const test = it.skipIf(isolation === 'docker' && docker.skip);

    test('leaves the repository as it was, and nothing running', async () => {
      let folder = '';
      const script = sampleScript('Slug it', 'right-at-once');
      const implementation: [ImplementationPart, ImplementationPart] = [plants('/nowhere'), clean];
      const scene = await Scene.make(isolation, [{ ...script, implementation }]);
      folder = scene.folder;
      implementation[0] = plants(folder);
      const settings = { stages: { implementation: { allowedTools: ['Bash(sh plant.sh)'] } } };
      const before = await stateOf(scene.repository);
      const host = await scene.done(
        scene.task(
          'run',
          'Slug it',
          '--settings',
          await scene.write('settings.json', JSON.stringify(settings)),
        ),
        0,
      );
      const [task] = host.finals();
      const failed = host.lines.find(({ type }) => type === 'run.failed');
      if (isolation === 'process') {
        // Named, undone, and tried once more.
        expect(task?.stages.map(({ type, outcome }) => [type, outcome])).toEqual([
          ['specification', 'success'],
          ['implementation', 'forbidden-change'],
          ['implementation', 'success'],
          ['qa', 'success'],
        ]);
        const named = JSON.stringify(failed?.data);
        for (const words of [
          'core.fsmonitor',
          'filter.evil.clean',
          'hook post-checkout',
          'heads/evil',
          'heads/main',
        ])
          expect(named).toContain(words);
        const kept = await carefulGit(
          scene.repository,
          'for-each-ref',
          '--format=%(refname)',
          'refs/orchestrator',
        );
        expect(kept).toContain('salvage-');
      } else {
        // In there it is its own git that it changed, and nothing else.
        expect(failed).toBeUndefined();
      }
      expect(await stateOf(scene.repository)).toEqual(before);
      await expectNoCanary(scene.folder, scene.repository);
      expect((await run('ps', ['-eo', 'args'])).stdout).not.toContain('sleep 98765');
      const path = await worktreeOf(scene);
      expect(await readFile(join(path, '.git'), 'utf8')).toContain(join(scene.repository, '.git/worktrees'));
      await expect(lstat(join(path, 'nested/.git'))).rejects.toThrow('ENOENT');
    });
  },
);

/** In the place of the CLI, because the real one has no tools to do that with: writes, then answers as it should. */
const writingCli = `#!${process.execPath}
const { execSync } = require('node:child_process');
const { readFileSync, rmSync, symlinkSync, writeFileSync, mkdirSync } = require('node:fs');
if (process.argv.includes('--version')) {
  console.log('2.1.330 (Claude Code)');
  process.exit(0);
}
rmSync('README.md');
writeFileSync('src/text.js', 'changed');
writeFileSync('new.txt', 'new');
mkdirSync('.vscode');
writeFileSync('.vscode/tasks.json', '{}');
symlinkSync('/etc', 'outside');
execSync('git init --quiet nested');
rmSync('.git');
writeFileSync('.git', 'gitdir: ' + process.cwd() + '/nested/.git\\n');
const say = (line) => console.log(JSON.stringify(line));
const session_id = process.argv[process.argv.indexOf('--session-id') + 1];
say({ type: 'system', subtype: 'init', session_id, model: 'm', permissionMode: 'plan', tools: [], claude_code_version: '2.1.330' });
const structured_output = { spec_markdown: '# Spec', acceptance_criteria: ['One'], open_questions: [], files: [], risks: [] };
say({ type: 'result', subtype: 'success', is_error: false, terminal_reason: 'completed', result: '', structured_output, session_id, num_turns: 2, total_cost_usd: 0.1 });
`;

/** As a failure names what the program above did. */
const whatItDid = [
  '.git file was replaced',
  'nested/.git',
  'README.md',
  'src/text.js',
  'new.txt',
  '.vscode/tasks.json',
  'outside',
];

describe('a specification that writes', () => {
  it('is named with all that it did, twice, and then waits for a person', async () => {
    const scene = await Scene.make('process', [sampleScript('Slug it', 'right-at-once')]);
    const cli = await scene.write('writing-cli', writingCli);
    await chmod(cli, 0o755);
    await mkdir(join(scene.repository, '.git/hooks'), { recursive: true });
    await writeFile(join(scene.repository, '.git/hooks/pre-commit'), '#!/bin/sh\n', { mode: 0o755 });
    const before = await stateOf(scene.repository);
    const host = await scene.done(scene.task('run', 'Slug it', '--claude', cli), 2);
    const failures = host.lines
      .filter(({ type }) => type === 'run.failed')
      .map(({ data }) => JSON.stringify(data));
    expect(failures).toHaveLength(2);
    for (const named of failures) {
      expect(named).toContain('forbidden-change');
      for (const words of whatItDid) expect(named).toContain(words);
    }
    expect(host.finals()[0]).toMatchObject({ outcome: 'needs-attention' });
    expect(await stateOf(scene.repository)).toEqual(before);
    const path = await worktreeOf(scene);
    // The folder is not worth a commit, so git knows nothing of it.
    expect(await readdir(join(path, 'nested'))).toEqual([]);
    expect(await namesIn(path)).toEqual(sampleNames);
    const salvaged = await carefulGit(
      scene.repository,
      'for-each-ref',
      '--format=%(refname)',
      'refs/orchestrator',
    );
    expect(salvaged).toContain('salvage-1');
  });
});

/** Claude Code itself, but for what a stage in this permission mode does to its worktree first. */
const meddling = (mode: string, claude: string): string => `#!/bin/sh
case " $* " in *" --permission-mode ${mode} "*)
  rm README.md
  echo changed >src/text.js
  echo new >new.txt
  mkdir -p .vscode .claude
  echo '{}' >.vscode/tasks.json
  echo '{}' >.claude/settings.json
  ln -s /etc outside
  git init --quiet nested
  rm .git
  printf 'gitdir: %s\\n' "$PWD/nested/.git" >.git
esac
exec '${claude}' "$@"
`;

/** The own image, with the CLI in it that meddles; until the test is over. */
async function meddlingImage(folder: string): Promise<string> {
  const harness = await DockerHarness.open();
  onTestFinished(() => harness.close());
  const own = await harness.ownImage();
  const context = join(folder, 'image');
  await mkdir(context);
  await writeFile(join(context, 'claude'), meddling('dontAsk', '/usr/local/bin/claude-itself'), {
    mode: 0o755,
  });
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM ${own.id}\nUSER 0\nRUN ln -s "$(readlink -f "$(command -v claude)")" /usr/local/bin/claude-itself && rm "$(command -v claude)"\nCOPY claude /usr/local/bin/claude\nUSER 1000:1000\n`,
  );
  const tag = `orchestrator-test:${basename(folder).toLowerCase()}`;
  await run('docker', ['build', '--quiet', '--tag', tag, context], { maxBuffer: 2 ** 24 });
  onTestFinished(async () => {
    await run('docker', ['rmi', '--force', tag]);
  });
  return tag;
}

describe.each<IsolationKind>(['process', 'docker'])(
  'QA by the real CLI, in a worktree that it changes, in %s isolation',
  (isolation) => {
    const test = it.skipIf(isolation === 'docker' && docker.skip);

    test('is named with all that it did, twice, and waits for a person with the implementation as it was', async () => {
      const scene = await Scene.make(isolation, [sampleScript('Slug it', 'right-at-once')]);
      const before = await stateOf(scene.repository);
      const meddler =
        isolation === 'docker'
          ? ['--image', await meddlingImage(scene.folder)]
          : ['--claude', await scene.write('meddling-cli', meddling('dontAsk', realClaude))];
      if (isolation === 'process') await chmod(join(scene.folder, 'meddling-cli'), 0o755);
      const host = await scene.done(scene.task('run', 'Slug it', ...meddler), 2);
      const [task] = host.finals();
      expect(task).toMatchObject({ outcome: 'needs-attention' });
      expect(task?.stages.map(({ type, outcome }) => [type, outcome])).toEqual([
        ['specification', 'success'],
        ['implementation', 'success'],
        ['qa', 'forbidden-change'],
        ['qa', 'forbidden-change'],
      ]);
      const failures = host.lines.filter(({ type }) => type === 'run.failed');
      expect(failures).toHaveLength(2);
      // In a container the `.git` file is not the agent's to replace.
      const deeds = whatItDid.filter(
        (words) => isolation === 'process' || words !== '.git file was replaced',
      );
      for (const { data } of failures) {
        const named = JSON.stringify(data);
        for (const words of [...deeds, '.claude/settings.json']) expect(named).toContain(words);
      }
      expect(await stateOf(scene.repository)).toEqual(before);
      const path = await worktreeOf(scene);
      expect(await readFile(join(path, 'src/text.js'), 'utf8')).toContain('export function slugify');
      expect(await readFile(join(path, 'README.md'), 'utf8')).toContain('# tiny-text');
      expect(await namesIn(path)).toEqual(sampleNames);
    });
  },
);

describe.each<IsolationKind>(['process', 'docker'])(
  'an implementation that reaches out of its worktree, in %s isolation',
  (isolation) => {
    const test = it.skipIf(isolation === 'docker' && docker.skip);

    test('neither pushes to the remote nor writes or reads through a link', async () => {
      const script = sampleScript('Slug it', 'right-at-once');
      const implementation: [ImplementationPart] = [clean];
      const scene = await Scene.make(isolation, [{ ...script, implementation }]);
      const outside = join(scene.folder, 'outside');
      const remote = join(scene.folder, 'remote.git');
      await mkdir(outside);
      await writeFile(join(outside, 'kept.txt'), 'Not for the agent\n');
      await carefulGit(scene.repository, 'init', '--quiet', '--bare', remote);
      await carefulGit(scene.repository, 'remote', 'add', 'origin', remote);
      const link = `ln -s '${outside}' out && ln -s '${join(outside, 'kept.txt')}' kept`;
      implementation[0] = {
        ...clean,
        actions: [
          { type: 'run', command: 'git push origin HEAD:refs/heads/pushed' },
          { type: 'run', command: 'git -C . push origin HEAD:refs/heads/pushed' },
          { type: 'write', path: 'link.sh', content: link },
          { type: 'run', command: 'sh link.sh' },
          { type: 'write', path: 'out/planted.txt', content: 'planted' },
          { type: 'read', path: 'kept' },
          { type: 'edit', path: 'kept', find: 'Not', replace: 'All' },
          ...clean.actions,
        ],
      };
      const settings = { stages: { implementation: { allowedTools: ['Bash(sh link.sh)'] } } };
      const path = await scene.write('settings.json', JSON.stringify(settings));
      const before = await stateOf(scene.repository);
      const host = await scene.done(scene.task('run', 'Slug it', '--settings', path), 0);
      expect(host.finals()).toMatchObject([{ outcome: 'completed' }]);
      const asked = JSON.stringify(scene.api.conversation);
      expect(asked).toContain('out/planted.txt');
      expect(asked).not.toContain('Not for the agent');
      expect(await readdir(outside)).toEqual(['kept.txt']);
      expect(await readFile(join(outside, 'kept.txt'), 'utf8')).toBe('Not for the agent\n');
      expect(await carefulGit(remote, 'for-each-ref')).toBe('');
      expect(await stateOf(scene.repository)).toEqual(before);
      // What is recorded is the links, not what they lead to.
      const branch = host.finals()[0]?.branch ?? '';
      const recorded = await carefulGit(
        scene.repository,
        'ls-tree',
        '-r',
        '--format=%(objectmode) %(path)',
        branch,
      );
      expect(recorded).toContain('120000 out\n');
      expect(recorded).toContain('120000 kept\n');
      expect(recorded).not.toContain('out/');
      expect(await carefulGit(scene.repository, 'show', `${branch}:kept`)).toBe(join(outside, 'kept.txt'));
    });
  },
);
