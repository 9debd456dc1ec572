import * as vscode from 'vscode';
import type { CommandContext } from './commands/context.ts';
import { lookAtSetup } from './commands/setup.ts';
import { onDidChangeSetting } from './config.ts';
import { type SettingKey, settingKeys } from './contributions/ids.ts';

/** What a look at the set-up depends on. */
const concerned: readonly SettingKey[] = [
  settingKeys.isolation,
  settingKeys.claudePath,
  settingKeys.image,
  settingKeys.dockerHost,
  settingKeys.baseUrl,
];

/**
 * Looks at the set-up when the tasks are open, and again whenever what it depends on changed, so that a welcome text that
 * names what lacks goes as soon as it is there. One look at a time: an older one must not have the last word.
 */
export function watchSetup(context: CommandContext, report: (error: unknown) => void): vscode.Disposable {
  const { session, secrets } = context;
  let looking = Promise.resolve();
  const look = (): void => {
    looking = looking
      .then(async () => {
        const { type } = session.state;
        if (type === 'driving' || type === 'following') await lookAtSetup(context);
      })
      .catch(report);
  };
  return vscode.Disposable.from(
    session.onDidChangeState(look),
    secrets.onDidChange(look),
    onDidChangeSetting((affects) => {
      if (concerned.some((key) => affects(key))) look();
    }),
  );
}
