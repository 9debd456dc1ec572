import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { extensionUnderTest } from './extensionUnderTest.ts';
import { fileWritten } from './fileWritten.ts';
import { placeSchema, type RecordedTask, recordedTask } from './recordedTasks.ts';
import { until } from './until.ts';
import type { Suite } from './verdict.ts';

const factsSchema = v.object({
  ...placeSchema.entries,
  /** Its specification waits for approval. */
  gated: v.string(),
  /** A criterion that is added to it. */
  criterion: v.string(),
  /** Its agent was refused, and will be again. */
  refused: v.string(),
  /** Not there yet; the model is asked for its specification and keeps silent the first time. */
  fresh: v.string(),
  /** A file that the driver writes when that was. */
  underWay: v.string(),
});

/** What a person does with a task, by the commands and documents that a person uses. */
export const moving: Suite = (given) => {
  const facts = v.parse(factsSchema, given);
  const recorded = (title: string, isWanted: (task: RecordedTask) => boolean): Promise<RecordedTask> =>
    recordedTask(facts, title, isWanted);
  const idOf = async (title: string): Promise<string> => (await recorded(title, () => true)).task_id;
  const move = async (command: string, title: string): Promise<void> => {
    await vscode.commands.executeCommand(`orchestrator.${command}`, await idOf(title));
  };

  describe('a specification that waits for approval', () => {
    it('opens as a document to be edited', async () => {
      await extensionUnderTest().extension.activate();
      await move('editSpecification', facts.gated);
      assert.equal(openSpecification().languageId, 'markdown');
    });

    it('is not saved as what is no specification: the text stays, and Problems say where and why', async () => {
      const document = openSpecification();
      const before = document.getText();
      await replaceText(document, '# Half a thought\n');
      assert.equal(await document.save(), false);
      assert.ok(document.isDirty);
      await until(() => vscode.languages.getDiagnostics(document.uri).length > 0);
      const [problem] = vscode.languages.getDiagnostics(document.uri);
      assert.match(problem?.message ?? '', /Acceptance criteria/);
      assert.equal(problem?.severity, vscode.DiagnosticSeverity.Error);
      await replaceText(document, before);
    });

    it('is, edited and saved and approved, what the next stages go by', async () => {
      const document = openSpecification();
      const edited = document.getText().replace(/^- \*\*AC-1\*\*/m, `- ${facts.criterion}\n$&`);
      assert.notEqual(edited, document.getText());
      await replaceText(document, edited);
      assert.ok(await document.save());
      assert.ok(!document.isDirty);
      assert.deepEqual(vscode.languages.getDiagnostics(document.uri), []);
      await vscode.commands.executeCommand('orchestrator.approve', document.uri);
      await recorded(facts.gated, ({ outcome }) => outcome === 'completed');
    });
  });

  describe('what QA found', () => {
    it('is in the Problems panel, at its place in the worktree', async () => {
      const found = (): readonly (readonly [vscode.Uri, readonly vscode.Diagnostic[]])[] =>
        vscode.languages.getDiagnostics().filter(([uri]) => uri.path.endsWith(join('src', 'text.js')));
      await until(() => found().length > 0);
      const [place, ...others] = found();
      assert.deepEqual(others, []);
      const [uri, problems] = place ?? [];
      assert.ok(uri !== undefined && !uri.fsPath.startsWith(`${facts.repository}/src`), uri?.fsPath);
      assert.deepEqual(
        problems?.map(({ message, range, severity, source }) => [
          message,
          range.start.line,
          severity,
          source,
        ]),
        [
          [
            'Say in the JSDoc what becomes of letters outside a-z.',
            6,
            vscode.DiagnosticSeverity.Information,
            `QA of "${facts.gated}"`,
          ],
        ],
      );
    });
  });

  describe('a task', () => {
    it('gives up its container when it does not work in it', () => move('releaseContainer', facts.gated));

    it('that needs the person is tried again', async () => {
      const { stages } = await recorded(facts.refused, ({ outcome }) => outcome === 'needs-attention');
      await move('retry', facts.refused);
      const again = await recorded(
        facts.refused,
        (task) => task.stages.length > stages.length && task.outcome === 'needs-attention',
      );
      assert.equal(again.stages.length, stages.length + 1);
    });

    it('that runs is paused and resumed', async () => {
      await vscode.commands.executeCommand('orchestrator.newTask', { title: facts.fresh });
      await fileWritten(facts.underWay);
      await move('pause', facts.fresh);
      await recorded(facts.fresh, ({ reason }) => reason === 'It is paused.');
      await move('resume', facts.fresh);
      const { stages } = await recorded(
        facts.fresh,
        ({ reason }) => reason === 'Its specification waits for approval.',
      );
      assert.equal(stages.at(-1)?.status, 'completed');
    });

    it('is named by its id, and anything else is refused', async () => {
      // Told in a toast: the command itself ends well.
      await vscode.commands.executeCommand('orchestrator.approve', { not: 'a task' });
      const { reason } = await recorded(facts.fresh, () => true);
      assert.equal(reason, 'Its specification waits for approval.');
    });
  });
};

function openSpecification(): vscode.TextDocument {
  const document = vscode.window.activeTextEditor?.document;
  assert.equal(document?.uri.scheme, 'orchestrator-specification');
  return document;
}

async function replaceText(document: vscode.TextDocument, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
  assert.ok(await vscode.workspace.applyEdit(edit));
}
