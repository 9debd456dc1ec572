import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { extensionUnderTest } from './extensionUnderTest.ts';
import type { Suite } from './verdict.ts';

/** In a folder that the person does not trust. */
export const restricted: Suite = () => {
  describe('a restricted window', () => {
    it('is restricted', () => assert.equal(vscode.workspace.isTrusted, false));

    it('has the extension, active', async () => {
      const { extension } = extensionUnderTest();
      await extension.activate();
      assert.ok(extension.isActive);
    });

    it('takes no setting from the repository that says what is executed', () => {
      const settings = vscode.workspace.getConfiguration('orchestrator');
      for (const key of ['testCommand', 'setupCommand'])
        assert.equal(settings.get(key), '', `${key} of the folder's .vscode/settings.json`);
      assert.equal(settings.get('isolation'), 'process', 'isolation, as the machine has it');
    });
  });
};
