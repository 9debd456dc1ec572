import Mocha from 'mocha';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { closing } from './closing.ts';
import { contributions } from './contributions.ts';
import { moving } from './moving.ts';
import { serving } from './serving.ts';
import { restricted } from './restricted.ts';
import { requestSchema, type Suite, type SuiteName, type Verdict } from './verdict.ts';

const suites: Readonly<Record<SuiteName, Suite>> = {
  closing,
  contributions,
  moving,
  restricted,
  serving,
};

/** Runs a suite inside the extension host: called by the module that `prepareHostTests` writes. */
export async function run(argument: unknown): Promise<Verdict> {
  const { suite, facts, limitMs } = v.parse(requestSchema, argument);
  const tests: Verdict['tests'][number][] = [];
  const notes: string[] = [];
  // Prints nothing: the console of an extension host goes to the page, where nobody reads it.
  const mocha = new Mocha({ ui: 'bdd', timeout: limitMs, reporter: Mocha.reporters.Base });
  // Makes `describe` and `it` of the module mocha those of this run.
  mocha.suite.emit('pre-require', {}, suite, mocha);
  suites[suite](facts, (text) => notes.push(text));
  await new Promise<void>((done) => {
    const runner = mocha.run(() => done());
    const record = (test: Mocha.Runnable, state: 'passed' | 'failed' | 'pending', error: unknown): void => {
      tests.push({
        title: test.titlePath().join(' > '),
        state,
        error: state === 'failed' ? textOf(error) : null,
        durationMs: test.duration ?? 0,
      });
    };
    runner.on('pass', (test) => record(test, 'passed', null));
    runner.on('pending', (test) => record(test, 'pending', null));
    runner.on('fail', (test: Mocha.Runnable, error: unknown) => record(test, 'failed', error));
  });
  const failures = tests.filter(({ state }) => state === 'failed').length;
  return { vscode: vscode.version, node: process.version, failures, tests, notes };
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
