import { copyFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot, SourceTree } from '../../support/sourceTree.ts';

describe('oxlint', () => {
  const inDomain = (name: string, text: string): Case => [`src/engine/domain/${name}.ts`, text];
  const inEngine = (name: string, text: string): Case => [`src/engine/store/${name}.ts`, text];
  type Case = readonly [path: string, text: string];

  const promise = `declare function save(): Promise<void>;`;
  const rejected: readonly (readonly [string, Case, string])[] = [
    [
      'a clock in the domain',
      inDomain('clock', `export const now = () => Date.now();`),
      'eslint(no-restricted-globals)',
    ],
    [
      'a date in the domain',
      inDomain('date', `export const now = () => new Date();`),
      'eslint(no-restricted-globals)',
    ],
    [
      'a stopwatch in the domain',
      inDomain('stopwatch', `export const now = () => performance.now();`),
      'eslint(no-restricted-globals)',
    ],
    [
      'chance in the domain',
      inDomain('chance', `export const dice = () => Math.random();`),
      'eslint(no-restricted-properties)',
    ],
    [
      'the environment in the domain',
      inDomain('environment', `export const home = process.env.HOME;`),
      'eslint(no-restricted-globals)',
    ],
    ['a timer in the domain', inDomain('timer', `setTimeout(() => {}, 1);`), 'eslint(no-restricted-globals)'],
    [
      'crypto in the domain',
      inDomain('crypto', `export const id = () => crypto.randomUUID();`),
      'eslint(no-restricted-globals)',
    ],
    ['the console in the domain', inDomain('console', `console.log('x');`), 'eslint(no-restricted-globals)'],
    ['async in the domain', inDomain('async', `export async function decide() {}`), 'oxc(no-async-await)'],
    [
      'a promise in the domain',
      inDomain('promise', `export const later = () => Promise.resolve(1);`),
      'eslint(no-restricted-globals)',
    ],
    ['the console in the engine', inEngine('console', `console.log('x');`), 'eslint(no-console)'],
    [
      'standard output in the engine',
      inEngine('stdout', `process.stdout.write('x');`),
      'eslint(no-restricted-properties)',
    ],
    [
      'a promise that nobody awaits',
      inEngine('floating', `${promise} export const f = () => { save(); };`),
      'typescript(no-floating-promises)',
    ],
    [
      'a promise where none is expected',
      inEngine(
        'misused',
        `${promise} export const f = (xs: number[]) => { xs.forEach(async () => { await save(); }); };`,
      ),
      'typescript(no-misused-promises)',
    ],
    [
      'an await of no promise',
      inEngine('thenable', `export const f = async (x: number) => { await x; };`),
      'typescript(await-thenable)',
    ],
    ['any', inEngine('any', `export const f = (x: any) => String(x);`), 'typescript(no-explicit-any)'],
    [
      'parsed data without a validator',
      inEngine('parsed', `export const f = (): number => JSON.parse('1');`),
      'typescript(no-unsafe-return)',
    ],
    [
      'a value import of a type',
      inEngine('typeImport', `import { Stats } from 'node:fs'; export const f = (x: Stats) => x.size;`),
      'typescript(consistent-type-imports)',
    ],
    [
      'a parameter property',
      inEngine('parameter', `export class A { constructor(readonly x: number) {} }`),
      'typescript(parameter-properties)',
    ],
    [
      'an assertion that something is there',
      inEngine('nonNull', `export const f = (x: string | null) => x!.length;`),
      'typescript(no-non-null-assertion)',
    ],
    ['a default export', inEngine('defaultExport', `export default 1;`), 'import(no-default-export)'],
    ['a barrel', inEngine('barrel', `export * from './any.ts';`), 'oxc(no-barrel-file)'],
    ['a file of more than 400 lines', inEngine('long', 'export {};\n'.repeat(401)), 'eslint(max-lines)'],
    [
      'a test that keeps others from running',
      ['test/unit/focus.test.ts', `import { test } from 'vitest'; test.only('x', () => {});`],
      'vitest(no-focused-tests)',
    ],
  ];
  const accepted: readonly (readonly [string, Case])[] = [
    ['standard output of the host', ['src/engine/host.ts', `process.stdout.write('x');`]],
    ['standard output of the supervisor', ['src/engine/process/supervisor.ts', `process.stdout.write('x');`]],
    [
      'the clock outside of the domain',
      ['src/engine/systemClock.ts', `export const now = () => Date.now();`],
    ],
    [
      'a promise left alone on purpose',
      inEngine('meant', `${promise} export const f = () => { void save().catch(String); };`),
    ],
  ];

  let tree: SourceTree;
  let found: ReadonlyMap<string, readonly string[]>;
  beforeAll(async () => {
    tree = await SourceTree.create(Object.fromEntries([...rejected, ...accepted].map(([, file]) => file)));
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
      await copyFile(join(repositoryRoot, name), join(tree.root, name));
    }
    await symlink(join(repositoryRoot, 'node_modules'), join(tree.root, 'node_modules'), 'junction');
    // Folders by name: it would follow the link to node_modules.
    found = codesByFile(tree.run('node_modules/oxlint/bin/oxlint', '--format=json', 'src', 'test').stdout);
  });
  afterAll(() => tree.remove());

  test.each(rejected)('rejects %s', (_what, [path], code) => {
    expect(found.get(path)).toContain(code);
  });
  test.each(accepted)('accepts %s', (_what, [path]) => {
    expect(found.get(path)).toBeUndefined();
  });

  const report = v.object({ diagnostics: v.array(v.object({ code: v.string(), filename: v.string() })) });
  function codesByFile(json: string): ReadonlyMap<string, readonly string[]> {
    const codes = new Map<string, string[]>();
    for (const { code, filename } of v.parse(report, JSON.parse(json)).diagnostics) {
      codes.set(filename, [...(codes.get(filename) ?? []), code]);
    }
    return codes;
  }
});
