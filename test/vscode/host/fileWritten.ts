import { existsSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Resolves when the file is there: the driver's way to tell an extension host something. */
export function fileWritten(path: string): Promise<void> {
  return new Promise((done, fail) => {
    const watcher = watch(dirname(path), (_event, name) => {
      if (name === basename(path)) end();
    });
    const end = (): void => {
      watcher.close();
      done();
    };
    watcher.once('error', fail);
    if (existsSync(path)) end();
  });
}
