import { fieldsOf, type Git, type GitPlace } from './git.ts';
import { hasSection, ownSettingsOf } from './ownSettings.ts';

/** Commands that do what everybody's do: Git LFS's own, as its installation writes them, and to keep our side. */
const harmless = new Set([
  'git-lfs clean -- %f',
  'git-lfs smudge -- %f',
  'git-lfs smudge --skip -- %f',
  'git-lfs filter-process',
  'git-lfs filter-process --skip',
  'true',
]);

const driverKey = /^(?:filter\..*\.(?:clean|smudge|process|required)|merge\..*\.driver)$/s;

/**
 * What takes the place of the programs that a repository's own configuration names for its files (filters, merge
 * drivers): those of the same name in the person's own settings, or none. The attributes that call for them come with the
 * repository and are anybody's.
 */
export async function replacementsOfOwnDrivers(git: Git): Promise<readonly (readonly [string, string])[]> {
  if (await namesNone(git.place)) return [];
  const args = ['config', '--show-scope', '-z', '--get-regexp', '^(filter|merge)\\.'];
  const { stdout } = await git.ask(args, { answers: [0, 1] });
  const fields = fieldsOf(stdout);
  const own = new Map<string, string>();
  const persons = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const scope = fields[at];
    const setting = fields[at + 1] ?? '';
    const end = setting.indexOf('\n');
    const [key, value] = end === -1 ? [setting, 'true'] : [setting.slice(0, end), setting.slice(end + 1)];
    if (!driverKey.test(key)) continue;
    if (scope === 'local' || scope === 'worktree') own.set(key, value);
    else if (scope !== 'command') persons.set(key, value);
  }
  return [...own]
    .filter(
      ([key, value]) => !harmless.has(value) && persons.get(key) !== value && !key.endsWith('.required'),
    )
    .flatMap(([key]) => {
      const replacement = persons.get(key);
      if (replacement !== undefined) return [[key, replacement] as const];
      // A merge driver that fails is a conflict; a filter that is required and missing would be an error.
      if (key.startsWith('merge.')) return [[key, 'false'] as const];
      return [[key, ''] as const, [key.replace(/[^.]*$/, 'required'), 'false'] as const];
    });
}

/** Whether the repository's own settings certainly name no such program. False: git has to be asked. */
async function namesNone({ gitDir }: GitPlace): Promise<boolean> {
  const own = await ownSettingsOf(gitDir);
  return own?.every((text) => !['filter', 'merge'].some((name) => hasSection(text, name))) ?? false;
}

/** The same git, which runs no program that the repository itself names. */
export async function withoutOwnDrivers(git: Git): Promise<Git> {
  return git.with(await replacementsOfOwnDrivers(git));
}
