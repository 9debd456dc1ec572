import { readIfPresent } from '../process/runDirectory.ts';

/**
 * The texts of a repository's own settings files, for questions that need no git. Null where only git can tell: they have it
 * read other files too, or lie elsewhere than git itself puts them.
 */
export async function ownSettingsOf(gitDir: string): Promise<readonly string[] | null> {
  try {
    const common = await readIfPresent(`${gitDir}/commondir`);
    // As git itself writes it into a worktree's folder; another may lead anywhere.
    if (common !== null && common !== '../..\n') return null;
    // Not joined: `..` has to go where a link in the folder's place leads, as it does for git.
    const files = [`${gitDir}/${common === null ? '.' : '../..'}/config`, `${gitDir}/config.worktree`];
    const texts = (await Promise.all(files.map(readIfPresent))).map((text) => text ?? '');
    return texts.some((text) => hasSection(text, 'include')) ? null : texts;
  } catch {
    return null;
  }
}

/** Whether a section's name begins so. git takes the name as it stands there, so no other spelling hides one. */
export function hasSection(text: string, name: string): boolean {
  return new RegExp(String.raw`\[\s*${name}`, 'i').test(text);
}
