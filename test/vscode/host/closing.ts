import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { extensionUnderTest } from './extensionUnderTest.ts';
import { fileWritten } from './fileWritten.ts';
import type { Suite } from './verdict.ts';

const factsSchema = v.object({ title: v.string(), storage: v.string(), underWay: v.string() });
const mainSchema = v.object({
  deactivate: v.custom<() => Promise<void>>((value) => typeof value === 'function'),
});

/** VS Code kills what has not ended after 5 s. */
const limitMs = 5_000;

/** `underWay`: a file that the driver writes when the task runs. */
export const closing: Suite = (facts, note) => {
  describe('an extension whose window closes', () => {
    it('ends in time and lets go of the storage, whatever runs', async () => {
      const { title, storage, underWay } = v.parse(factsSchema, facts);
      const { extension } = extensionUnderTest();
      await extension.activate();
      await vscode.commands.executeCommand('orchestrator.newTask', { title });
      const held = join(storage, 'orchestrator.db.owner');
      assert.ok(existsSync(held), 'this window drives the tasks');
      await fileWritten(underWay);

      // The module that VS Code activated: Node keeps one for each file.
      const main: unknown = createRequire(__filename)(join(extension.extensionPath, 'dist/extension.js'));
      const { deactivate } = v.parse(mainSchema, main);
      const startedAt = performance.now();
      await deactivate();
      const milliseconds = performance.now() - startedAt;
      note(`closed in ${milliseconds.toFixed(0)} ms`);
      assert.ok(milliseconds < limitMs, `it took ${milliseconds.toFixed(0)} ms`);
      assert.ok(!existsSync(held), 'the storage is free');
    });
  });
};
