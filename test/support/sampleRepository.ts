import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The feature request of the sample: its test is there already and fails until the feature exists. */
export const featureRequest = {
  title: 'Add a slugify function',
  description: `Add \`slugify(text)\` to src/text.js: lower case, every run of characters other than letters and digits becomes one dash, no dash
at either end. \`slugify('')\` is ''. Anything but a string is a TypeError.`,
  testCommand: 'npm test',
};

const files: Readonly<Record<string, string>> = {
  'package.json': `${JSON.stringify({ name: 'tiny-text', version: '1.0.0', type: 'module', private: true, scripts: { test: 'node --test' } }, null, 2)}\n`,
  'README.md': '# tiny-text\n\nSmall functions for text.\n',
  'CLAUDE.md': 'Every exported function has a JSDoc comment.\n',
  'src/text.js': `/** The text with its first letter in upper case. */
export function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
`,
  'test/text.test.js': `import assert from 'node:assert/strict';
import test from 'node:test';
import * as text from '../src/text.js';

test('capitalize', () => assert.equal(text.capitalize('abc'), 'Abc'));

test('slugify joins words with dashes', () => assert.equal(text.slugify('  Hello, World!  '), 'hello-world'));

test('slugify of nothing is nothing', () => assert.equal(text.slugify(''), ''));

test('slugify takes text only', () => assert.throws(() => text.slugify(42), TypeError));
`,
};

/** What the implementation adds; without the check of its argument when it is to fail the tests. */
export function slugifySource(complete: boolean): string {
  const check = `  if (typeof text !== 'string') throw new TypeError('slugify takes a string');\n`;
  return `
/** The text as a slug: lower case, with single dashes between its words. */
export function slugify(text) {
${complete ? check : ''}  return ${complete ? 'text' : 'String(text)'}
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
`;
}

/** Makes the sample repository in a new folder: a tiny library with one commit on \`main\`. */
export async function makeSampleRepository(path: string): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  const git = (...args: string[]) =>
    run(
      'git',
      [
        '-c',
        'user.name=Sample',
        '-c',
        'user.email=sample@localhost',
        '-c',
        'commit.gpgSign=false',
        '-c',
        'init.defaultBranch=main',
        ...args,
      ],
      { cwd: path },
    );
  await git('init', '-q');
  await git('add', '-A');
  await git('commit', '-qm', 'A tiny library, and a test for what it lacks');
  return path;
}
