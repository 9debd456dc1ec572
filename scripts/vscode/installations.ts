import { accessSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A VS Code of the tests: the server build inside a release of the npm package code-server. */
export interface VscodeRelease {
  /** VS Code's own version. */
  readonly version: string;
  readonly spec: string;
  /** SHA-512 of the tarball, as the registry names it. */
  readonly integrity: string;
  /**
   * Needed since about 1.130 to make a window load the extension and the tests that its address names; before, it also
   * refused to show dialogs.
   */
  readonly smokeTestDriver: boolean;
}

const root = resolve(import.meta.dirname, '../..');

/** Both ends of `engines.vscode`, the newest first. */
export const vscodeReleases = [
  {
    version: '1.139.1',
    spec: 'code-server@4.139.1',
    integrity:
      'sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==',
    smokeTestDriver: true,
  },
  {
    version: '1.100.3',
    spec: 'code-server@4.100.3',
    integrity:
      'sha512-q/Fh2DOxCRNhC/WiG/6sAhSKnj7ZACTVBaeeZ+rWjol//0FCbl/qg1ln5ecZ99jYcfqMxZZAyWcN+YBIo0DgpA==',
    smokeTestDriver: false,
  },
] as const satisfies readonly VscodeRelease[];

export const [newestVscode, oldestVscode] = vscodeReleases;

/** Everything fetched and built for these suites; nothing of it is kept in git. */
export const vscodeTestFolder = join(root, '.vscode-test');

export const installationFolder = ({ version }: VscodeRelease): string =>
  join(vscodeTestFolder, `server-${version}`);

/** What the installation leaves last: its presence says that it is whole. */
export const readyMark = '.ready';

/** The files of an installed VS Code server. Throws when it is not there. */
export function installedVscode(release: VscodeRelease): {
  readonly node: string;
  readonly serverMain: string;
} {
  const folder = installationFolder(release);
  if (!exists(join(folder, readyMark)))
    throw new Error(`VS Code ${release.version} is not there: run \`npm run vscode:get\``);
  const own = join(folder, '.node/bin/node');
  return {
    node: exists(own) ? own : process.execPath,
    serverMain: join(folder, 'lib/vscode/out/server-main.js'),
  };
}

function exists(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
