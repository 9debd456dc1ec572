import { describe, expect, test } from 'vitest';
import { type SourceFiles, SourceTree } from '../../support/sourceTree.ts';

describe('check-layers', () => {
  const keeps: readonly (readonly [string, SourceFiles])[] = [
    [
      'a file that imports from a floor below',
      { 'src/engine/store/a.ts': `import '../domain/b.ts';`, 'src/engine/domain/b.ts': '' },
    ],
    [
      'a file that imports from its own part',
      { 'src/engine/domain/a.ts': `import './b.ts';`, 'src/engine/domain/b.ts': '' },
    ],
    ['the owner of dockerode', { 'src/engine/allocation/dockerEngine.ts': `await import('dockerode');` }],
    ['the owner of execa', { 'src/engine/process/exec.ts': `import { execa } from 'execa';` }],
    ['the owner of sql.js', { 'src/engine/store/sqljs/sqlite.ts': `import initSqlJs from 'sql.js';` }],
    ['vscode in the extension', { 'src/extension/a.ts': `import * as vscode from 'vscode';` }],
    [
      'the word import in a text',
      { 'src/engine/domain/a.ts': `export const text = 'import from "vscode"';` },
    ],
  ];
  test.each(keeps)('accepts %s', async (_what, files) => {
    expect(await checkLayers(files)).toEqual({ code: 0, errors: '' });
  });

  const breaks: readonly (readonly [string, SourceFiles, string])[] = [
    [
      'an import from a floor above',
      { 'src/engine/context/a.ts': `import type { B } from '../store/b.ts';`, 'src/engine/store/b.ts': '' },
      `src/engine/context/a.ts:1: '../store/b.ts': src/engine/context must not import src/engine/store`,
    ],
    [
      'an import from a neighbour on the same floor',
      { 'src/engine/store/a.ts': `export { b } from '../claude/b.ts';`, 'src/engine/claude/b.ts': '' },
      `src/engine/store must not import src/engine/claude`,
    ],
    [
      'an import of the composition root by a part',
      {
        'src/engine/stages/a.ts': `import(\n  '../openOrchestrator.ts');`,
        'src/engine/openOrchestrator.ts': '',
      },
      `src/engine/stages/a.ts:2: '../openOrchestrator.ts': src/engine/stages must not import src/engine/openOrchestrator`,
    ],
    [
      'an import of the extension by the engine',
      { 'src/engine/host.ts': `import '../extension/a.ts';`, 'src/extension/a.ts': '' },
      `src/engine/host must not import src/extension`,
    ],
    [
      'an import of anything but the protocol by the webview',
      { 'webview-ui/src/a.ts': `import '../../src/engine/domain/b.ts';`, 'src/engine/domain/b.ts': '' },
      `webview-ui must not import src/engine/domain`,
    ],
    [
      'a circle',
      {
        'src/engine/store/a.ts': `import './b.ts';`,
        'src/engine/store/b.ts': `import type { A } from './a.ts';`,
      },
      `circle: src/engine/store/a.ts -> src/engine/store/b.ts -> src/engine/store/a.ts`,
    ],
    [
      'a folder without a floor',
      { 'src/engine/helpers/a.ts': '' },
      'src/engine/helpers/a.ts: stands on no floor',
    ],
    [
      'an import from the tests',
      { 'src/engine/store/a.ts': `import '../../../test/support/b.ts';`, 'test/support/b.ts': '' },
      `'../../../test/support/b.ts': outside of the floors`,
    ],
    [
      'an import without its extension',
      { 'src/engine/store/a.ts': `import './b';`, 'src/engine/store/b.ts': '' },
      `'./b': no such file`,
    ],
    [
      'a package in the domain',
      { 'src/engine/domain/a.ts': `import * as v from 'valibot';` },
      'src/engine/domain imports nothing but itself',
    ],
    [
      'a Node module in the domain',
      { 'src/engine/domain/a.ts': `import 'node:path';` },
      'src/engine/domain imports nothing but itself',
    ],
    [
      'vscode in the engine',
      { 'src/engine/server/a.ts': `import type { Uri } from 'vscode';` },
      'only src/extension/ may import it',
    ],
    [
      'vscode in the webview',
      { 'webview-ui/a.tsx': `import { Uri } from 'vscode';` },
      'only src/extension/ may import it',
    ],
    [
      'dockerode outside of its adapter',
      { 'src/engine/allocation/a.ts': `const { default: Docker } = await import('dockerode');` },
      'only src/engine/allocation/dockerEngine.ts may import it',
    ],
    [
      'execa outside of its adapter',
      { 'src/engine/claude/a.ts': `import { execa } from 'execa';` },
      'only src/engine/process/exec.ts may import it',
    ],
    [
      'sql.js outside of its adapter',
      { 'src/engine/store/sqljs/a.ts': `import wasm from 'sql.js/dist/sql-wasm.js';` },
      'only src/engine/store/sqljs/sqlite.ts may import it',
    ],
  ];
  test.each(breaks)('rejects %s', async (_what, files, complaint) => {
    const { code, errors } = await checkLayers(files);
    expect(errors).toContain(complaint);
    expect(code).toBe(1);
  });

  async function checkLayers(
    files: SourceFiles,
  ): Promise<{ readonly code: number | null; readonly errors: string }> {
    const tree = await SourceTree.create(files);
    try {
      const { code, stderr } = tree.run('scripts/check-layers.mjs', tree.root);
      return { code, errors: stderr };
    } finally {
      await tree.remove();
    }
  }
});
