import type { SpecificationBundle } from './bundle.ts';

/** What is wrong with an edited specification, and where. */
export interface SpecificationProblem {
  /** From 0. */
  readonly line: number;
  /** For a person: what is so, and what to do. */
  readonly message: string;
}

export type EditedSpecification =
  | { readonly type: 'specification'; readonly bundle: SpecificationBundle }
  | { readonly type: 'invalid'; readonly problems: readonly SpecificationProblem[] };

/** Longer ones are no specification that a person reads, nor one that an agent keeps in mind. */
const longestText = 512 * 1024;

const headings = {
  criteria: 'Acceptance criteria',
  openQuestions: 'Open questions',
  files: 'Files concerned',
  risks: 'Risks',
} as const;

type SectionName = keyof typeof headings;

const sectionNames: readonly SectionName[] = ['criteria', 'openQuestions', 'files', 'risks'];

/** One item of a section: its text, and the line it begins in. */
interface Item {
  readonly line: number;
  readonly text: string;
}

/**
 * A specification as the document that a person edits: its text, then every section, also those without an item.
 * `parseEditedSpecification` reads it back.
 */
export function editableSpecification(bundle: SpecificationBundle): string {
  const { markdown, criteria, openQuestions, files, risks } = bundle;
  const items: Readonly<Record<SectionName, readonly string[]>> = {
    criteria: criteria.map(({ id, text }) => `**${id}**: ${text}`),
    openQuestions,
    files,
    risks,
  };
  const sections = sectionNames.map((name) =>
    [`## ${headings[name]}`, ...(items[name].length === 0 ? [] : [items[name].map(bullet).join('\n')])].join(
      '\n\n',
    ),
  );
  return `${[markdown.trim(), ...sections].filter((part) => part !== '').join('\n\n')}\n`;
}

/** The specification that a document says. Criteria without a number get the next free ones; others keep theirs. */
export function parseEditedSpecification(text: string): EditedSpecification {
  if (text.length > longestText)
    return invalid(0, `The specification is longer than ${longestText / 1024} KB. Shorten it.`);
  const lines = text.replaceAll(/\r\n?/g, '\n').split('\n');
  const start = lines.findLastIndex((line) => sectionOf(line) === 'criteria');
  if (start === -1) {
    return invalid(
      lines.length - 1,
      `There is no section "## ${headings.criteria}". Write it below the text, with one "- " line for each criterion.`,
    );
  }
  const problems: SpecificationProblem[] = [];
  const items = itemsOf(lines, start, problems);
  const criteria = numbered(items.criteria, problems);
  const markdown = lines.slice(0, start).join('\n').trim();
  if (markdown === '')
    problems.push({
      line: 0,
      message: 'The specification has no text. Say above the criteria what is to be built.',
    });
  if (items.criteria.length === 0)
    problems.push({
      line: start,
      message: 'There is no acceptance criterion. Write at least one line that begins with "- ".',
    });
  if (problems.length > 0) return { type: 'invalid', problems };
  const texts = (name: SectionName): string[] => items[name].map((item) => item.text);
  return {
    type: 'specification',
    bundle: {
      type: 'specification',
      format: 1,
      markdown,
      criteria,
      openQuestions: texts('openQuestions'),
      files: texts('files'),
      risks: texts('risks'),
    },
  };
}

function invalid(line: number, message: string): EditedSpecification {
  return { type: 'invalid', problems: [{ line, message }] };
}

function sectionOf(line: string): SectionName | null {
  const heading = /^##\s+(.+?)\s*#*\s*$/.exec(line)?.[1]?.toLowerCase();
  return sectionNames.find((name) => headings[name].toLowerCase() === heading) ?? null;
}

/** Everything from the criteria's heading on. */
function itemsOf(
  lines: readonly string[],
  start: number,
  problems: SpecificationProblem[],
): Readonly<Record<SectionName, readonly Item[]>> {
  const found: Record<SectionName, { readonly line: number; readonly lines: string[] }[]> = {
    criteria: [],
    openQuestions: [],
    files: [],
    risks: [],
  };
  let section: SectionName = 'criteria';
  for (const [offset, text] of lines.slice(start).entries()) {
    const line = start + offset;
    const bulleted = /^[-*+](?:\s+(.*))?$/.exec(text);
    const heading = sectionOf(text);
    if (heading !== null) section = heading;
    else if (bulleted !== null) found[section].push({ line, lines: [bulleted[1] ?? ''] });
    else if (text.trim() === '' || /^\s/.test(text)) {
      const last = found[section].at(-1);
      if (last !== undefined) last.lines.push(text.replace(/^ {1,2}/, ''));
      else if (text.trim() !== '') problems.push({ line, message: stray(section) });
    } else problems.push({ line, message: text.startsWith('#') ? unknownHeading(text) : stray(section) });
  }
  const finish = (name: SectionName): Item[] =>
    found[name]
      .map((item) => ({ line: item.line, text: item.lines.join('\n').trim() }))
      // An item that was emptied is one that was taken out; a criterion has a number, so it is not empty.
      .filter(({ text }) => text !== '');
  return {
    criteria: finish('criteria'),
    openQuestions: finish('openQuestions'),
    files: finish('files'),
    risks: finish('risks'),
  };
}

function stray(section: SectionName): string {
  return `This line is no item of "${headings[section]}". Begin it with "- ", or indent it below the item it belongs to.`;
}

function unknownHeading(text: string): string {
  const known = sectionNames.map((name) => `"## ${headings[name]}"`).join(', ');
  return `"${text.trim().slice(0, 60)}" stands below the acceptance criteria, where only ${known} may stand. Move it above them.`;
}

function numbered(items: readonly Item[], problems: SpecificationProblem[]): SpecificationBundle['criteria'] {
  const parsed = items.map(({ line, text }) => {
    const match = /^(\*\*)?(AC-\d{1,6})\1:?(?:\s+([\s\S]*))?$/.exec(text);
    return { line, id: match?.[2] ?? null, text: match === null ? text : (match[3] ?? '').trim() };
  });
  const taken = new Set<string>();
  for (const { line, id, text } of parsed) {
    if (text === '')
      problems.push({ line, message: `${id ?? ''} says nothing. Write it, or remove the line.` });
    if (id === null) continue;
    if (taken.has(id))
      problems.push({
        line,
        message: `There are two criteria ${id}. Give one of them another number, or none.`,
      });
    taken.add(id);
  }
  let next = 1;
  return parsed.map(({ id, text }) => {
    if (id !== null) return { id, text };
    while (taken.has(`AC-${next}`)) next += 1;
    taken.add(`AC-${next}`);
    return { id: `AC-${next}`, text };
  });
}

/** Lines after the first stand below the item they belong to. */
function bullet(text: string): string {
  return `- ${text
    .trim()
    .split('\n')
    .map((line, index) => (index === 0 || line === '' ? line : `  ${line}`))
    .join('\n')}`;
}
