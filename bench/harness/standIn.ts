import { chmod, copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './bench.ts';

/** A CLI that answers at once; where it lies in the scratch folder. */
export async function placeStandIn({ root, scratch }: BenchContext): Promise<string> {
  const path = join(scratch, 'claude');
  await copyFile(join(root, 'bench', 'programs', 'standIn.sh'), path);
  await chmod(path, 0o755);
  return path;
}

/** The ms between the end of one stage's CLI and the beginning of the next, from what the stand-in wrote down. */
export async function gapsOf(times: string): Promise<readonly number[]> {
  const lines = (await readFile(times, 'utf8')).trim().split('\n');
  await rm(times);
  const spans = lines.map((line) => line.split(' ').map((ns) => Number(BigInt(ns) / 1000n) / 1000));
  return spans.slice(1).map(([began = 0], index) => began - (spans[index]?.[1] ?? 0));
}
