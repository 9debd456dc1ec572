import { SupervisedRuns } from '../../src/engine/process/supervisedRuns.ts';
import type { SupervisorLaunch } from '../../src/engine/process/supervisorProtocol.ts';
import { systemClock } from '../../src/engine/systemClock.ts';

/** An engine of its own that starts one run, says so, and waits to be killed. */
async function main(): Promise<void> {
  const [supervisorPath = '', runDir = '', launch = ''] = process.argv.slice(2);
  const runs = new SupervisedRuns({ nodePath: process.execPath, supervisorPath }, systemClock);
  await runs.start(runDir, JSON.parse(launch) as SupervisorLaunch, '');
  process.stdout.write('started\n');
  setInterval(() => {}, 60_000);
}

void main();
