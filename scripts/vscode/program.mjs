// Runs one of the programs beside this file: `node scripts/vscode/program.mjs NAME [arguments]`. They are TypeScript, share
// code with the suites, and are bundled at each start (some 30 ms), so that no build has to come first.
import { build } from 'esbuild';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

/** Bundles `NAME.ts` and calls its `main(args)`; what that resolves with is the exit code. */
export async function runProgram(name, args) {
  // As deep below the root as the sources, so that `import.meta.dirname` leads to the same places from both. One file for
  // each process: two may run at once.
  const outfile = join(root, '.vscode-test', 'programs', `${name}-${process.pid}.mjs`);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [join(here, `${name}.ts`)],
    outfile,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  await mkdir(dirname(outfile), { recursive: true });
  await writeFile(outfile, outputFiles[0].contents);
  try {
    const { main } = await import(pathToFileURL(outfile).href);
    process.exitCode = await main(args);
  } finally {
    await rm(outfile, { force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [name, ...args] = process.argv.slice(2);
  await runProgram(name, args);
}
