import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyIndex } from '../../../src/engine/worktrees/ownIndex.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orch-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('the copy of an index', () => {
  test('is of the time of its last look or a little earlier, never later', async () => {
    const [from, to] = [join(folder, 'index'), join(folder, 'copy')];
    writeFileSync(from, 'entries');
    utimesSync(from, 1_700_000_000.0007, 1_700_000_000.0007);
    await copyIndex(from, to);
    const earlierNs = Number(mtimeNs(from) - mtimeNs(to));
    expect(readFileSync(to, 'utf8')).toBe('entries');
    expect(earlierNs).toBeGreaterThanOrEqual(0);
    expect(earlierNs).toBeLessThan(2_000_000);
  });

  test('is none where there is no index', async () => {
    await copyIndex(join(folder, 'index'), join(folder, 'copy'));
    expect(readdirSync(folder)).toEqual([]);
  });
});

function mtimeNs(path: string): bigint {
  return statSync(path, { bigint: true }).mtimeNs;
}
