import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { marked } from 'marked';
import { describe, expect, test, vi } from 'vitest';
import { failureCodes } from '../../../../src/engine/domain/outcome.ts';
import { formatElapsed, inSlotSince, workedMs } from '../../../../src/extension/views/elapsed.ts';
import { markdownText, plainLine } from '../../../../src/extension/views/markdownText.ts';
import { slotDescription, slotIcon } from '../../../../src/extension/views/slotLabels.ts';
import { taskFilter } from '../../../../src/engine/inspection/taskFilter.ts';
import { groupIcons, phaseIcons } from '../../../../src/extension/views/taskIcons.ts';
import {
  countLabel,
  failureLabel,
  taskAccessibleLabel,
  taskDescription,
  taskLabel,
} from '../../../../src/extension/views/taskLabels.ts';
import { taskTooltip } from '../../../../src/extension/views/taskTooltip.ts';
import {
  accessibleSummary,
  degradedMessage,
  statusBarText,
  waitingForPerson,
  waitingSummary,
} from '../../../../src/extension/views/summary.ts';
import { leaseIdOf } from '../../../../src/engine/domain/ids.ts';
import { idOf, noon, phaseTypes, runOf, taskIn } from '../../../support/viewTasks.ts';

vi.mock('vscode', () => import('../../../support/fakeVscode.ts'));

const minute = 60_000;

describe('elapsed time', () => {
  test.each([
    [-5, '0s'],
    [9_999, '0s'],
    [49_999, '40s'],
    [2 * minute + 19_000, '2m 10s'],
    [minute, '1m 00s'],
    [14 * minute + 50_000, '14m'],
    [65 * minute, '1h 05m'],
    [(3 * 24 + 4) * 60 * minute, '3d 4h'],
  ])('%i ms are %s', (ms, text) => {
    expect(formatElapsed(ms)).toBe(text);
  });

  test('counts the run under way, and all runs once none is', () => {
    const ended = runOf({ status: 'completed', completedAt: noon + minute });
    const running = runOf({ stage: 'implementation', startedAt: noon + 10 * minute });
    expect(workedMs(taskIn('running', 1, { runs: [ended, running] }), noon + 12 * minute)).toBe(2 * minute);
    expect(workedMs(taskIn('completed', 1, { runs: [ended, ended] }), noon + 99 * minute)).toBe(2 * minute);
  });

  test('a container is as old as the first of the runs that follow one another in it', () => {
    const runs = [
      runOf({ startedAt: 1, containerPort: 8081 }),
      runOf({ startedAt: 2, containerPort: 8082 }),
      runOf({ startedAt: 3, containerPort: 8081 }),
      runOf({ startedAt: 4, containerPort: 8081 }),
    ];
    expect(inSlotSince(taskIn('running', 1, { runs }), 8081)).toBe(3);
    expect(inSlotSince(taskIn('running', 1, { runs }), 8083)).toBeNull();
  });
});

describe('text of others', () => {
  const hostile = [
    '[click](command:workbench.action.terminal.new)',
    '![](https://example.com/track.png)',
    '<img src=x onerror=alert(1)> <a href="command:x">y</a>',
    'https://example.com www.example.com me@example.com',
    '# heading\n\n- list\n\n```\ncode\n```\n\n> quote | cell |',
    '[a]: https://example.com\n\n[a]',
    '&lt;b&gt; **bold** _it_ ~~no~~ `code` $(bug)',
  ];

  test.each(hostile)('%j becomes nothing but text in Markdown', async (text) => {
    const html = await marked.parse(markdownText(text, 1000));
    expect(html.match(/<[a-z]+/g)).toEqual(['<p']);
    const shown = html
      .replaceAll(/<\/?p>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&');
    expect(shown.trim()).toBe(plainLine(text, 1000));
  });

  test.each(hostile)('%j in a title makes no link, picture or table of the tooltip', async (text) => {
    const failure = { code: 'internal', message: text, remedy: text } as const;
    const task = taskIn('attention', 1, {
      title: text,
      description: text,
      phase: { type: 'attention', failure },
      runs: [runOf()],
      worktree: { path: '/w', branch: text, baseBranch: null, baseCommit: 'c' },
    });
    const html = await marked.parse(taskTooltip(task, noon));
    expect(html).not.toMatch(/<(a|img|h1|pre|blockquote|ul)\b/);
    expect(html.match(/<table/g)).toHaveLength(1);
  });

  test('does not steer the line: no control characters, no turned reading direction, no endless titles', () => {
    expect(plainLine('a\u001b[31m\r\nb\u202ec\u2066d', 100)).toBe('a [31m bcd');
    expect(Array.from(taskLabel(taskIn('queued', 1, { title: '😀'.repeat(5000) })))).toHaveLength(200);
  });
});

describe('a task in a row', () => {
  const runs = [
    runOf({ status: 'failed', outcome: 'timeout', completedAt: noon + minute, costUsd: 1 }),
    runOf({ attempt: 2, startedAt: noon, costUsd: 0.5 }),
  ];

  test('shows time, attempt and cost while it runs', () => {
    const task = taskIn('running', 1, { runs });
    expect(taskDescription(task, noon + 2 * minute)).toBe('2m 00s · #2 · $1.50');
  });

  test('is read out with its state, in words', () => {
    const task = taskIn('attention', 1, { runs });
    expect(taskAccessibleLabel(task, noon)).toMatch(
      /^Task 1, Specification: not signed in, .*attempt 2, \$1\.50$/,
    );
  });

  test('says why it waits', () => {
    expect(taskDescription(taskIn('queued'), noon)).toBe('waits for its turn');
    expect(taskDescription(taskIn('backoff'), noon)).toMatch(/^not signed in, tries again at .*12:01/);
    expect(taskDescription(taskIn('gate'), noon)).toBe('specification waits for approval');
  });

  test('every failure has words of its own', () => {
    expect(new Set(failureCodes.map(failureLabel)).size).toBe(failureCodes.length);
  });

  test('counts tell what a filter hides', () => {
    expect(countLabel(3, 3)).toBe('3');
    expect(countLabel(1, 3)).toBe('1 of 3');
  });
});

describe('icons', () => {
  const slots = [
    { type: 'free' },
    { type: 'leased', leaseId: leaseIdOf(8081, 1), taskId: idOf(1), idleSince: null },
    { type: 'leased', leaseId: leaseIdOf(8081, 1), taskId: idOf(1), idleSince: noon },
    { type: 'releasing', leaseId: leaseIdOf(8081, 1), taskId: idOf(1) },
    { type: 'blocked', holder: 'nginx', until: noon },
  ] as const;

  test('no two states share a shape: colour alone tells nothing', () => {
    expect(new Set(phaseTypes.map((phase) => phaseIcons[phase].icon)).size).toBe(phaseTypes.length);
    expect(new Set(Object.values(groupIcons)).size).toBe(Object.keys(groupIcons).length);
    expect(new Set(slots.map((slot) => slotIcon(slot).icon)).size).toBe(slots.length);
  });

  test('all of them are codicons', async () => {
    const css = await readFile(
      createRequire(import.meta.url).resolve('@vscode/codicons/dist/codicon.css'),
      'utf8',
    );
    const names = [
      ...Object.values(phaseIcons).map(({ icon }) => icon),
      ...Object.values(groupIcons),
      ...slots.map((slot) => slotIcon(slot).icon),
      ...[
        ...statusBarText({ running: 1, queued: 1, needsYou: 1, toReview: 0 }, 2).matchAll(/\$\(([^)]+)\)/g),
      ].map(([, name]) => name ?? ''),
      'layers',
    ];
    for (const name of names) expect(css, name).toContain(`.codicon-${name.replace('~spin', '')}:before`);
  });

  test('a slot says who holds it, what it does and how old it is', () => {
    const task = taskIn('running', 1, { runs: [runOf()] });
    const at = noon + 2 * minute;
    expect(slots.map((slot) => slotDescription(slot, 8081, task, at)).slice(0, 4)).toEqual([
      'free',
      'Task 1 · Specification · in use · 2m 00s old',
      'Task 1 · Specification · idle for 2m 00s · 2m 00s old',
      'Task 1 · being released',
    ]);
    expect(slotDescription(slots[4], 8081, undefined, at)).toMatch(/^blocked: nginx Looked at again at /);
    expect(slotDescription(slots[1], 8081, undefined, at)).toBe('in use');
  });
});

describe('the summary', () => {
  test('is short for the eye and whole for a screen reader', () => {
    const counts = { running: 1, queued: 3, needsYou: 2, toReview: 0 };
    expect(statusBarText(counts, 2)).toBe('$(sync~spin) 1/2 $(clock) 3 $(bell-dot) 2');
    expect(statusBarText({ running: 0, queued: 0, needsYou: 0, toReview: 0 }, 1)).toBe('$(layers) 0/1');
    expect(accessibleSummary({ ...counts, needsYou: 1 }, 2)).toBe(
      '1 of 2 running, 3 queued, 1 task needs you',
    );
  });

  test('counts what is completed as something that needs the person, and says which is which', () => {
    const counts = { running: 0, queued: 0, needsYou: 1, toReview: 2 };
    expect(statusBarText(counts, 2)).toBe('$(layers) 0/2 $(bell-dot) 3');
    expect(waitingForPerson(counts)).toBe(3);
    expect(waitingSummary(counts)).toBe('3 tasks need you (1 to decide, 2 to review)');
  });

  test('names what holds up more than one task, and no failure of a single one', () => {
    const own = taskIn('attention', 1, {
      phase: { type: 'attention', failure: { code: 'tests-failed', message: 'Red.' } },
    });
    expect(degradedMessage({ type: 'driving' }, [own])).toBeUndefined();
    expect(degradedMessage({ type: 'driving' }, [own, taskIn('parked', 2)])).toBe(
      'Claude Code is not signed in. Sign in.',
    );
    expect(degradedMessage({ type: 'failed', message: 'Disk full.', remedy: 'Free some.' }, [])).toBe(
      'Disk full. Free some.',
    );
    expect(degradedMessage({ type: 'following', holder: 'Another window' }, [])).toBe(
      'Another window runs these tasks; this window follows.',
    );
  });
});

describe('the filter', () => {
  test('wants every word, anywhere in title, description or branch, or as the beginning of the id', () => {
    const worktree = { path: '/w', branch: 'orchestrator/ab12-x', baseBranch: null, baseCommit: 'c' };
    const task = taskIn('queued', 7, { title: 'Add a Clock', description: 'It shows time', worktree });
    const finds = (text: string): boolean | undefined => taskFilter(text)?.(task);
    expect(finds('clock SHOWS')).toBe(true);
    expect(finds('ab12')).toBe(true);
    expect(finds(idOf(7))).toBe(true);
    expect(finds(idOf(7).slice(0, 8))).toBe(true);
    expect(finds(idOf(7).slice(1))).toBe(false);
    // Which may be a number that a person looks for in titles.
    expect(finds(idOf(7).slice(0, 5))).toBe(false);
    expect(finds('clock moon')).toBe(false);
    expect(taskFilter('  ')).toBeNull();
  });
});
