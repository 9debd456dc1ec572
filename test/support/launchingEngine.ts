import { Launcher } from '../../src/engine/process/launcher.ts';

/** An engine of its own that has a program started which waits for a word, tells who starts it, and waits to be killed. */
async function main(): Promise<void> {
  const [launcherPath = '', file = ''] = process.argv.slice(2);
  const launcher = new Launcher({ nodePath: process.execPath, launcherPath });
  const script = `while [ ! -e ${file}.go ]; do sleep 0.02; done; echo done > ${file}`;
  const ended = launcher.execute('sh', ['-c', script], {});
  process.stdout.write(`${launcher.pid}\n`);
  await ended;
}

void main();
