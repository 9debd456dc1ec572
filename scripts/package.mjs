// Makes the VSIX: builds everything, collects the texts for translators, lets vsce pack what package.json's `files` lists, and refuses one that is too large.
// `node scripts/package.mjs [--out FILE]`
import { execFile } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { createVSIX } from '@vscode/vsce';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Everyone downloads it with every update. */
const largestBytes = 3 * 1024 * 1024;

const { values } = parseArgs({ options: { out: { type: 'string' } } });
const file = resolve(values.out ?? join(root, 'dist', 'orchestrator-manager.vsix'));

const run = (...argv) => promisify(execFile)(process.execPath, argv, { cwd: root });
await run('scripts/build.mjs', '--strict');
await run('scripts/l10n.mjs');
await mkdir(dirname(file), { recursive: true });
// Everything is in the bundles.
await createVSIX({
  cwd: root,
  packagePath: file,
  dependencies: false,
  allowMissingRepository: true,
  // There is no public repository that relative links of the README could lead to.
  rewriteRelativeLinks: false,
});

const { size } = await stat(file);
process.stdout.write(`${file}: ${(size / 1024).toFixed(0)} KB\n`);
if (size > largestBytes) {
  process.stderr.write(`larger than ${largestBytes / 1024} KB\n`);
  process.exitCode = 1;
}
