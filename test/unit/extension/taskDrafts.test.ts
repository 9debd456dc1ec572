import { describe, expect, test } from 'vitest';
import {
  draftOfMarkdown,
  draftOfSelection,
  draftOfTodo,
  draftsOfChecklist,
} from '../../../src/extension/commands/taskDrafts.ts';

describe('a selection', () => {
  test('of prose gives the title by its first line', () => {
    expect(draftOfSelection('# Faster start\n\nIt takes 3 s.', 'notes.md', 4, 'markdown')).toEqual({
      title: 'Faster start',
      description: '# Faster start\n\nIt takes 3 s.\n\nFrom notes.md, line 4.',
    });
  });

  test('of code is quoted in a fence that its own backticks cannot close', () => {
    const { title, description } = draftOfSelection('const a = ````;\n', 'a.ts', 1, 'typescript');
    expect(title).toBe('');
    expect(description).toBe('`````typescript\nconst a = ````;\n`````\n\nFrom a.ts, line 1.');
  });
});

describe('a TODO comment', () => {
  test.each([
    ['  // TODO: check the argument', 'check the argument'],
    ['/* FIXME(anna) leaks a handle */', 'leaks a handle'],
    ['<!-- TODO write this -->', 'write this'],
    ['# todo nothing', null],
    ['const todoList = [];', null],
  ])('%s', (line, title) => {
    expect(draftOfTodo(line, 'src/a.ts', 7)?.title ?? null).toBe(title);
  });

  test('says where it is', () => {
    expect(draftOfTodo('// TODO: rest', 'src/a.ts', 7)?.description).toContain('src/a.ts, line 7');
  });
});

describe('a Markdown file', () => {
  test('has its first heading as title and the rest as description', () => {
    expect(draftOfMarkdown('---\na: b\n---\n# Export ##\n\nAs CSV.\n\n## Why\nAsked for.', 'x.md')).toEqual({
      title: 'Export',
      description: 'As CSV.\n\n## Why\nAsked for.',
    });
  });

  test('without a heading is called by its name', () => {
    expect(draftOfMarkdown('As CSV.', 'export.md')).toEqual({ title: 'export', description: 'As CSV.' });
  });

  test('keeps text before its first heading', () => {
    expect(draftOfMarkdown('Intro\n\n# Export', 'x.md')).toEqual({
      title: 'Export',
      description: 'Intro\n\n# Export',
    });
  });
});

describe('a checklist', () => {
  const text = [
    '# Plan',
    '- [ ] First',
    '  - with a detail',
    '  - [ ] and a sub-item',
    '- [x] Done already',
    '  its detail',
    '1. [ ] Second',
    '',
    'Other text',
    '  far below',
    '- no box',
  ].join('\r\n');

  test('gives a task for each open item, with what is indented below it', () => {
    expect(draftsOfChecklist(text, 'plan.md')).toEqual([
      {
        title: 'First',
        description: '- with a detail\n- [ ] and a sub-item\n\nFrom the checklist in plan.md.',
      },
      { title: 'Second', description: 'From the checklist in plan.md.' },
    ]);
  });

  test('a very long item is cut in the title and whole in the description', () => {
    const [draft] = draftsOfChecklist(`- [ ] ${'word '.repeat(50)}`, 'plan.md');
    expect(draft?.title).toHaveLength(100);
    expect(draft?.description).toContain('word '.repeat(49));
  });
});
