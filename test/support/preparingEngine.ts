import { Supervisors } from '../../src/engine/process/supervisors.ts';
import { systemClock } from '../../src/engine/systemClock.ts';

/** An engine of its own that has a supervisor ready, says so, and waits to be killed. */
const [supervisorPath = ''] = process.argv.slice(2);
new Supervisors({ nodePath: process.execPath, supervisorPath }, systemClock).prepare({ cwd: '/' });
process.stdout.write('prepared\n');
setInterval(() => {}, 60_000);
