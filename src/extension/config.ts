import * as vscode from 'vscode';
import type { MergeStrategy, TaskSettings } from '../engine/domain/task.ts';
import { mergeStrategySchema } from '../engine/protocol/taskSchema.ts';
import { configurationSection, type SettingKey, settingKeys } from './contributions/ids.ts';
import type { Session } from './session.ts';
import {
  absolutePath,
  address,
  checked,
  type EngineSettings,
  engineSettingsFrom,
  type EventServerSettings,
  eventServerSettingsFrom,
  type ReadSetting,
  taskSettingsFrom,
  variables,
} from './taskSettings.ts';

/** The folder whose settings count in this window; null while it has none. */
export function scopeOf({ repositoryPath }: Pick<Session, 'repositoryPath'>): vscode.Uri | null {
  return repositoryPath === null ? null : vscode.Uri.file(repositoryPath);
}

/** The settings of the folder, for one that is created now. Throws `bad-input` naming the setting that is not right. */
export function taskSettings(scope: vscode.Uri | null): TaskSettings {
  return taskSettingsFrom(reader(scope));
}

export function mergeStrategy(scope: vscode.Uri | null): MergeStrategy {
  return checked(reader(scope), settingKeys.mergeStrategy, mergeStrategySchema);
}

/** null: in the storage. */
export function worktreeFolder(scope: vscode.Uri | null): string | null {
  return checked(reader(scope), settingKeys.worktreeFolder, absolutePath);
}

/** null: the service's own. */
export function baseUrl(): string | null {
  return checked(reader(null), settingKeys.baseUrl, address);
}

/** How the engine of the folder works. Throws `bad-input` naming the setting that is not right. */
export function engineSettings(scope: vscode.Uri | null): EngineSettings {
  return engineSettingsFrom(reader(scope));
}

/** How the local server works. Throws `bad-input` naming the setting that is not right. */
export function eventServerSettings(): EventServerSettings {
  return eventServerSettingsFrom(reader(null));
}

/** What Claude Code gets on top of its environment. */
export function extraVariables(): Readonly<Record<string, string>> {
  return checked(reader(null), settingKeys.environment, variables);
}

/** Fires with what asks whether a setting is among those changed. */
export function onDidChangeSetting(
  listener: (affects: (key: SettingKey) => boolean) => void,
): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(configurationSection))
      listener((key) => event.affectsConfiguration(`${configurationSection}.${key}`));
  });
}

function reader(scope: vscode.Uri | null): ReadSetting {
  const configuration = vscode.workspace.getConfiguration(configurationSection, scope);
  return (key) => configuration.get(key);
}
