import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cliLines } from '../../support/cliLines.ts';
import { GitRepository } from '../../support/gitRepository.ts';
import { StagedTask } from '../../support/stagedTask.ts';

let repository: GitRepository;
let staged: StagedTask;

beforeEach(async () => {
  repository = await GitRepository.create();
  staged = new StagedTask(repository);
  await staged.prepare();
  await staged.run('specification');
});

afterEach(() => repository.remove());

const full = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }));
const work = (path: string) => writeFile(join(path, 'made.txt'), 'x');
const known = { costUsd: cliLines.success.total_cost_usd, sessionId: cliLines.success.session_id };

test.each(['verifyMetadata', 'snapshot', 'checkpoint'] as const)(
  'what a run cost is known though its %s failed after it',
  async (step) => {
    staged.manager[step] = full;
    expect(await staged.run('implementation', work)).toMatchObject({
      type: 'failed',
      failure: { code: 'disk-full', message: expect.stringContaining('ENOSPC') },
      ...known,
    });
  },
);

test('also when what was planted cannot be looked for either, which is told first', async () => {
  staged.manager.checkpoint = () => {
    staged.manager.changes = () => Promise.reject(new Error('git is gone.'));
    return full();
  };
  expect(await staged.run('implementation', work)).toMatchObject({
    type: 'failed',
    failure: { code: 'internal', message: 'git is gone. ENOSPC: no space left' },
    ...known,
  });
});

test('an engine that lets go of a run does not judge it', async () => {
  const detach = new AbortController();
  staged.manager.checkpoint = () => {
    detach.abort();
    return full();
  };
  await expect(staged.run('implementation', work, detach.signal)).rejects.toThrow('ENOSPC');
});
