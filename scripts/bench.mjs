// `npm run bench`: builds everything, bundles the benches (TypeScript that shares code with the suites) and runs them.
// `npm run bench -- --help` tells the rest.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// As deep below the root as the sources, so that `import.meta.dirname` leads to the same places from both.
const programs = join(root, '.bench', 'programs');

execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--strict'], { stdio: 'inherit' });
await build({
  absWorkingDir: root,
  entryPoints: {
    run: 'bench/run.ts',
    one: 'bench/one.ts',
    model: 'bench/programs/model.ts',
    idleServer: 'bench/programs/idleServer.ts',
    waterfall: 'bench/waterfall.ts',
  },
  outdir: programs,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20.11',
  format: 'esm',
  packages: 'external',
  // Views are measured without an editor.
  alias: { vscode: './test/support/fakeVscode.ts' },
  sourcemap: 'linked',
  logLevel: 'warning',
});
const { main } = await import(pathToFileURL(join(programs, 'run.mjs')).href);
process.exitCode = await main(process.argv.slice(2));
