import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { extensionUnderTest } from './extensionUnderTest.ts';
import type { Suite } from './verdict.ts';

/** What package.json promises is there, in this release of VS Code. */
export const contributions: Suite = (_facts, note) => {
  describe('the extension', () => {
    it('activates', async () => {
      const { extension } = extensionUnderTest();
      const wasActive = extension.isActive;
      const startedAt = performance.now();
      await extension.activate();
      assert.ok(extension.isActive);
      note(wasActive ? 'was active before' : `activated in ${(performance.now() - startedAt).toFixed(0)} ms`);
    });

    it('registers every command that it contributes, and no other', async () => {
      const { manifest } = extensionUnderTest();
      const contributed = manifest.contributes.commands.map(({ command }) => command);
      const registered = (await vscode.commands.getCommands(true)).filter(
        // VS Code makes commands of its own for each view: `<view>.focus` and its like.
        (id) => id.startsWith('orchestrator.') && !/^orchestrator\.(tasks|containers)\./.test(id),
      );
      assert.deepEqual(registered.toSorted(), contributed.toSorted());
    });

    it('says of every setting what it is, and by default means what it says', () => {
      const { manifest } = extensionUnderTest();
      const properties = manifest.contributes.configuration.flatMap((section) =>
        Object.entries(section.properties),
      );
      assert.ok(properties.length > 0);
      for (const [key, property] of properties) {
        const inspected = vscode.workspace.getConfiguration().inspect(key);
        assert.deepEqual(inspected?.defaultValue, property.default, key);
        // Looked up in package.nls.json by VS Code; what stays a key has no text there.
        assert.match(property.markdownDescription, /^[^%]/, key);
      }
    });

    it('has no text in its contributions that package.nls.json does not know', () => {
      const untold = JSON.stringify(extensionUnderTest().extension.packageJSON).match(/"%[\w.]+%"/g);
      assert.equal(untold, null);
    });
  });
};
