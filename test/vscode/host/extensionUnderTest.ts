import * as v from 'valibot';
import * as vscode from 'vscode';

const manifestSchema = v.object({
  contributes: v.object({
    commands: v.array(v.object({ command: v.string() })),
    configuration: v.array(
      v.object({
        properties: v.record(v.string(), v.object({ default: v.unknown(), markdownDescription: v.string() })),
      }),
    ),
  }),
});

/** The one that is loaded from this repository, and its package.json as VS Code reads it. */
export function extensionUnderTest(): {
  readonly extension: vscode.Extension<unknown>;
  readonly manifest: v.InferOutput<typeof manifestSchema>;
} {
  const id = 'orchestrator-manager.orchestrator-manager';
  const extension = vscode.extensions.getExtension<unknown>(id);
  if (extension === undefined) throw new Error(`VS Code does not know ${id}`);
  return { extension, manifest: v.parse(manifestSchema, extension.packageJSON) };
}
