import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Mounting one takes root, on Linux. */
export const canMount = process.getuid?.() === 0 && process.platform === 'linux';

/** A folder that is a file system of its own, of so many MiB, until the test is over. */
export function smallDisk(mebibytes: number): string {
  const disk = mkdtempSync(join(tmpdir(), 'orch-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', disk]);
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true });
  });
  return disk;
}

/** Bytes that may still be written there. */
export function freeOn(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
}
