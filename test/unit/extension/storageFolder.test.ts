import { expect, test } from 'vitest';
import { storageFolder } from '../../../src/extension/storageFolder.ts';

test('every window on a folder has the storage of the first', () => {
  const first = '/data/workspaceStorage/74d6f08a/orchestrator-manager.orchestrator-manager';
  expect(storageFolder(first, '/repository', false)).toBe(first);
  for (const number of [1, 2, 17])
    expect(storageFolder(first.replace('74d6f08a', `74d6f08a-${number}`), '/repository', false)).toBe(first);
});

test('a workspace whose name only looks numbered keeps its own', () => {
  for (const id of ['-12345678', 'ext-dev', '1732300000000']) {
    const given = `/data/workspaceStorage/${id}/extension`;
    expect(storageFolder(given, '/repository', false)).toBe(given);
  }
  // A negative hash, and its second window.
  expect(storageFolder('/data/workspaceStorage/-12345678-1/extension', '/repository', false)).toBe(
    '/data/workspaceStorage/-12345678/extension',
  );
});

test('two repositories of one workspace do not share a storage', () => {
  const folders = ['/a', '/b', '/a'].map((repository) =>
    storageFolder('/data/workspaceStorage/74d6f08a/extension', repository, true),
  );
  expect(new Set(folders).size).toBe(2);
  expect(folders[2]).toBe(folders[0]);
});
