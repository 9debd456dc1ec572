import { ownSettingsOf } from './ownSettings.ts';
import { Recent } from './recent.ts';

/**
 * Settings files -> hooks that are named in them and in the person's own. Asked before each of git's commands, and hardly ever
 * another answer.
 */
const known = new Recent<readonly string[]>(20);

/**
 * Settings that switch off the hooks which settings name: git runs them since 2.54, whatever `core.hooksPath` says.
 * `namedKeys` asks git for the keys of all settings that match, whoever made them; null when git cannot read its settings.
 */
export async function withoutConfiguredHooks(
  gitDir: string,
  namedKeys: (pattern: string) => Promise<readonly string[] | null>,
): Promise<readonly (readonly [key: string, value: string])[]> {
  const own = await ownSettingsOf(gitDir);
  const texts = own?.join('\0');
  const names = texts === undefined ? undefined : known.get(texts);
  if (names !== undefined) return names.map(switchedOff);
  const keys = await namedKeys(String.raw`^hook\.`);
  // Then no command of git's comes as far as to run one.
  if (keys === null) return [];
  const found = [...new Set(keys.flatMap((key) => /^hook\.(.*)\.[^.]*$/s.exec(key)?.[1] ?? []))];
  if (texts !== undefined) known.set(texts, found);
  return found.map(switchedOff);
}

/** By name and not by event: git 2.54 knows no other way. */
function switchedOff(name: string): readonly [string, string] {
  return [`hook.${name}.enabled`, 'false'];
}
