import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { SpecificationBundle, TestRun } from '../../../src/engine/context/bundle.ts';
import { runIdOf, taskIdOf } from '../../../src/engine/domain/ids.ts';
import { implementation } from '../../../src/engine/stages/implementation.ts';
import { failedTestsReport, qa, verdictOf } from '../../../src/engine/stages/qa.ts';
import { sessionIdOf } from '../../../src/engine/stages/sessionId.ts';
import { specification } from '../../../src/engine/stages/specification.ts';
import type { StageContext, StageResult } from '../../../src/engine/stages/stageDefinition.ts';
import { jsonSchemaOf } from '../../../src/engine/stages/stageOutput.ts';

const specified: SpecificationBundle = {
  type: 'specification',
  format: 1,
  markdown: '# Spec',
  criteria: [
    { id: 'AC-1', text: 'Adds.' },
    { id: 'AC-2', text: 'Throws.' },
  ],
  openQuestions: [],
  files: [],
  risks: [],
};
const context: StageContext = {
  request: { type: 'request', format: 1, title: 'T', description: '' },
  specification: specified,
  implementation: null,
  qa: null,
};
const result: StageResult = {
  context,
  baseCommit: 'b',
  commit: 'c',
  changedFiles: ['a'],
  diffStat: '1 file',
  tests: null,
};
const judged = (verdict: 'pass' | 'fail', second: 'pass' | 'fail', evidence = 'seen') => ({
  verdict,
  summary: 'S.',
  criteria: {
    'AC-1': { verdict: 'pass' as const, evidence: 'a.js:1' },
    'AC-2': { verdict: second, evidence },
  },
  findings: [],
});

describe('every stage prompt', () => {
  it.each([specification, implementation, qa])(
    'of $stage begins with plain words of ours, whatever the context begins with',
    ({ prompt }) => {
      for (const hostile of ['/compact', '!rm', '#note', '@/etc/hostname']) {
        expect(prompt(hostile, '', context)).toMatch(/^[A-Z][a-z]+ /);
      }
    },
  );

  it('tells an implementer of rework what it is about', () => {
    const report = failedTestsReport(context, {
      command: 'npm test',
      exitCode: 1,
      durationMs: 1,
      outputTail: '',
    });
    expect(implementation.prompt('', '', { ...context, qa: report })).toContain('found faults');
    expect(implementation.prompt('', '', context)).not.toContain('found faults');
  });
});

describe('the answer of a stage', () => {
  it('numbers the acceptance criteria itself', () => {
    const bundle = specification.bundle(
      { spec_markdown: '# S', acceptance_criteria: ['a', 'b'], open_questions: [], files: [], risks: [] },
      result,
    );
    expect(bundle).toMatchObject({
      criteria: [
        { id: 'AC-1', text: 'a' },
        { id: 'AC-2', text: 'b' },
      ],
    });
  });

  it.each([
    ['implementation', implementation.output(context)],
    ['qa', qa.output(context)],
  ] as const)('of %s must name every criterion', (_stage, schema) => {
    expect(jsonSchemaOf(schema)).toMatchObject({
      properties: {
        criteria: {
          required: ['AC-1', 'AC-2'],
          properties: { 'AC-1': { type: 'object' }, 'AC-2': { type: 'object' } },
        },
      },
    });
    const { 'AC-2': _forgotten, ...criteria } = judged('pass', 'pass').criteria;
    expect(v.safeParse(schema, { ...judged('pass', 'pass'), criteria }).success).toBe(false);
  });

  it('passes QA only when every criterion passes', () => {
    const verdictFor = (output: ReturnType<typeof judged>) => qa.verdict(qa.bundle(output, result));
    expect(verdictFor(judged('pass', 'pass'))).toEqual({ type: 'pass' });
    expect(verdictFor(judged('pass', 'fail'))).toMatchObject({ type: 'fail', code: 'qa-failed' });
    expect(verdictFor(judged('fail', 'pass'))).toMatchObject({ type: 'fail', code: 'qa-failed' });
  });

  it('knows the same complaint again, and another one apart', () => {
    const findings = (evidence: string): string => {
      const verdict = qa.verdict(qa.bundle(judged('fail', 'fail', evidence), result));
      return verdict?.type === 'fail' ? verdict.findings : '';
    };
    expect(findings('x.js line 10')).toBe(findings('x.js line 12'));
    expect(findings('x.js')).not.toBe(findings('y.js'));
  });
});

describe('failed tests', () => {
  const tests: TestRun = {
    command: 'npm test',
    exitCode: 1,
    durationMs: 5,
    outputTail: 'not ok 1 - adds (3 ms)',
  };

  it('are a QA report of their own, with every criterion unjudged', () => {
    const report = failedTestsReport(context, tests);
    expect(report.criteria.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['AC-1', 'not-judged'],
      ['AC-2', 'not-judged'],
    ]);
    expect(verdictOf(report)).toMatchObject({ type: 'fail', code: 'tests-failed' });
  });

  it('are the same complaint when only times differ', () => {
    const again = failedTestsReport(context, { ...tests, outputTail: 'not ok 1 - adds (7 ms)' });
    expect(verdictOf(again)).toEqual(verdictOf(failedTestsReport(context, tests)));
  });
});

describe('the session of a run', () => {
  it('is a valid UUID, the same for the same run and another for the next attempt', () => {
    const task = taskIdOf('0b0f6b0e-1111-4222-8333-944444444444');
    const id = sessionIdOf(runIdOf(task, 'qa', 1));
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(sessionIdOf(runIdOf(task, 'qa', 1))).toBe(id);
    expect(sessionIdOf(runIdOf(task, 'qa', 2))).not.toBe(id);
  });
});
