import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type WatchedEnd, watchingDisk } from '../../../src/engine/process/watchedProgram.ts';
import { SteppedClock } from '../../support/steppedClock.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const mib = 2 ** 20;

let folder = '';

beforeEach(async () => {
  folder = await temporaryFolder();
});

/** A program on a disk of 110 MiB that writes 60 of them, and leaves so much free. */
function onDisk<Value>(
  free: number,
  program: () => Promise<Value>,
  detach = new AbortController().signal,
): Promise<WatchedEnd<Value>> {
  const watched = {
    name: 'setup command',
    folder,
    since: 0,
    clock: new SteppedClock(0),
    stop: async () => {},
    spaceOf: async () => ({ free, total: 110 * mib }),
    detach,
  };
  return watchingDisk(watched, async () => {
    await writeFile(join(folder, 'large'), Buffer.alloc(60 * mib, 1));
    return program();
  });
}

const fails = (): Promise<never> => Promise.reject(new Error('write: no space left'));

describe('a program whose disk is watched', () => {
  it('comes to what it came to where there is room, and what it wrote stays', async () => {
    expect(await onDisk(80 * mib, async () => 'done')).toEqual({ type: 'ended', value: 'done' });
    await expect(onDisk(80 * mib, fails)).rejects.toThrow('no space left');
    expect(await readdir(folder)).toEqual(['large']);
  });

  it('that filled it is named and undone, and what it came to is kept all the same', async () => {
    const failure = {
      code: 'disk-full',
      message: expect.stringMatching(/^The setup command wrote \d+ MiB .* left 1 MiB free/),
      remedy: expect.any(String),
    };
    expect(await onDisk(mib, async () => 'cost 0.1')).toEqual({
      type: 'disk-full',
      failure,
      value: 'cost 0.1',
    });
    expect(await readdir(folder)).toEqual([]);
    // Whatever its failure was: it met the full disk.
    expect(await onDisk(mib, fails)).toEqual({ type: 'disk-full', failure, value: null });
  });

  it('goes on without the watch when nobody follows it any more', async () => {
    const following = new AbortController();
    const end = onDisk(mib, async () => following.abort(), following.signal);
    expect(await end).toMatchObject({ type: 'ended' });
    expect(await readdir(folder)).toEqual(['large']);
  });
});
