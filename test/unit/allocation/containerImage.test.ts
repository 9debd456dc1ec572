import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };

it('builds the container image with the Claude Code version that the tests run on', () => {
  const dockerfile = readFileSync(
    resolve(import.meta.dirname, '../../../media/container/Dockerfile'),
    'utf8',
  );
  expect(dockerfile).toContain(
    `ARG CLAUDE_CODE_VERSION=${manifest.devDependencies['@anthropic-ai/claude-code']}\n`,
  );
});
