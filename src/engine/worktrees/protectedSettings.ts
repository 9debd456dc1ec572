import { lstat, rm, writeFile } from 'node:fs/promises';
import { readIfPresent, replaceFile } from '../process/runDirectory.ts';
import { fieldsOf, settingsGit } from './git.ts';

type Setting = readonly [key: string, value: string];

/** Settings that name a program to run, another file to read, or another place to go to. */
const protectedKeys =
  /^(alias|credential|diff|difftool|extensions|filter|gpg|hook|http|include|includeif|interactive|lfs|man|merge|mergetool|pager|protocol|sendemail|sequence|ssh|tar|trailer|uploadpack|url|web|browser|instaweb|guitool)\.|^core\.(alternaterefscommand|askpass|attributesfile|bare|editor|excludesfile|fsmonitor|gitproxy|hookspath|pager|sshcommand|worktree)$|^init\.templatedir$|^(remote\..*\.(proxy|receivepack|uploadpack|vcs)|submodule\..*\.(update|url))$/;

function isProtected([key, value]: Setting): boolean {
  // A remote of the person's own is none of our business, unless its address is a command.
  return protectedKeys.test(key) || (/^remote\..*\.(push)?url$/.test(key) && value.startsWith('ext::'));
}

/**
 * Makes the protected settings of a file those of `before` again. The person may have changed others meanwhile: these
 * stay. A file that is not made of settings is put back whole. Returns what was wrong.
 */
export async function putBackSettings(
  path: string,
  name: string,
  before: string | null,
): Promise<readonly string[]> {
  const now = await readIfPresent(path);
  if (now === before) return [];
  const isSettings = name.startsWith('config');
  const was = isSettings ? await settingsOf(before ?? '') : null;
  const is = isSettings ? await settingsOf(now ?? '') : null;
  if (was === null || is === null) {
    await putBackWhole(path, before);
    return [`The repository's ${name} was changed.`];
  }
  const keys = [...new Set([...was, ...is].filter(isProtected).map(([key]) => key))];
  const changed = keys.filter((key) => valuesOf(was, key) !== valuesOf(is, key));
  if (changed.length === 0) return [];
  const others = (settings: readonly Setting[]) =>
    JSON.stringify(settings.filter(([key]) => !changed.includes(key)));
  if (others(was) === others(is)) await putBackWhole(path, before);
  else for (const key of changed) await putBackKey(path, key, was);
  return changed.map((key) => `The repository's setting ${key} was changed.`);
}

async function putBackKey(path: string, wanted: string, was: readonly Setting[]): Promise<void> {
  await settingsGit(['--file', path, '--unset-all', wanted], { answers: [0, 5] });
  for (const [key, value] of was)
    if (key === wanted) await settingsGit(['--file', path, '--add', key, value]);
}

async function putBackWhole(path: string, text: string | null): Promise<void> {
  if (text === null) {
    await rm(path, { force: true });
    return;
  }
  const mode = await lstat(path).then(
    (status) => (status.isFile() ? status.mode : 0o644),
    () => 0o644,
  );
  await replaceFile(path, (temporary) => writeFile(temporary, text, { mode, flag: 'wx' }));
}

const valuesOf = (settings: readonly Setting[], wanted: string): string =>
  JSON.stringify(settings.filter(([key]) => key === wanted));

/** Null when git cannot read it. */
async function settingsOf(text: string): Promise<readonly Setting[] | null> {
  const { exitCode, stdout } = await settingsGit(['--file', '-', '--list', '-z'], {
    input: text,
    answers: [0, 3, 128],
  });
  if (exitCode !== 0) return null;
  return fieldsOf(stdout).map((field) => {
    const end = field.indexOf('\n');
    return end === -1 ? [field, ''] : [field.slice(0, end), field.slice(end + 1)];
  });
}
