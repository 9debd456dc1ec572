import { appendFile, mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { DiskWatch, type DiskSpace } from '../../../src/engine/process/diskWatch.ts';
import { bytesOf, filesWritten, removeLargest } from '../../../src/engine/process/writtenFiles.ts';
import { SteppedClock } from '../../support/steppedClock.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const mib = 2 ** 20;
const gib = 2 ** 30;

let folder = '';

beforeEach(async () => {
  folder = await temporaryFolder();
});

const write = (name: string, mebibytes: number): Promise<void> =>
  writeFile(join(folder, name), Buffer.alloc(mebibytes * mib, 1));

/** A disk that has as much room as it is told to, and a program on it that ends when it is asked to. */
class WatchedDisk {
  readonly clock = new SteppedClock(0);
  readonly watch: DiskWatch;
  looks = 0;
  stops = 0;
  private space: DiskSpace;

  constructor(space: DiskSpace, refusals = 0) {
    this.space = space;
    this.watch = new DiskWatch({
      folder,
      since: 0,
      clock: this.clock,
      stop: async () => {
        this.stops += 1;
        if (this.stops <= refusals) throw new Error('it cannot be reached');
      },
      spaceOf: async () => {
        this.looks += 1;
        return this.space;
      },
    });
  }

  /** Lets a second pass, until it has been looked at with so much free. */
  async has(free: number): Promise<void> {
    const before = this.looks;
    this.space = { ...this.space, free };
    const look = () => {
      this.clock.set(this.clock.now() + 1_000);
      return this.looks;
    };
    await expect.poll(look).toBeGreaterThan(before + 1);
  }
}

describe('a disk under watch', () => {
  it('that gets full has the program on it ended, which wrote its share', async () => {
    await write('large', 300);
    const disk = new WatchedDisk({ free: 100 * gib, total: 200 * gib });
    await disk.has(gib / 2);
    await expect.poll(() => disk.stops).toBeGreaterThan(0);
    expect(await disk.watch.end()).toEqual({ written: expect.closeTo(300 * mib, -6), free: gib / 2 });
    expect(await readdir(folder)).toEqual([]);
  });

  it('that gets full by others leaves the program alone, and what it wrote', async () => {
    await write('small', 2);
    const disk = new WatchedDisk({ free: 100 * gib, total: 200 * gib });
    await disk.has(0);
    expect(await disk.watch.end()).toBeNull();
    expect(disk.stops).toBe(0);
    expect(await readdir(folder)).toEqual(['small']);
  });

  it('with room left has a program ended that wrote half of what was free', async () => {
    await write('large', 60);
    const disk = new WatchedDisk({ free: 100 * mib, total: 110 * mib });
    await disk.has(45 * mib);
    await expect.poll(() => disk.stops).toBeGreaterThan(0);
    expect(await disk.watch.end()).toMatchObject({ free: 45 * mib });
  });

  it('is asked again to end a program that could not be ended', async () => {
    await write('large', 60);
    const disk = new WatchedDisk({ free: 100 * mib, total: 110 * mib }, 1);
    await disk.has(0);
    await disk.has(0);
    await expect.poll(() => disk.stops).toBeGreaterThan(1);
    expect(await disk.watch.end()).toMatchObject({ free: 0 });
  });

  it('that was full when its engine died is known by the next engine', async () => {
    await write('large', 60);
    const disk = new WatchedDisk({ free: 0, total: 110 * mib });
    expect(await disk.watch.end()).toMatchObject({ free: 0 });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the files that were written since', () => {
  it('are known though they are dated back, and neither links nor holes count', async () => {
    await write('before', 1);
    const since = Date.now() + 20;
    await expect.poll(() => Date.now()).toBeGreaterThan(since + 20);
    await mkdir(join(folder, 'deep'));
    await write('deep/dated back', 2);
    await utimes(join(folder, 'deep/dated back'), 1, 1);
    await symlink('/', join(folder, 'link'));
    await appendFile(join(folder, 'hollow'), '');
    expect((await filesWritten(folder, since)).map(({ path }) => path.slice(folder.length + 1))).toEqual(
      expect.arrayContaining(['deep/dated back', 'hollow']),
    );
    expect(bytesOf(await filesWritten(folder, since))).toBe(2 * mib);
  });

  it('are removed, the largest first, until little is left', async () => {
    await Promise.all([write('one', 1), write('two', 2), write('three', 3)]);
    await removeLargest(folder, 0, 2 * mib);
    expect(await readdir(folder)).toEqual(['one']);
  });
});
