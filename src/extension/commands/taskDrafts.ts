/** What a new task starts from, before the person has seen it. */
export interface TaskDraft {
  readonly title: string;
  readonly description: string;
}

/** Longer titles are cut: the whole text is in the description. */
const longestTitle = 100;

/** A selection of code or prose: its place and text become the description. */
export function draftOfSelection(text: string, path: string, line: number, language: string): TaskDraft {
  const isProse = language === 'markdown' || language === 'plaintext';
  const quoted = isProse ? text.trim() : fenced(text, language);
  return { title: isProse ? titleOf(text) : '', description: `${quoted}\n\nFrom ${path}, line ${line}.` };
}

/** `TODO`, `FIXME` and the like in a comment, with or without a name in parentheses; null when the line has none. */
export function draftOfTodo(line: string, path: string, lineNumber: number): TaskDraft | null {
  const match = /\b(?:TODO|FIXME|HACK|XXX)\b(?:\([^)]*\))?\s*:?\s*(.*)$/.exec(line);
  if (match === null) return null;
  const text = (match[1] ?? '').replace(/\s*(?:\*\/|-->|#}|\*})\s*$/, '').trim();
  const title = titleOf(text);
  return {
    title,
    description: `${text === '' ? 'The comment says nothing more.' : text}\n\nFrom the comment in ${path}, line ${lineNumber}. Remove the comment when it is done.`,
  };
}

/** A Markdown file as one task: its first heading is the title, the rest the description. */
export function draftOfMarkdown(text: string, name: string): TaskDraft {
  const body = text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, '').trim();
  const heading = /^#{1,6}\s+(.+?)\s*#*\s*$/m.exec(body);
  const isFirst = heading !== null && body.slice(0, heading.index).trim() === '';
  return {
    title: cut(heading?.[1] ?? name.replace(/\.[^.]+$/, '')),
    description: isFirst ? body.slice(heading.index + heading[0].length).trim() : body,
  };
}

/** One task for each unticked item of a checklist; lines that are indented below an item are its description. */
export function draftsOfChecklist(text: string, path: string): readonly TaskDraft[] {
  const drafts: { title: string; lines: string[]; indent: number }[] = [];
  let current: (typeof drafts)[number] | null = null;
  for (const line of text.split(/\r?\n/)) {
    const item = /^(\s*)(?:[-*+]|\d+[.)])\s+\[( |x|X)\]\s+(.*)$/.exec(line);
    const indent = /^\s*/.exec(line)?.[0].length ?? 0;
    if (item !== null && (current === null || indent <= current.indent)) {
      current = item[2] === ' ' ? { title: (item[3] ?? '').trim(), lines: [], indent } : null;
      if (current !== null) drafts.push(current);
    } else if (current !== null && line.trim() !== '' && indent <= current.indent) current = null;
    else if (current !== null) current.lines.push(line.slice(Math.min(indent, current.indent + 2)));
  }
  return drafts
    .filter(({ title }) => title !== '')
    .map(({ title, lines }) => {
      const more = lines.join('\n').trim();
      const whole = title.length > longestTitle ? `${title}\n\n` : '';
      return {
        title: cut(title),
        description: `${whole}${more === '' ? '' : `${more}\n\n`}From the checklist in ${path}.`,
      };
    });
}

function titleOf(text: string): string {
  return cut(
    text
      .trim()
      .split(/\r?\n/, 1)[0]
      ?.replace(/^#+\s*/, '') ?? '',
  );
}

function cut(text: string): string {
  return text.length <= longestTitle ? text : `${text.slice(0, longestTitle - 1).trimEnd()}…`;
}

/** In a fence longer than any in the text. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
}
