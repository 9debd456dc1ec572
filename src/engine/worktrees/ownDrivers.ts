import { fieldsOf, type Git, type GitPlace } from './git.ts';
import { hasSection, ownSettingsOf } from './ownSettings.ts';

/**
 * Commands that do what everybody's do: Git LFS's own, as its installation writes them, as long as the repository gives it no
 * programs to run, and to keep our side.
 */
const harmless = new Set([
  'git-lfs clean -- %f',
  'git-lfs smudge -- %f',
  'git-lfs smudge --skip -- %f',
  'git-lfs filter-process',
  'git-lfs filter-process --skip',
  'true',
]);

const driverKey = /^(?:filter\..*\.(?:clean|smudge|process|required)|merge\..*\.driver)$/s;

/** Git LFS runs what these name; it takes them in any spelling. */
const lfsProgramKey = /^lfs\.(?:extension\..*|customtransfer\..*|(?:.*\.)?standalonetransferagent)$/is;

const lfsCommand = /\bgit[- ]lfs\b/;

/**
 * What takes the place of the programs that a repository's own configuration names for its files (filters, merge
 * drivers): those of the same name in the person's own settings, or none. The attributes that call for them come with the
 * repository and are anybody's.
 */
export async function replacementsOfOwnDrivers(git: Git): Promise<readonly (readonly [string, string])[]> {
  if (await namesNone(git.place)) return [];
  const { own, persons } = await settingsIn(git);
  const replaced = [...own]
    .filter(([key, value]) => driverKey.test(key) && !harmless.has(value) && !key.endsWith('.required'))
    .flatMap(([key]) => {
      const replacement = persons.get(key);
      return replacement === undefined ? none(key) : [[key, replacement] as const];
    });
  if (![...own.keys()].some((key) => lfsProgramKey.test(key))) return replaced;
  // Though the person's own settings name Git LFS, it would run programs of the repository's.
  const throughLfs = [...persons, ...own].filter(
    ([key, value]) => key.startsWith('filter.') && lfsCommand.test(value),
  );
  return [...replaced, ...throughLfs.flatMap(([key]) => none(key))];
}

/** A merge driver that fails is a conflict; a filter that is required and missing would be an error. */
function none(key: string): readonly (readonly [string, string])[] {
  if (key.startsWith('merge.')) return [[key, 'false']];
  return [
    [key, ''],
    [key.replace(/[^.]*$/, 'required'), 'false'],
  ];
}

/** Settings about such programs: of the person, and those of the repository that are not the same. */
async function settingsIn(
  git: Git,
): Promise<{ readonly own: Map<string, string>; readonly persons: Map<string, string> }> {
  const args = ['config', '--show-scope', '-z', '--get-regexp', '^(filter|lfs|merge)\\.'];
  const { stdout } = await git.ask(args, { answers: [0, 1] });
  const fields = fieldsOf(stdout);
  const own = new Map<string, string>();
  const persons = new Map<string, string>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const scope = fields[at];
    const setting = fields[at + 1] ?? '';
    const end = setting.indexOf('\n');
    const [key, value] = end === -1 ? [setting, 'true'] : [setting.slice(0, end), setting.slice(end + 1)];
    if (scope === 'local' || scope === 'worktree') own.set(key, value);
    else if (scope !== 'command') persons.set(key, value);
  }
  for (const [key, value] of persons) if (own.get(key) === value) own.delete(key);
  return { own, persons };
}

/** Whether the repository's own settings certainly name no such program. False: git has to be asked. */
async function namesNone({ gitDir }: GitPlace): Promise<boolean> {
  const own = await ownSettingsOf(gitDir);
  return own?.every((text) => !['filter', 'lfs', 'merge'].some((name) => hasSection(text, name))) ?? false;
}

/** The same git, which runs no program that the repository itself names. */
export async function withoutOwnDrivers(git: Git): Promise<Git> {
  return git.with(await replacementsOfOwnDrivers(git));
}
