import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What decides where Vibe Kanban keeps its data. */
export interface BoardSystem {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The newer name first: an upgraded Vibe Kanban leaves the older file behind. */
const fileNames = ['db.v2.sqlite', 'db.sqlite'];

/** Vibe Kanban's databases on this machine, the one in use first; empty when there are none. */
export async function findVibeKanbanDatabases(
  system: BoardSystem = { platform: process.platform, home: homedir(), environment: process.env },
): Promise<readonly string[]> {
  const candidates = dataFolders(system).flatMap((folder) => fileNames.map((name) => join(folder, name)));
  const found = await Promise.all(candidates.map(async (path) => ((await isFile(path)) ? [path] : [])));
  return found.flat();
}

/** Where its databases are looked for, for a message to a person. */
export function dataFolders({ platform, home, environment }: BoardSystem): readonly string[] {
  switch (platform) {
    case 'darwin':
      return [join(home, 'Library', 'Application Support', 'ai.bloop.vibe-kanban')];
    case 'win32': {
      const roaming = environment['APPDATA'] ?? join(home, 'AppData', 'Roaming');
      const folder = join(roaming, 'bloop', 'vibe-kanban');
      return [join(folder, 'data'), folder];
    }
    default: {
      const data = environment['XDG_DATA_HOME'] ?? '';
      return [join(data === '' ? join(home, '.local', 'share') : data, 'vibe-kanban')];
    }
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}
