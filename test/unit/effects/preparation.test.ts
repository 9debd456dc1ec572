import { expect, onTestFinished, test } from 'vitest';
import { GitRepository } from '../../support/gitRepository.ts';
import { StagedTask } from '../../support/stagedTask.ts';

test('where there is no Claude Code, no setup command is run for it', async () => {
  const repository = await GitRepository.create();
  onTestFinished(() => repository.remove());
  const staged = new StagedTask(repository, { setupCommand: 'npm ci' });
  staged.hasClaude = false;
  let isSetUp = false;
  const prepared = staged.prepare(async () => {
    isSetUp = true;
  });
  await expect(prepared).rejects.toMatchObject({ code: 'environment' });
  expect(isSetUp).toBe(false);
});
