import { constants } from 'node:fs';
import { access, open, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

/** Machine numbers of ELF files, by what `uname -m` says. */
const machines: Readonly<Record<string, number>> = { x86_64: 62, amd64: 62, aarch64: 183, arm64: 183 };
const packages: Readonly<Record<string, string>> = {
  x86_64: 'claude-code-linux-x64',
  amd64: 'claude-code-linux-x64',
  aarch64: 'claude-code-linux-arm64',
  arm64: 'claude-code-linux-arm64',
};

/**
 * Claude Code on this host as one Linux program that runs in a container of this architecture, or null. `given` is the
 * executable to start from; null looks for `claude` in the search path. The npm package's command may be a stub or a
 * script: the program itself then lies in a package beside it.
 */
export async function findLinuxClaude(
  given: string | null,
  searchPath: string,
  architecture: string,
): Promise<string | null> {
  const start = given ?? (await findExecutable('claude', searchPath));
  if (start === null) return null;
  const real = await realpath(start).catch(() => null);
  if (real === null) return null;
  const native = packages[architecture] ?? '';
  const candidates = [
    real,
    join(dirname(real), '..', '..', native, 'claude'),
    join(dirname(real), '..', 'node_modules', '@anthropic-ai', native, 'claude'),
    join(dirname(real), '..', '@anthropic-ai', native, 'claude'),
  ];
  for (const candidate of candidates) {
    if (await isLinuxProgram(candidate, architecture)) return candidate;
  }
  return null;
}

async function findExecutable(name: string, searchPath: string): Promise<string | null> {
  for (const folder of searchPath.split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return null;
}

async function isLinuxProgram(path: string, architecture: string): Promise<boolean> {
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const header = Buffer.alloc(20);
    const { bytesRead } = await file.read(header, 0, 20, 0);
    const isElf = bytesRead === 20 && header.toString('latin1', 0, 4) === '\x7fELF';
    return isElf && header.readUInt16LE(18) === machines[architecture];
  } finally {
    await file.close();
  }
}
