import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const text = readFileSync('SECURITY.md', 'utf8');
const claims = [...text.matchAll(/`(test\/[\w/.-]+\.test\.ts)(?:: ([^`]+))?`/g)].map(
  ([, file = '', name]) => ({
    file,
    name: name ?? null,
  }),
);

describe('what SECURITY.md claims', () => {
  it('stands on tests', () => {
    expect(claims.length).toBeGreaterThan(30);
  });

  it.each(claims)('has $file: $name', ({ file, name }) => {
    const tests = readFileSync(file, 'utf8').replaceAll(/\\(['`])/g, '$1');
    if (name !== null) expect(tests).toContain(name);
  });
});
