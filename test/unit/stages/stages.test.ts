import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished } from 'vitest';
import type {
  ImplementationBundle,
  SpecificationBundle,
  TestRun,
} from '../../../src/engine/context/bundle.ts';
import { runIdOf, taskIdOf } from '../../../src/engine/domain/ids.ts';
import { implementation } from '../../../src/engine/stages/implementation.ts';
import { failedTestsReport, qa, verdictOf } from '../../../src/engine/stages/qa.ts';
import { sessionIdOf } from '../../../src/engine/stages/sessionId.ts';
import { specification } from '../../../src/engine/stages/specification.ts';
import type { StageContext, StageResult } from '../../../src/engine/stages/stageDefinition.ts';
import { jsonSchemaOf } from '../../../src/engine/stages/stageOutput.ts';
import { composePrompt } from '../../../src/engine/stages/stagePrompt.ts';
import { FakeWorkspace } from '../../support/fakeWorkspace.ts';
import { taskIn } from '../../support/viewTasks.ts';

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

const done = { summary: 'Done.', criteria: { 'AC-1': { how: 'So.' }, 'AC-2': { how: 'So.' } } };

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
    const made = { ...context, implementation: implementation.bundle(done, result) as ImplementationBundle };
    const passed = { ...made, qa: { ...report, verdict: 'pass' as const } };
    expect(implementation.prompt('', '', { ...made, qa: report })).toContain('found faults');
    expect(implementation.prompt('', '', context)).toContain('Implement the specification');
    // A person may send back what QA let pass.
    expect(implementation.prompt('', '', passed)).toContain('sent back by the person');
    expect(implementation.prompt('', '', passed)).not.toContain('found faults');
  });

  it('asks for a specification anew where one was sent back', () => {
    expect(specification.prompt('', '', { ...context, specification: null })).toContain('Specify the task');
    expect(specification.prompt('', '', context)).toContain('Write it anew');
  });

  it.each([
    [specification, ['Of the specification.']],
    [implementation, ['Of the work.']],
    [qa, ['Of the work.', 'Of the judgement.']],
  ])('of $stage has a person’s words that are for it', async (definition, heard) => {
    const runDir = await mkdtemp(join(tmpdir(), 'orch-prompt-'));
    onTestFinished(() => rm(runDir, { recursive: true }));
    const notes = [
      { stage: 'specification', text: 'Of the specification.', at: 1 },
      { stage: 'implementation', text: 'Of the work.', at: 2 },
      { stage: 'qa', text: 'Of the judgement.', at: 3 },
    ] as const;
    const prompt = await composePrompt(
      definition,
      {
        task: taskIn('running', 1, { notes }),
        runDir,
        workspace: new FakeWorkspace(runDir),
        context,
        inputs: [],
      },
      null,
      { rules: null, diff: null },
    );
    expect(notes.filter(({ text }) => prompt.includes(text)).map(({ text }) => text)).toEqual(heard);
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
