// Bundles the programs into dist/. `node scripts/build.mjs [--strict]`; also vitest's global setup, because suites run the bundles.
import { build as bundle } from 'esbuild';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

/** Output name -> entry file. Each is a program of its own: a process or a worker thread starts it by path. */
export const entries = {
  host: 'src/engine/host.ts',
  storeWorker: 'src/engine/store/storeWorker.ts',
  boardWorker: 'src/engine/interop/vibeKanban/boardWorker.ts',
  supervisor: 'src/engine/process/supervisor.ts',
  launcher: 'src/engine/process/launcherProgram.ts',
  demo: 'scripts/demo.ts',
  extension: 'src/extension/extension.ts',
  // Loaded by the extension at first use: activation must not pay for it.
  engine: 'src/extension/engineBundle.ts',
  readers: 'src/engine/inspection/readers.ts',
  // The same: most never ask for a server.
  server: 'src/engine/server/serverBundle.ts',
};

/** The webviews' pages, each one script and one style sheet: a page may load what lies in this folder and nothing else. */
const pages = {
  board: 'webview-ui/src/board.ts',
  inspector: 'webview-ui/src/inspector.ts',
  metrics: 'webview-ui/src/metrics.ts',
};

const programOptions = {
  platform: 'node',
  target: 'node20',
  // One file each, also with `await import()` inside: what is imported so is wrapped and runs at first use only
  // (dockerode as a file of its own would make `host.js --help` 5 ms faster, of 200).
  format: 'cjs',
  sourcemap: 'linked',
  sourcesContent: false,
};

const pageOptions = {
  platform: 'browser',
  // Chromium of the oldest VS Code that is supported.
  target: 'chrome132',
  format: 'iife',
  minify: true,
  legalComments: 'none',
};

/**
 * dockerode's optional halves, which load ssh2 (native code), gRPC and protobuf: two thirds of its size. ssh:// engines
 * are reached through a tunnel of the system's ssh, and images are built through the classic endpoint.
 */
const leftOut = {
  name: 'left-out',
  setup(bundling) {
    // hono-openapi speaks to validators of any make; here there is one, and the others are not installed.
    bundling.onLoad(
      {
        filter:
          /[\\/]@standard-community[\\/].*[\\/](arktype|effect|sury|typebox|zod|default)-[^\\/]*\.c?js$/,
      },
      () => ({ contents: 'module.exports = {};' }),
    );
    bundling.onLoad(
      { filter: /[\\/](docker-modem[\\/]lib[\\/]ssh|dockerode[\\/]lib[\\/](session|buildkit))\.js$/ },
      ({ path }) => ({
        contents: `module.exports = () => { throw new Error(${JSON.stringify(`${basename(path)} of dockerode is not part of this bundle`)}); };`,
      }),
    );
  },
};

/**
 * Builds every entry for itself and tells what went wrong with which. A missing entry is an error when `strict`, else a notice.
 * Files are replaced by rename and only when they changed, so that suites and programs which run them meanwhile are safe;
 * the old bundle of an entry that fails is removed, so that nothing runs it by mistake.
 */
async function build({ strict }) {
  await mkdir(dist, { recursive: true });
  const errors = [];
  await Promise.all([
    ...Object.entries(entries).map(([name, entry]) =>
      buildEntry(name, entry, () => bundleProgram(name, entry)),
    ),
    ...Object.entries(pages).map(([name, entry]) =>
      buildEntry(`webview/${name}`, entry, () => bundlePage(name, entry)),
    ),
    copyAsset('sql.js/dist/sql-wasm.wasm', dist),
    copyAsset('@vscode/codicons/dist/codicon.css', join(dist, 'webview')),
    copyAsset('@vscode/codicons/dist/codicon.ttf', join(dist, 'webview')),
  ]);

  async function buildEntry(name, entry, bundleIt) {
    try {
      if (await exists(join(root, entry))) await replaceAll(await bundleIt());
      else if (strict) throw new Error(`${entry} does not exist`);
      else process.stderr.write(`build: ${entry} does not exist; left out\n`);
    } catch (error) {
      await rm(join(dist, `${name}.js`), { force: true });
      errors.push(`dist/${name}.js: ${error.message}`);
    }
  }
  return errors;
}

/** vitest's global setup. A program that does not build fails the tests that start it, not all the others. */
export async function setup() {
  for (const error of await build({ strict: false })) process.stderr.write(`build: ${error}\n`);
}

async function copyAsset(name, folder) {
  const path = createRequire(import.meta.url).resolve(name);
  await replaceIfChanged({ path: join(folder, basename(path)), contents: await readFile(path) });
}

async function bundleProgram(name, entry) {
  const source = await readFile(join(root, entry), 'utf8');
  return bundleEntry(entry, {
    ...programOptions,
    entryPoints: { [name]: entry },
    outdir: dist,
    external: ['vscode'],
    banner: name === 'host' && !source.startsWith('#!') ? { js: '#!/usr/bin/env node' } : {},
    // Activation reads and compiles all of it, whatever it then uses.
    minify: name === 'extension',
    plugins: [leftOut],
  });
}

function bundlePage(name, entry) {
  return bundleEntry(entry, {
    ...pageOptions,
    entryPoints: { [name]: entry },
    outdir: join(dist, 'webview'),
  });
}

async function bundleEntry(entry, options) {
  const { outputFiles, warnings } = await bundle({
    absWorkingDir: root,
    bundle: true,
    write: false,
    logLevel: 'silent',
    ...options,
  });
  if (warnings.length > 0) throw new Error(`${entry}: ${warnings.map((warning) => warning.text).join('; ')}`);
  return outputFiles;
}

async function replaceAll(files) {
  for (const file of files) {
    await replaceIfChanged(file);
    if (basename(file.path) === 'host.js') await chmod(file.path, 0o755);
  }
}

async function replaceIfChanged({ path, contents }) {
  const current = await readFile(path).catch(whenAbsent);
  if (current !== null && current.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

async function exists(path) {
  return (await stat(path).catch(whenAbsent)) !== null;
}

function whenAbsent(error) {
  if (error.code === 'ENOENT') return null;
  throw error;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const errors = await build({ strict: process.argv.includes('--strict') });
  for (const error of errors) process.stderr.write(`${error}\n`);
  process.exitCode = errors.length === 0 ? 0 : 1;
}
