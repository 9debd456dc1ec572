import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import {
  commandIds,
  configurationSection,
  contextKeys,
  panelTypes,
  settingKeys,
  viewContainerId,
  viewIds,
  walkthroughId,
} from '../../../src/extension/contributions/ids.ts';
import { defaultSettings } from '../../../src/engine/settings.ts';
import { specificationScheme } from '../../../src/extension/review/specificationAddress.ts';
import { engineSettingsFrom, taskSettingsFrom } from '../../../src/extension/taskSettings.ts';
import { selectionArgument } from '../../../src/extension/views/treeSelection.ts';

const root = resolve(import.meta.dirname, '../../..');

const menuItem = v.looseObject({ command: v.string(), when: v.string() });
const keyBinding = v.looseObject({
  command: v.string(),
  when: v.string(),
  key: v.string(),
  args: v.optional(v.string()),
});
const manifestSchema = v.looseObject({
  main: v.string(),
  icon: v.string(),
  engines: v.object({ vscode: v.string(), node: v.string() }),
  devDependencies: v.record(v.string(), v.string()),
  activationEvents: v.array(v.string()),
  capabilities: v.looseObject({
    untrustedWorkspaces: v.looseObject({ restrictedConfigurations: v.array(v.string()) }),
  }),
  contributes: v.looseObject({
    commands: v.array(
      v.looseObject({
        command: v.string(),
        title: v.string(),
        category: v.string(),
        enablement: v.optional(v.string()),
      }),
    ),
    menus: v.record(v.string(), v.array(menuItem)),
    keybindings: v.array(keyBinding),
    viewsContainers: v.looseObject({
      activitybar: v.array(v.looseObject({ id: v.string(), icon: v.string() })),
    }),
    views: v.record(v.string(), v.array(v.looseObject({ id: v.string(), icon: v.string() }))),
    viewsWelcome: v.array(v.looseObject({ view: v.string(), when: v.string(), contents: v.string() })),
    configuration: v.array(
      v.looseObject({
        properties: v.record(
          v.string(),
          v.looseObject({
            scope: v.string(),
            order: v.number(),
            default: v.unknown(),
            markdownDescription: v.string(),
          }),
        ),
      }),
    ),
    walkthroughs: v.array(
      v.looseObject({
        id: v.string(),
        steps: v.array(
          v.looseObject({
            description: v.string(),
            media: v.looseObject({ svg: v.string() }),
            completionEvents: v.array(v.string()),
          }),
        ),
      }),
    ),
  }),
});

const text = readFileSync(join(root, 'package.json'), 'utf8');
const manifest = v.parse(manifestSchema, JSON.parse(text));
const words = v.parse(
  v.record(v.string(), v.string()),
  JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8')),
);
const { contributes } = manifest;
const sources = readdirSync(join(root, 'src/extension'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== join('contributions', 'ids.ts'))
  .map((name) => readFileSync(join(root, 'src/extension', name), 'utf8'))
  .join('\n');
const properties = Object.assign(
  {},
  ...contributes.configuration.map((section) => section.properties),
) as Record<string, { readonly scope: string; readonly default: unknown }>;
const sorted = (values: Iterable<string>): string[] => [...values].toSorted();

/** Every `when` and `enablement` clause of the manifest. */
const clauses = [
  ...contributes.commands.map(({ enablement }) => enablement ?? ''),
  ...Object.values(contributes.menus).flatMap((items) => items.map(({ when }) => when)),
  ...contributes.keybindings.map(({ when }) => when),
  ...contributes.viewsWelcome.map(({ when }) => when),
].join('\n');

describe('package.json and code name the same', () => {
  test('commands', () => {
    expect(sorted(contributes.commands.map(({ command }) => command))).toEqual(
      sorted(Object.values(commandIds)),
    );
  });

  test('views and their container', () => {
    expect(Object.keys(contributes.views)).toEqual([viewContainerId]);
    expect(contributes.viewsContainers.activitybar.map(({ id }) => id)).toEqual([viewContainerId]);
    const ids = Object.values(contributes.views).flatMap((views) => views.map(({ id }) => id));
    expect(sorted(ids)).toEqual(sorted(Object.values(viewIds)));
  });

  test('settings', () => {
    expect(sorted(Object.keys(properties))).toEqual(
      sorted(Object.values(settingKeys).map((key) => `${configurationSection}.${key}`)),
    );
  });

  test('settings, each in a place of its own', () => {
    const orders = contributes.configuration.flatMap((section) =>
      Object.values(section.properties).map(({ order }) => order),
    );
    expect(new Set(orders).size).toBe(orders.length);
  });

  test('context keys', () => {
    const named = new Set(clauses.match(/\borchestrator\.[a-zA-Z]+/g) ?? []);
    for (const id of Object.values(viewIds)) named.delete(id);
    expect(sorted(named)).toEqual(sorted(Object.values(contextKeys)));
  });

  test('panels that come back after a reload, and the walkthrough', () => {
    const panels = manifest.activationEvents.filter((event) => event.startsWith('onWebviewPanel:'));
    expect(sorted(panels)).toEqual(sorted(Object.values(panelTypes).map((type) => `onWebviewPanel:${type}`)));
    expect(contributes.walkthroughs.map(({ id }) => id)).toEqual([walkthroughId]);
  });
});

describe('every id that is declared is used by code', () => {
  const used: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['commandIds', commandIds],
    ['viewIds', viewIds],
    ['panelTypes', panelTypes],
    ['contextKeys', contextKeys],
  ];
  test.each(used.flatMap(([object, ids]) => Object.keys(ids).map((name) => `${object}.${name}`)))(
    '%s',
    (name) => {
      expect(sources).toMatch(new RegExp(`\\b${name.replace('.', '\\.')}\\b`));
    },
  );

  test('no id of ours is written out anywhere else', () => {
    const ids = [...Object.values(commandIds), ...Object.values(viewIds), ...Object.values(contextKeys)];
    const written = ids.filter((id) => sources.includes(`'${id}'`));
    // The two that types name.
    expect(written).toEqual(['orchestrator.filterTasks', 'orchestrator.clearFilter']);
  });
});

test('texts are written so that the export for translators finds them', () => {
  // `npm run l10n` looks for `l10n.t('...')`: not for a `t` of another name, nor for a text put together.
  expect(sources).not.toMatch(/\} = vscode\.l10n/);
  expect(sources.match(/\bl10n\.t\((?!\s*['"{])/g) ?? []).toEqual([]);
});

describe('package.json holds together', () => {
  const commands = new Set<string>(Object.values(commandIds));

  test('menus, key bindings, welcome texts and the walkthrough lead to commands that exist', () => {
    const linked = Object.values(words).flatMap((value) =>
      [...value.matchAll(/\(command:(orchestrator\.[a-zA-Z]+)\)/g)].map(([, id]) => id ?? ''),
    );
    const completed = contributes.walkthroughs.flatMap(({ steps }) =>
      steps.flatMap(({ completionEvents }) =>
        completionEvents.map((event) => event.replace('onCommand:', '')),
      ),
    );
    const inMenus = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].map(
      ({ command }) => command,
    );
    expect([...linked, ...completed, ...inMenus].filter((id) => !commands.has(id))).toEqual([]);
  });

  test('every command has the category and, but for those that need no folder, is off where nothing may run', () => {
    const anywhere: readonly string[] = [
      commandIds.signIn,
      commandIds.signOut,
      commandIds.showLog,
      commandIds.openSettings,
      commandIds.openWalkthrough,
      // Reading needs no trust.
      commandIds.openInspector,
      commandIds.openSpecification,
      commandIds.openQaReport,
      commandIds.showChanges,
      commandIds.compareContexts,
      commandIds.showMetrics,
      commandIds.openBoard,
      commandIds.verifyAudit,
      commandIds.exportAudit,
      commandIds.filterTasks,
      commandIds.clearFilter,
    ];
    for (const { command, category, enablement } of contributes.commands) {
      expect(category).toBe('Orchestrator');
      if (anywhere.includes(command)) expect(enablement ?? '').not.toContain('isWorkspaceTrusted');
      else expect(enablement).toContain('isWorkspaceTrusted');
    }
  });

  test('keys are few, work on the rows of the tree alone, and say which', () => {
    expect(contributes.keybindings.length).toBeLessThanOrEqual(5);
    for (const { when, args } of contributes.keybindings) {
      expect(when.split(' && ')).toEqual(
        expect.arrayContaining([`focusedView == ${viewIds.tasks}`, 'listFocus', '!inputFocus']),
      );
      expect(args).toBe(selectionArgument);
    }
  });

  test('the extension wakes for a specification that was left open, and menus know it', () => {
    expect(manifest.activationEvents).toContain(`onFileSystem:${specificationScheme}`);
    expect(contributes.menus['editor/title']?.map(({ when }) => when)).toEqual([
      `resourceScheme == ${specificationScheme}`,
    ]);
  });

  test('every word is in package.nls.json, and every word there is used', () => {
    const asked = new Set([...text.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key ?? ''));
    expect(sorted(asked)).toEqual(sorted(Object.keys(words)));
  });

  test('every picture is there', () => {
    const pictures = [
      manifest.icon,
      ...contributes.viewsContainers.activitybar.map(({ icon }) => icon),
      ...Object.values(contributes.views).flatMap((views) => views.map(({ icon }) => icon)),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.svg)),
    ];
    for (const picture of pictures) expect(readFileSync(join(root, picture)).byteLength).toBeGreaterThan(0);
  });

  test('what is executed, and where secrets go, only the machine may set', () => {
    const ofMachine = [
      'isolation',
      'dockerHost',
      'image',
      'claudePath',
      'baseUrl',
      'environment',
      'implementation.allowedTools',
      // A repository must not have the traces of its tasks removed.
      'keepTranscriptsDays',
    ];
    for (const key of ofMachine) expect(properties[`${configurationSection}.${key}`]?.scope).toBe('machine');
  });

  test('what a repository may set does not count before it is trusted', () => {
    const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    for (const key of ['testCommand', 'setupCommand', 'copyFiles', 'worktreeFolder'])
      expect(restrictedConfigurations).toContain(`${configurationSection}.${key}`);
    for (const key of restrictedConfigurations) expect(Object.keys(properties)).toContain(key);
  });

  test('the types are those of the oldest VS Code that is supported', () => {
    expect(manifest.engines.vscode).toBe(`^${manifest.devDependencies['@types/vscode']}`);
  });
});

test('the defaults of the settings are those of the engine', () => {
  expect(taskSettingsFrom((key) => properties[`${configurationSection}.${key}`]?.default)).toEqual(
    defaultSettings,
  );
});

test('the defaults of the engine are two tasks at once, the Docker of the person, and a time for transcripts', () => {
  expect(engineSettingsFrom((key) => properties[`${configurationSection}.${key}`]?.default)).toEqual({
    dockerHost: null,
    maxConcurrent: 2,
    keepTranscriptsDays: 90,
  });
});
