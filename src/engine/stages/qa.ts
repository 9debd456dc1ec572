import { createHash } from 'node:crypto';
import type { QaBundle, TestRun } from '../context/bundle.ts';
import type { Verdict } from '../domain/commands.ts';
import { qaPrompt, qaRole } from './prompts/qaPrompt.ts';
import { specificationOf, type StageContext, type StageDefinition } from './stageDefinition.ts';
import { qaOutput } from './stageOutput.ts';

/** Judges the result criterion by criterion; changes nothing. The engine runs the project's tests before it. */
export const qa: StageDefinition<ReturnType<typeof qaOutput>> = {
  stage: 'qa',
  role: qaRole,
  prompt: qaPrompt,
  heeds: ['implementation', 'qa'],
  reads: { diff: true, tests: true },
  changes: false,
  output: (context) => qaOutput(specificationOf(context).criteria),
  bundle: (output, result): QaBundle => {
    const criteria = Object.entries(output.criteria).map(([id, judged]) => ({ id, ...judged }));
    // The overall word must follow from the parts: a pass with a failed criterion is a fail.
    const passes = output.verdict === 'pass' && criteria.every(({ verdict }) => verdict === 'pass');
    return {
      type: 'qa',
      format: 1,
      verdict: passes ? 'pass' : 'fail',
      summary: output.summary,
      criteria,
      findings: output.findings.map(({ severity, message, file, line }) => ({
        severity,
        message,
        file: file ?? null,
        line: line ?? null,
      })),
      tests: result.tests,
    };
  },
  verdict: (bundle) => (bundle.type === 'qa' ? verdictOf(bundle) : null),
};

/** The report of a QA stage whose tests failed: no model is asked, the work goes back with the tests' own output. */
export function failedTestsReport(context: StageContext, tests: TestRun): QaBundle {
  const ending = tests.exitCode === null ? 'was ended before it finished' : `exited with ${tests.exitCode}`;
  const message = `The test command \`${tests.command}\` ${ending}.`;
  return {
    type: 'qa',
    format: 1,
    verdict: 'fail',
    summary: `${message} The criteria were not judged.`,
    criteria: specificationOf(context).criteria.map(({ id }) => ({
      id,
      verdict: 'not-judged',
      evidence: message,
    })),
    findings: [{ severity: 'blocker', message, file: null, line: null }],
    tests,
  };
}

export function verdictOf(report: QaBundle): Verdict {
  if (report.verdict === 'pass') return { type: 'pass' };
  const testsFailed = report.tests !== null && report.tests.exitCode !== 0;
  return {
    type: 'fail',
    code: testsFailed ? 'tests-failed' : 'qa-failed',
    message: report.summary,
    findings: fingerprint(report),
  };
}

/** Equal for the same complaint: times and other numbers in test output do not make it a new one. */
function fingerprint(report: QaBundle): string {
  const complaint = {
    criteria: report.criteria
      .filter(({ verdict }) => verdict !== 'pass')
      .map(({ id, evidence }) => `${id}: ${evidence.replaceAll(/\d+/g, '#')}`),
    findings: report.findings.map(({ file, message }) => `${file ?? ''}: ${message}`).toSorted(),
    output: report.tests?.exitCode === 0 ? '' : (report.tests?.outputTail.replaceAll(/\d+/g, '#') ?? ''),
  };
  return createHash('sha256').update(JSON.stringify(complaint)).digest('hex');
}
