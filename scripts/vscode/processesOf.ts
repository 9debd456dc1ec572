import { readdir, readFile } from 'node:fs/promises';

/**
 * Ends every process whose home is this folder. Agents' runs lead groups of their own, because they outlive the window; in
 * a test nothing may outlive the test. Linux only: elsewhere such a run ends by itself, at its total timeout.
 */
export async function endProcessesOf(home: string): Promise<void> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (pid === process.pid || !environment.split('\0').includes(`HOME=${home}`)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
