import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findExecutable, isExecutable, trustedPath } from '../../../src/engine/process/findExecutable.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'orch-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function tool(folder: string, mode = 0o755): Promise<string> {
  await mkdir(join(root, folder), { recursive: true });
  const path = join(root, folder, 'tool');
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, mode);
  return path;
}

describe('findExecutable', () => {
  it('takes the first executable file in the order of the path', async () => {
    await tool('plain', 0o644);
    await mkdir(join(root, 'folder', 'tool'), { recursive: true });
    const first = await tool('first');
    await tool('second');
    const path = ['none', 'plain', 'folder', 'first', 'second'].map((name) => join(root, name)).join(':');
    expect(await findExecutable('tool', path)).toBe(first);
    expect(await findExecutable('other', path)).toBeNull();
  });

  it('keeps a link as it is, for its target changes with updates', async () => {
    const target = await tool('versions');
    await mkdir(join(root, 'bin'));
    await symlink(target, join(root, 'bin', 'tool'));
    expect(await findExecutable('tool', join(root, 'bin'))).toBe(join(root, 'bin', 'tool'));
  });

  it('takes nothing from an excluded folder, neither by the path nor through a link', async () => {
    const planted = await tool('worktree/bin');
    await mkdir(join(root, 'bin'));
    await symlink(planted, join(root, 'bin', 'tool'));
    const path = `${join(root, 'worktree', 'bin')}:${join(root, 'bin')}`;
    expect(await findExecutable('tool', path, [join(root, 'worktree')])).toBeNull();
    expect(await isExecutable(planted, [join(root, 'worktree')])).toBe(false);
  });

  it('does not take a folder for excluded whose name only begins alike', async () => {
    const path = await tool('worktree-tools');
    expect(await findExecutable('tool', join(root, 'worktree-tools'), [join(root, 'worktree')])).toBe(path);
  });
});

describe('trustedPath', () => {
  it('drops what depends on the working directory', () => {
    expect(trustedPath('.:/bin::node_modules/.bin:/usr/bin', [])).toBe('/bin:/usr/bin');
  });
});
