import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A module for `extensionTestsPath`, and where it leaves its verdict: what a dead host reports as exit code is 0. */
export interface HostTests {
  readonly entry: string;
  readonly verdict: string;
}

/**
 * Writes the module that an extension host loads as its tests: it calls `run(argument)` of `module` and leaves what that
 * resolves with, or `{ "error": ... }`, as the verdict.
 */
export async function prepareHostTests(lab: string, module: string, argument: unknown): Promise<HostTests> {
  const folder = await mkdtemp(join(lab, 'tests-'));
  const tests = { entry: join(folder, 'entry.cjs'), verdict: join(folder, 'verdict.json') };
  const literal = (value: unknown): string => JSON.stringify(value ?? null);
  await writeFile(
    tests.entry,
    `const { writeFileSync } = require('node:fs');
const leave = (verdict) => writeFileSync(${literal(tests.verdict)}, JSON.stringify(verdict ?? null));
exports.run = async () => {
  let verdict;
  try {
    verdict = await require(${literal(module)}).run(${literal(argument)});
  } catch (error) {
    leave({ error: String(error?.stack ?? error) });
    throw error;
  }
  leave(verdict);
  if (verdict.failures > 0) throw new Error(verdict.failures + ' tests failed');
};
`,
  );
  return tests;
}

/** The verdict, unparsed; undefined when none was left. */
export async function verdictOf(tests: HostTests): Promise<unknown> {
  const text = await readFile(tests.verdict, 'utf8').catch(() => null);
  return text === null ? undefined : JSON.parse(text);
}
