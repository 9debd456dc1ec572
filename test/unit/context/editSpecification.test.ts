import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SpecificationBundle } from '../../../src/engine/context/bundle.ts';
import {
  editableSpecification,
  parseEditedSpecification,
} from '../../../src/engine/context/editSpecification.ts';

const specification: SpecificationBundle = {
  type: 'specification',
  format: 1,
  markdown: '# Title case\n\n## Acceptance criteria\n\nSee the list at the end.',
  criteria: [
    { id: 'AC-1', text: 'An empty text stays empty.' },
    { id: 'AC-4', text: 'Words of several lines:\n\n- also with a list\n## and what looks like a heading' },
  ],
  openQuestions: ['What of numbers?'],
  files: [],
  risks: ['None is known.'],
};

function problemsOf(text: string): readonly (readonly [number, string])[] {
  const edited = parseEditedSpecification(text);
  return edited.type === 'invalid' ? edited.problems.map(({ line, message }) => [line, message]) : [];
}

describe('a specification that is edited', () => {
  test('is the same when nothing was changed, whatever its texts look like', () => {
    expect(parseEditedSpecification(editableSpecification(specification))).toEqual({
      type: 'specification',
      bundle: specification,
    });
    const words = fc
      .array(
        fc.constantFrom('word', '## Risks', '- item', '', '* x', '# Title', '```', 'AC-2: y', '  deep', '**'),
      )
      .map((lines) => lines.join('\n').trim())
      .filter((text) => text !== '');
    const bundles = fc.record({
      type: fc.constant('specification' as const),
      format: fc.constant(1 as const),
      markdown: words,
      criteria: fc
        .array(words, { minLength: 1, maxLength: 4 })
        .map((texts) => texts.map((text, index) => ({ id: `AC-${index + 1}`, text }))),
      openQuestions: fc.array(words, { maxLength: 3 }),
      files: fc.array(words, { maxLength: 3 }),
      risks: fc.array(words, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(bundles, (bundle) => {
        expect(parseEditedSpecification(editableSpecification(bundle))).toEqual({
          type: 'specification',
          bundle,
        });
      }),
      { numRuns: 500 },
    );
  });

  test('numbers new criteria with the free numbers, and lets the others keep theirs', () => {
    const text = editableSpecification(specification).replace(
      '- **AC-4**',
      '- A new one.\n* Another, with\n  two lines.\n- **AC-4**',
    );
    const edited = parseEditedSpecification(text.replaceAll('\n', '\r\n'));
    expect(
      edited.type === 'specification' && edited.bundle.criteria.map(({ id, text: said }) => [id, said]),
    ).toEqual([
      ['AC-1', 'An empty text stays empty.'],
      ['AC-2', 'A new one.'],
      ['AC-3', 'Another, with\ntwo lines.'],
      ['AC-4', specification.criteria[1]?.text],
    ]);
  });

  test.each([
    ['', 0, 'no section "## Acceptance criteria"'],
    ['Text.\n\n## Acceptance criteria\n', 2, 'no acceptance criterion'],
    ['## Acceptance criteria\n\n- One.\n', 0, 'has no text'],
    ['Text.\n## Acceptance criteria\n- One.\nloose words\n', 3, 'Begin it with "- "'],
    ['Text.\n## Acceptance criteria\n- One.\n## Notes\n', 3, 'Move it above'],
    ['Text.\n## Acceptance criteria\n- AC-1: One.\n- **AC-1**: Two.\n', 3, 'two criteria AC-1'],
    ['Text.\n## Acceptance criteria\n- **AC-1**: One.\n- **AC-2**:\n', 3, 'AC-2 says nothing'],
    ['Text.\n## Acceptance criteria\n- One.\n## Risks\nloose\n', 4, 'no item of "Risks"'],
    ['x'.repeat(600_000), 0, 'longer than 512 KB'],
  ])('says what is wrong, and where: %#', (text, line, message) => {
    expect(problemsOf(text)).toEqual([[line, expect.stringContaining(message)]]);
  });
});
