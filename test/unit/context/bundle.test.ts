import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bundle, parseBundle, type QaBundle } from '../../../src/engine/context/bundle.ts';
import { digestOfBody, sealBundle } from '../../../src/engine/context/digest.ts';
import { placeContext } from '../../../src/engine/context/promptContext.ts';
import { renderBundle } from '../../../src/engine/context/render.ts';

const request: Bundle = { type: 'request', format: 1, title: 'Größe', description: 'a\nb' };

describe('a context bundle', () => {
  it('is the same bytes and digest whatever the order of its keys', () => {
    const turned = { description: 'a\nb', title: 'Größe', format: 1, type: 'request' } as const;
    expect(sealBundle(turned)).toEqual(sealBundle(request));
    expect(sealBundle({ ...request, title: 'Grösse' }).digest).not.toBe(sealBundle(request).digest);
  });

  it('survives the round trip whole, with more than a megabyte in it', () => {
    const specification: Bundle = {
      type: 'specification',
      format: 1,
      markdown: `# Big\n\n${'línea "quoted" \u2028\n'.repeat(80_000)}`,
      criteria: [{ id: 'AC-1', text: 'It works.' }],
      openQuestions: [],
      files: ['src/a.ts'],
      risks: [],
    };
    const { body, digest } = sealBundle(specification);
    expect(Buffer.byteLength(body)).toBeGreaterThan(1_000_000);
    expect(parseBundle(body)).toEqual(specification);
    expect(digestOfBody(body)).toBe(digest);
  });

  it('is refused when it is of a form this version does not know', () => {
    expect(() => parseBundle('{"type":"request","format":2,"title":"","description":""}')).toThrow();
    expect(() => parseBundle('{"type":"other"}')).toThrow();
  });

  it('renders a QA report with verdict and evidence of each criterion and the tests', () => {
    const report: QaBundle = {
      type: 'qa',
      format: 1,
      verdict: 'fail',
      summary: 'One criterion fails.',
      criteria: [
        { id: 'AC-1', verdict: 'pass', evidence: 'sum.js:3' },
        { id: 'AC-2', verdict: 'fail', evidence: 'No error is thrown.' },
      ],
      findings: [{ severity: 'major', message: 'Throw on NaN.', file: 'sum.js', line: 7 }],
      tests: { command: 'npm test', exitCode: 0, durationMs: 10, outputTail: 'ok' },
    };
    const text = renderBundle(report);
    for (const part of [
      '**fail**',
      '**AC-2**: fail. No error is thrown.',
      'major: Throw on NaN. (sum.js:7)',
      '`npm test` exited with 0',
    ]) {
      expect(text).toContain(part);
    }
  });
});

describe('context in a prompt', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orch-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('stands in the prompt whole and marked with its digest when it fits', async () => {
    const text = await placeContext(
      [{ name: 'specification', digest: digestOfBody('x'), text: 'Do it.' }],
      folder,
      (path) => path,
    );
    expect(text).toBe(`<specification sha256="${digestOfBody('x')}">\nDo it.\n</specification>`);
  });

  it('goes into a file, whole, with an excerpt and the path the agent sees, when it does not fit', async () => {
    const big = 'x'.repeat(1_200_000);
    const text = await placeContext(
      [
        { name: 'specification', digest: null, text: big },
        { name: 'diff', digest: null, text: 'small' },
      ],
      folder,
      (path) => path.replace(folder, '/inside'),
    );
    expect(await readFile(join(folder, 'specification.md'), 'utf8')).toBe(big);
    expect(text).toContain('/inside/specification.md');
    expect(text.length).toBeLessThan(20_000);
    expect(text).toContain('<diff>\nsmall\n</diff>');
  });
});
