import { assertNever } from '../domain/assertNever.ts';
import type { Digest } from '../domain/ids.ts';
import type { Bundle, Finding } from './bundle.ts';

/** A bundle as Markdown, whole: what a later stage, and a person, reads. */
export function renderBundle(bundle: Bundle): string {
  switch (bundle.type) {
    case 'request':
      return joined([`# ${bundle.title}`, bundle.description]);
    case 'specification':
      return joined([
        bundle.markdown.trim(),
        section(
          'Acceptance criteria',
          bundle.criteria.map((criterion) => `- **${criterion.id}**: ${criterion.text}`),
        ),
        section('Open questions', bullets(bundle.openQuestions)),
        section('Files concerned', bullets(bundle.files)),
        section('Risks', bullets(bundle.risks)),
      ]);
    case 'implementation':
      return joined([
        bundle.summary.trim(),
        section(
          'How each criterion was met',
          bundle.criteria.map(({ id, how }) => `- **${id}**: ${how}`),
        ),
        section('Changed files', ['```', bundle.diffStat.trimEnd(), '```']),
        `Commit ${bundle.commit}, based on ${bundle.baseCommit}.`,
      ]);
    case 'qa':
      return joined([
        `Verdict: **${bundle.verdict}**. ${bundle.summary.trim()}`,
        section(
          'Criteria',
          bundle.criteria.map(({ id, verdict, evidence }) => `- **${id}**: ${verdict}. ${evidence}`),
        ),
        section('Findings', bundle.findings.map(renderFinding)),
        bundle.tests === null ? '' : renderTests(bundle.tests),
      ]);
    default:
      return assertNever(bundle);
  }
}

/** One context as a part of a prompt: marked with its digest, so that what the agent saw can be told afterwards. */
export function tagged(name: string, digest: Digest | null, text: string): string {
  const attribute = digest === null ? '' : ` sha256="${digest}"`;
  return `<${name}${attribute}>\n${text.trimEnd()}\n</${name}>`;
}

export function renderTests(tests: {
  readonly command: string;
  readonly exitCode: number | null;
  readonly outputTail: string;
}): string {
  const ending = tests.exitCode === null ? 'was ended before it finished' : `exited with ${tests.exitCode}`;
  const said = tests.outputTail.trimEnd();
  const output = said === '' ? 'It printed nothing.' : `\`\`\`\n${said}\n\`\`\``;
  return `## Tests\n\n\`${tests.command}\` ${ending}.\n\n${output}`;
}

function renderFinding(finding: Finding): string {
  const place =
    finding.file === null ? '' : ` (${finding.file}${finding.line === null ? '' : `:${finding.line}`})`;
  return `- ${finding.severity}: ${finding.message}${place}`;
}

const bullets = (lines: readonly string[]): string[] => lines.map((line) => `- ${line}`);

const section = (heading: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `## ${heading}\n\n${lines.join('\n')}`;

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== '').join('\n\n');
