import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactedMark, Redactor, secretValuesOf } from '../../../src/engine/process/redactor.ts';

function redact(secrets: readonly string[], chunks: readonly string[]): string {
  const redactor = new Redactor(secrets);
  const parts = chunks.map((chunk) => redactor.push(Buffer.from(chunk)));
  return Buffer.concat([...parts, redactor.end()]).toString();
}

/** Cuts a text at pseudo-random places. */
function cut(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((place) => place % (text.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((start, index) => text.slice(start, places[index] ?? text.length));
}

/** The definition, in the plainest words: every character inside any occurrence goes, a run of overlapping ones leaves a mark. */
function redactWhole(secrets: readonly string[], text: string): string {
  let result = '';
  let until = 0;
  for (let index = 0; index < text.length; index += 1) {
    const ends = secrets
      .filter((secret) => text.startsWith(secret, index))
      .map((secret) => index + secret.length);
    if (ends.length > 0 && index >= until) result += redactedMark;
    until = Math.max(until, ...ends);
    if (index >= until) result += text[index];
  }
  return result;
}

describe('Redactor', () => {
  it('gives the same text for every way to cut the stream', () => {
    // Two letters make prefixes, overlaps and repetitions the rule rather than the exception.
    const word = (minLength: number, maxLength: number) =>
      fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength });
    fc.assert(
      fc.property(
        fc.array(word(1, 6), { minLength: 1, maxLength: 3 }),
        word(0, 40),
        fc.array(fc.nat(), { maxLength: 8 }),
        (secrets, text, cuts) => {
          expect(redact(secrets, cut(text, cuts))).toBe(redactWhole(secrets, text));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes the longest of two secrets that begin alike', () => {
    expect(redact(['token-12', 'token-12-long'], ['<token-12', '-long>'])).toBe(`<${redactedMark}>`);
  });

  it('holds back nothing but the beginning of a secret', () => {
    const redactor = new Redactor(['sk-ant-123']);
    expect(redactor.push(Buffer.from('line\n')).toString()).toBe('line\n');
    expect(redactor.push(Buffer.from('desk-an')).toString()).toBe('de');
    expect(redactor.push(Buffer.from('other')).toString()).toBe('sk-another');
  });

  it('emits the beginning of a secret that never comes whole when the stream ends', () => {
    expect(redact(['sk-ant-123'], ['sk-ant-12'])).toBe('sk-ant-12');
  });

  it('finds a secret as it looks inside a JSON string', () => {
    expect(redact(['a"b\\c-secret'], [JSON.stringify({ text: 'a"b\\c-secret' })])).toBe(
      `{"text":"${redactedMark}"}`,
    );
  });

  it('passes on bytes that are no text', () => {
    const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28]);
    const redactor = new Redactor(['secret-value']);
    expect(Buffer.concat([redactor.push(bytes), redactor.end()])).toEqual(bytes);
  });
});

describe('secretValuesOf', () => {
  it('takes values by their variable names and leaves ordinary settings alone', () => {
    expect(
      secretValuesOf({
        ANTHROPIC_API_KEY: 'sk-ant-made-up',
        CLAUDE_CODE_OAUTH_TOKEN: 'oat-made-up',
        CLAUDE_CODE_MAX_OUTPUT_TOKENS: '32000',
        LANG: 'C.UTF-8-long',
      }),
    ).toEqual(['sk-ant-made-up', 'oat-made-up']);
  });
});
