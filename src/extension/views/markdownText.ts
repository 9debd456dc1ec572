/**
 * Text of others (a title, a path, an agent's words) as Markdown that shows exactly it: every character that could begin
 * markup, a link or an address is escaped. Characters that steer the terminal or the reading direction are dropped.
 */
export function markdownText(text: string, longest: number): string {
  return plainLine(text, longest).replaceAll(/[!-/:-@[-`{-~]/g, '\\$&');
}

/** Characters of what is said in a row of a list, beside its name. */
export const longestRow = 400;

/** Characters of a notification, where VS Code cuts it, and of a question. */
export const longestMessage = 1_000;

/**
 * One line of it, at most `longest` characters, that VS Code shows as it is: without control characters and marks of
 * direction, and with a space of no width where `[label](command:...)` would become a link and `$(name)` an icon.
 */
export function plainLine(text: string, longest: number): string {
  const line = text
    // More than is shown need not be looked at.
    .slice(0, longest * 4)
    // oxlint-disable-next-line no-control-regex -- control characters are exactly what is taken out
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replaceAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    // Notifications, prompts and rows of a quick pick are read for links and icons even where they are plain text.
    .replaceAll(/([\]$])\(/g, '$1\u200b(')
    .trim();
  const characters = Array.from(line);
  return characters.length <= longest ? line : `${characters.slice(0, longest - 1).join('')}…`;
}
