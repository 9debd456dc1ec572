import { expect, it } from 'vitest';
import { cliEnvironment, complaintOfVariable } from '../../../src/engine/claude/environment.ts';

it('passes credentials and the address of the service, and nothing else', () => {
  const source = {
    ANTHROPIC_API_KEY: 'key',
    ANTHROPIC_AUTH_TOKEN: 'token',
    CLAUDE_CODE_OAUTH_TOKEN: 'oauth',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
  };
  const unwanted = {
    AWS_SECRET_ACCESS_KEY: 'aws',
    NODE_OPTIONS: '--require x',
    CLAUDE_CODE_MAX_RETRIES: '99',
  };
  const environment = cliEnvironment({ ...source, ...unwanted });
  expect(environment).toEqual({ ...cliEnvironment({}), ...source });
  expect(Object.keys(environment)).not.toContain('AWS_SECRET_ACCESS_KEY');
  expect(environment).toMatchObject({
    CLAUDE_CODE_MAX_RETRIES: '4',
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    DISABLE_AUTOUPDATER: '1',
  });
});

it('leaves out credentials that are not there or empty', () => {
  const environment = cliEnvironment({ ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: undefined });
  expect(environment).toEqual(cliEnvironment({}));
  expect(environment).not.toHaveProperty('ANTHROPIC_API_KEY');
});

it('takes what a person added, below what was signed in with and what the engine needs', () => {
  const environment = cliEnvironment(
    { ANTHROPIC_API_KEY: 'signed in' },
    {
      HTTPS_PROXY: 'http://proxy',
      ANTHROPIC_API_KEY: 'added',
      CLAUDE_CODE_MAX_RETRIES: '99',
      PATH: '/tmp',
      'a=b': 'c',
    },
  );
  expect(environment).toEqual({
    ...cliEnvironment({ ANTHROPIC_API_KEY: 'signed in' }),
    HTTPS_PROXY: 'http://proxy',
  });
});

it.each([
  ['DISABLE_AUTOUPDATER', 'DISABLE_AUTOUPDATER is set by the engine'],
  ['Path', 'Path is set by the engine'],
  ['a=b', '"a=b" is no name of a variable'],
  ['', '"" is no name of a variable'],
  ['HTTPS_PROXY', null],
])('says why %s cannot be added', (name, complaint) => {
  expect(complaintOfVariable(name)).toBe(complaint);
});
