import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Frame } from 'playwright-core';
import * as v from 'valibot';

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const resultSchema = v.object({
  violations: v.array(
    v.object({
      id: v.string(),
      impact: v.nullable(v.string()),
      help: v.string(),
      nodes: v.array(v.object({ html: v.string(), failureSummary: v.optional(v.string(), '') })),
    }),
  ),
});

/** What keeps people from using the page: axe's serious and critical violations, each in a few lines. */
export async function seriousViolations(frame: Frame): Promise<readonly string[]> {
  await frame.evaluate(await source);
  // In the middle of a change of theme a colour is neither the one nor the other.
  await frame.evaluate(
    `new Promise(requestAnimationFrame).then(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)))`,
  );
  const found: unknown = await frame.evaluate(`axe.run(document, {
    resultTypes: ['violations'],
    // VS Code owns the document around the page's body: its title and language.
    rules: { 'document-title': { enabled: false }, 'html-has-lang': { enabled: false } },
  })`);
  return v
    .parse(resultSchema, found)
    .violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) =>
      [
        `${id}: ${help}`,
        ...nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `  ${html.slice(0, 200)}\n  ${failureSummary}`),
      ].join('\n'),
    );
}
