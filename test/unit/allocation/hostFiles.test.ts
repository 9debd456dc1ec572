import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findLinuxClaude } from '../../../src/engine/allocation/claudeBinary.ts';
import { readFrames } from '../../../src/engine/allocation/dockerStream.ts';
import { findObjectStores } from '../../../src/engine/allocation/objectStores.ts';
import { giveTree, isRegularFile } from '../../../src/engine/allocation/runFolder.ts';
import { writeWhole } from '../../../src/engine/process/runDirectory.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orch-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('Claude Code on the host', () => {
  const arm64 = 183;
  const x64 = 62;

  function program(path: string, machine: number): string {
    const header = Buffer.alloc(64);
    header.write('\x7fELF', 'latin1');
    header.writeUInt16LE(machine, 18);
    return file(path, header);
  }

  function file(path: string, content: string | Buffer): string {
    const full = join(folder, path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, content, { mode: 0o755 });
    return full;
  }

  it('is the program that the command in the search path leads to', async () => {
    const real = program('versions/2.1', x64);
    mkdirSync(join(folder, 'bin'));
    symlinkSync(real, join(folder, 'bin/claude'));
    expect(await findLinuxClaude(null, join(folder, 'bin'), 'x86_64')).toBe(real);
    expect(await findLinuxClaude(null, folder, 'x86_64')).toBeNull();
  });

  it('is the program of the platform package where the command is a stub', async () => {
    const stub = file('node_modules/@anthropic-ai/claude-code/bin/claude.exe', '#!/bin/sh\nexit 1\n');
    expect(await findLinuxClaude(stub, '', 'x86_64')).toBeNull();
    const real = program('node_modules/@anthropic-ai/claude-code-linux-x64/claude', x64);
    expect(await findLinuxClaude(stub, '', 'x86_64')).toBe(real);
  });

  it('is none for another architecture', async () => {
    const real = program('claude', arm64);
    expect(await findLinuxClaude(real, '', 'x86_64')).toBeNull();
    expect(await findLinuxClaude(real, '', 'aarch64')).toBe(real);
  });
});

describe('the object folders of a repository', () => {
  function objects(name: string, alternates?: string): string {
    const path = join(folder, name, 'objects');
    mkdirSync(join(path, 'info'), { recursive: true });
    if (alternates !== undefined) writeFileSync(join(path, 'info/alternates'), alternates);
    return path;
  }

  it('are its own alone, as a rule', async () => {
    const own = objects('own');
    const stores = await findObjectStores(join(folder, 'own'));
    expect(stores.pathsInside).toEqual(['/objects']);
    expect(stores.mounts('/empty')).toEqual([{ source: own, target: '/objects', readOnly: true }]);
  });

  it('include those it borrows from, whose host paths are hidden', async () => {
    const third = objects('third');
    const second = objects('second', '../../third/objects\n');
    const own = objects('own', `# comment\n${second}\n`);
    const stores = await findObjectStores(join(folder, 'own'));
    expect(stores.pathsInside).toEqual(['/objects', '/objects-1', '/objects-2']);
    expect(stores.mounts('/empty')).toEqual([
      { source: own, target: '/objects', readOnly: true },
      { source: second, target: '/objects-1', readOnly: true },
      { source: third, target: '/objects-2', readOnly: true },
      { source: '/empty', target: '/objects/info/alternates', readOnly: true },
      { source: '/empty', target: '/objects-1/info/alternates', readOnly: true },
    ]);
  });

  it('end where two repositories borrow from each other', async () => {
    const own = objects('own');
    const other = objects('other', `${own}\n`);
    writeFileSync(join(own, 'info/alternates'), `${other}\n`);
    expect((await findObjectStores(join(folder, 'own'))).pathsInside).toHaveLength(2);
  });

  it('are refused when one has a quoted name', async () => {
    objects('own', '"/a\\nb"\n');
    await expect(findObjectStores(join(folder, 'own'))).rejects.toMatchObject({ code: 'environment' });
  });
});

describe('files in folders that an agent can write to', () => {
  it('are replaced, not followed', async () => {
    writeFileSync(join(folder, 'secret'), 'untouched');
    symlinkSync(join(folder, 'secret'), join(folder, 'record'));
    expect(await isRegularFile(join(folder, 'record'))).toBe(false);
    await writeWhole(join(folder, 'record'), 'ours');
    expect(await isRegularFile(join(folder, 'record'))).toBe(true);
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('untouched');
  });

  it.skipIf(process.getuid?.() !== 0)('are given away without following links', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'orch-'));
    mkdirSync(join(folder, 'deep'));
    symlinkSync(outside, join(folder, 'deep/link'));
    writeFileSync(join(folder, 'deep/file'), '');
    await giveTree(folder, { uid: 1000, gid: 1000 });
    expect(lstatSync(join(folder, 'deep/file')).uid).toBe(1000);
    expect(lstatSync(join(folder, 'deep/link')).uid).toBe(1000);
    expect(lstatSync(outside).uid).toBe(0);
    rmSync(outside, { recursive: true });
  });
});

describe('the output of a command', () => {
  it('is put together from frames that come in pieces', async () => {
    const frame = (stream: number, text: string) => {
      const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(Buffer.byteLength(text), 4);
      return Buffer.concat([header, Buffer.from(text)]);
    };
    const bytes = Buffer.concat([frame(1, 'out'), frame(2, ''), frame(2, 'err'), frame(1, 'put')]);
    async function* pieces(): AsyncGenerator<Buffer> {
      for (const byte of bytes) yield Buffer.from([byte]);
    }
    const seen = { stdout: '', stderr: '' };
    for await (const each of readFrames(pieces())) seen[each.stream] += each.data.toString();
    expect(seen).toEqual({ stdout: 'output', stderr: 'err' });
  });
});
