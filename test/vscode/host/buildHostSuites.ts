import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { vscodeTestFolder } from '../../../scripts/vscode/installations.ts';

const root = dirname(vscodeTestFolder);

let built: Promise<string> | undefined;

/** Path of the bundle of all suites for extension hosts, made once in a process. */
export function buildHostSuites(): Promise<string> {
  built ??= bundle();
  return built;
}

async function bundle(): Promise<string> {
  const outfile = join(vscodeTestFolder, 'suites', 'host.cjs');
  await build({
    entryPoints: [join(root, 'test/vscode/host/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // Found in node_modules from where the bundle lies.
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outfile;
}
