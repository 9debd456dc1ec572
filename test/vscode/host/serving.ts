import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { extensionUnderTest } from './extensionUnderTest.ts';
import { until } from './until.ts';
import type { Suite } from './verdict.ts';

const portSchema = v.pipe(v.string(), v.transform(Number));

/** Two that are free. */
const factsSchema = v.object({ port: portSchema, otherPort: portSchema });

export const serving: Suite = (facts) => {
  describe('what others follow along with', () => {
    it('is the board, in a panel', async () => {
      await extensionUnderTest().extension.activate();
      await vscode.commands.executeCommand('orchestrator.openBoard');
      // VS Code tells of a tab a moment after it is there.
      await until(() =>
        vscode.window.tabGroups.all
          .flatMap(({ tabs }) => tabs)
          .some(
            ({ input }) =>
              input instanceof vscode.TabInputWebview && input.viewType.endsWith('orchestrator.board'),
          ),
      );
    });

    it('is the event server, where and as long as the settings say so, behind its token', async () => {
      const { port, otherPort } = v.parse(factsSchema, facts);
      const settings = vscode.workspace.getConfiguration('orchestrator.eventServer');
      await settings.update('port', port, vscode.ConfigurationTarget.Global);
      assert.equal(await statusOf(port), null);
      await settings.update('enabled', true, vscode.ConfigurationTarget.Global);
      await until(async () => (await statusOf(port)) === 401);
      await settings.update('port', otherPort, vscode.ConfigurationTarget.Global);
      await until(async () => (await statusOf(otherPort)) === 401);
      assert.equal(await statusOf(port), null);
      await settings.update('enabled', undefined, vscode.ConfigurationTarget.Global);
      await until(async () => (await statusOf(otherPort)) === null);
      await settings.update('port', undefined, vscode.ConfigurationTarget.Global);
    });
  });
};

/** null: nobody listens. */
async function statusOf(port: number): Promise<number | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/orchestrator/status`);
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}
