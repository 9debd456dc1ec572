import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { heardHost } from '../../support/heardHost.ts';
import { makeSampleRepository } from '../../support/sampleRepository.ts';
import { temporaryDirectory } from '../../support/storeFixtures.ts';

test('doctor takes the path of Claude Code from where it is called, as run does', async () => {
  const folder = await temporaryDirectory();
  const repository = await makeSampleRepository(join(folder, 'repository'));
  const claude = relative(repository, resolve('node_modules/.bin/claude'));
  const { stdout } = await heardHost(
    ['doctor', '--claude', claude, '--storage', join(folder, 'storage'), '--json'],
    { cwd: repository },
  );
  const checks = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly name: string });
  expect(checks.find(({ name }) => name === 'claude')).toMatchObject({ ok: true, remedy: null });
});
