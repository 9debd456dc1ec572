// Bundles the programs into dist/. `node scripts/build.mjs [--strict]`; also vitest's global setup, because suites run the bundles.
import { build as bundle } from 'esbuild';
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

/** Output name -> entry file. Each is a program of its own: a process or a worker thread starts it by path. */
const entries = {
  host: 'src/engine/host.ts',
  storeWorker: 'src/engine/store/storeWorker.ts',
  supervisor: 'src/engine/process/supervisor.ts',
  demo: 'scripts/demo.ts',
};

/**
 * dockerode's optional halves, which load ssh2 (native code), gRPC and protobuf: two thirds of its size. ssh:// engines
 * are reached through a tunnel of the system's ssh, and images are built through the classic endpoint.
 */
const leftOut = {
  name: 'left-out',
  setup(bundling) {
    bundling.onLoad({ filter: /[\\/](docker-modem[\\/]lib[\\/]ssh|dockerode[\\/]lib[\\/](session|buildkit))\.js$/ }, ({ path }) => ({
      contents: `module.exports = () => { throw new Error(${JSON.stringify(`${basename(path)} of dockerode is not part of this bundle`)}); };`,
    }));
  },
};

/**
 * Builds what exists. A missing entry is an error when `strict`, else a notice.
 * Files are replaced by rename and only when they changed, so that suites and programs which run them meanwhile are safe.
 */
export async function build({ strict }) {
  const missing = [];
  for (const entry of Object.values(entries)) if (!(await exists(join(root, entry)))) missing.push(entry);
  if (missing.length > 0) {
    const message = `no such entry file: ${missing.join(', ')}`;
    if (strict) throw new Error(message);
    process.stderr.write(`build: ${message}; left out\n`);
  }
  const present = Object.entries(entries).filter(([, entry]) => !missing.includes(entry));
  const outputs = (await Promise.all(present.map(([name, entry]) => bundleEntry(name, entry)))).flat();
  const wasm = createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm');
  outputs.push({ path: join(dist, basename(wasm)), contents: await readFile(wasm) });
  await mkdir(dist, { recursive: true });
  await Promise.all(outputs.map(replaceIfChanged));
  const host = join(dist, 'host.js');
  if (await exists(host)) await chmod(host, 0o755);
  return outputs.map(({ path, contents }) => ({ path: relative(root, path), bytes: contents.length }));
}

/** vitest's global setup. */
export async function setup() {
  await build({ strict: false });
}

async function bundleEntry(name, entry) {
  const source = await readFile(join(root, entry), 'utf8');
  const { outputFiles, warnings } = await bundle({
    absWorkingDir: root,
    entryPoints: { [name]: entry },
    outdir: dist,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    // One file each, also with `await import()` inside: what is imported so is wrapped and runs at first use only.
    format: 'cjs',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
    banner: name === 'host' && !source.startsWith('#!') ? { js: '#!/usr/bin/env node' } : {},
    plugins: [leftOut],
  });
  if (warnings.length > 0) throw new Error(`${entry}: ${warnings.map((warning) => warning.text).join('; ')}`);
  return outputFiles;
}

async function replaceIfChanged({ path, contents }) {
  const current = await readFile(path).catch(whenAbsent);
  if (current !== null && current.equals(contents)) return;
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
  const files = await build({ strict: process.argv.includes('--strict') });
  for (const { path, bytes } of files) {
    if (!path.endsWith('.map')) process.stdout.write(`${path}  ${Math.ceil(bytes / 1024)} KiB\n`);
  }
}
