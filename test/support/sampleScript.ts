import type { ImplementationPart, QaPart, Script, SpecificationPart } from './playedModel.ts';
import { featureRequest, slugifySource } from './sampleRepository.ts';

const lastLines = `  return text.charAt(0).toUpperCase() + text.slice(1);
}
`;

const specification: SpecificationPart = {
  actions: [
    { type: 'read', path: 'src/text.js', says: 'Let me see what the library has and how it is written.' },
    { type: 'read', path: 'test/text.test.js', says: 'And how it is tested.' },
  ],
  markdown: `# slugify(text)

Turn a text into a slug for use in addresses.

## Behaviour

- Lower case; every run of characters other than \`a-z\` and \`0-9\` becomes one dash; no dash at either end.
- \`slugify('')\` is \`''\`.
- Anything but a string is a \`TypeError\`.

The function is exported from \`src/text.js\` beside \`capitalize\`, with a JSDoc comment as the project's rules ask.`,
  criteria: [
    "slugify('  Hello, World!  ') returns 'hello-world'.",
    "slugify('') returns ''.",
    'slugify throws a TypeError for anything but a string.',
  ],
  files: ['src/text.js', 'test/text.test.js'],
  risks: ['Letters outside a-z become dashes; the request does not ask for transliteration.'],
};

function writes(complete: boolean): ImplementationPart {
  return {
    actions: [
      { type: 'read', path: 'src/text.js', says: 'First the file that the specification names.' },
      {
        type: 'edit',
        path: 'src/text.js',
        find: lastLines,
        replace: lastLines + slugifySource(complete),
        says: 'Now slugify itself, after capitalize.',
      },
      { type: 'run', command: featureRequest.testCommand, says: 'And the tests.' },
    ],
    summary: 'Added slugify to src/text.js: lower case, single dashes, trimmed.',
    how: { 'AC-3': complete ? 'The argument is checked first and a TypeError thrown.' : 'Strings only.' },
  };
}

const addsTheCheck: ImplementationPart = {
  actions: [
    { type: 'read', path: 'src/text.js', says: 'QA is right: the check of the argument is missing.' },
    {
      type: 'edit',
      path: 'src/text.js',
      find: slugifySource(false),
      replace: slugifySource(true),
    },
    { type: 'run', command: featureRequest.testCommand },
  ],
  summary: 'slugify checks its argument now and throws a TypeError for anything but a string.',
};

const passes: QaPart = {
  actions: [{ type: 'read', path: 'src/text.js', says: 'I judge the code itself, not the summary.' }],
  summary: 'The function does what is asked and the tests pass.',
  evidence: {
    'AC-1':
      'src/text.js: runs of other characters are replaced by one dash and trimmed; test "slugify joins words with dashes".',
    'AC-2': 'Test "slugify of nothing is nothing".',
    'AC-3': 'src/text.js: the first statement throws; test "slugify takes text only".',
  },
};

const finds: QaPart = {
  actions: [{ type: 'read', path: 'src/text.js' }],
  summary: 'slugify accepts anything.',
  failed: { 'AC-3': 'src/text.js: nothing checks the argument.' },
  findings: [
    {
      severity: 'major',
      message: 'Throw a TypeError for anything but a string.',
      file: 'src/text.js',
      line: 7,
    },
  ],
};

const courses = {
  'right-at-once': { implementation: [writes(true)], qa: [passes] },
  /** QA finds the fault; the task's test command must let it through. */
  'mended-after-qa': { implementation: [writes(false), addsTheCheck], qa: [finds, passes] },
  /** The sample's own tests find it before QA is asked. */
  'mended-after-tests': { implementation: [writes(false), addsTheCheck], qa: [passes] },
} as const satisfies Record<string, Pick<Script, 'implementation' | 'qa'>>;

/** The sample's feature, played; `marker` is the title of the task. */
export function sampleScript(
  marker: string,
  course: keyof typeof courses,
  onRequest?: Script['onRequest'],
): Script {
  return { marker, specification, ...courses[course], ...(onRequest === undefined ? {} : { onRequest }) };
}
