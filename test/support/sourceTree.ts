import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of this repository. */
export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Files of a made-up source tree: path below its root -> text. */
export type SourceFiles = Readonly<Record<string, string>>;

/** A source tree in a temporary folder, on which a tool of this repository runs with Node. */
export class SourceTree {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(files: SourceFiles): Promise<SourceTree> {
    const root = await mkdtemp(join(tmpdir(), 'orch-'));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(root, dirname(path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return new SourceTree(root);
  }

  /** Runs a script of this repository inside the tree. */
  run(
    script: string,
    ...args: readonly string[]
  ): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(repositoryRoot, script), ...args], {
      cwd: this.root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    return { code: status, stdout, stderr };
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
