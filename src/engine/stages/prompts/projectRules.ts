/** The repository's own instructions, for the agent of a repository the person trusts; nothing otherwise. */
export function projectRules(claudeMd: string | null): string {
  if (claudeMd === null || claudeMd.trim() === '') return '';
  return `\n\n# Rules of this project (its CLAUDE.md)\n\n${claudeMd.trim()}\n`;
}
