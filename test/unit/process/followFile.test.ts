import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followFile } from '../../../src/engine/process/followFile.ts';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'orch-'));
  path = join(directory, 'out');
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const never = new AbortController().signal;

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

describe('followFile', () => {
  it('yields exactly what is appended, however the writes and the offset fall', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 0, maxLength: 5_000 }), { maxLength: 12 }),
        fc.nat({ max: 6_000 }),
        fc.nat({ max: 12 }),
        fc.infiniteStream(fc.boolean()),
        async (writes, from, before, pauses) => {
          await rm(path, { force: true });
          const end = deferred();
          for (const bytes of writes.slice(0, before)) await appendFile(path, bytes);
          const read = collect(followFile(path, { from, until: end.promise, signal: never }));
          for (const bytes of writes.slice(before)) {
            await appendFile(path, bytes);
            if (pauses.next().value) await new Promise((resolve) => setImmediate(resolve));
          }
          end.resolve();
          expect(await read).toEqual(Buffer.concat(writes).subarray(from));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('delivers bytes while the file is still growing', async () => {
    const end = deferred();
    const chunks = followFile(path, { from: 0, until: end.promise, signal: never });
    const first = chunks.next();
    await writeFile(path, 'one');
    expect((await first).value?.toString()).toBe('one');
    const second = chunks.next();
    await appendFile(path, 'two');
    expect((await second).value?.toString()).toBe('two');
    end.resolve();
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  it('reads a big file in bounded chunks', async () => {
    const content = Buffer.alloc(3 * 1024 * 1024 + 17, 'x');
    await writeFile(path, content);
    const sizes: number[] = [];
    for await (const chunk of followFile(path, { from: 0, until: Promise.resolve(), signal: never })) {
      sizes.push(chunk.length);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(content.length);
  });

  it('finishes with nothing when the file never appears', async () => {
    const read = collect(followFile(path, { from: 0, until: Promise.resolve(), signal: never }));
    expect((await read).length).toBe(0);
  });

  it('reads to the end when what it waited for failed', async () => {
    await writeFile(path, 'whole');
    const until = Promise.reject(new Error('ended badly'));
    expect((await collect(followFile(path, { from: 0, until, signal: never }))).toString()).toBe('whole');
  });

  it('ends quietly when aborted while waiting', async () => {
    const abort = new AbortController();
    const read = collect(followFile(path, { from: 0, until: new Promise(() => {}), signal: abort.signal }));
    abort.abort();
    expect((await read).length).toBe(0);
  });

  it('ends quietly when aborted between two chunks', async () => {
    await writeFile(path, Buffer.alloc(2 * 1024 * 1024));
    const abort = new AbortController();
    let chunks = 0;
    for await (const chunk of followFile(path, { from: 0, until: Promise.resolve(), signal: abort.signal })) {
      chunks += chunk.length > 0 ? 1 : 0;
      abort.abort();
    }
    expect(chunks).toBe(1);
  });

  it.each(['a folder', 'a link'])('reads nothing of %s that stands in its place', async (kind) => {
    const secret = join(directory, 'secret');
    await writeFile(secret, 'not for the engine');
    if (kind === 'a link') await symlink(secret, path);
    else await mkdir(path);
    expect(
      await collect(followFile(path, { from: 0, until: Promise.resolve(), signal: never })),
    ).toHaveLength(0);
  });
});
