import { DockerIsolation } from '../../src/engine/allocation/dockerIsolation.ts';
import { type LeaseRequest, standing, type WorktreePlace } from '../../src/engine/ports/isolation.ts';
import { silentLogger } from '../../src/engine/ports/logger.ts';

/*
 * An engine in a process of its own, for tests that kill it: acquires the lease, starts the program in the run
 * directory, says `started`, and then does nothing. Arguments: storage id, request as JSON (its worktree is there), run directory, program...
 */
const [storageId = '', request = '', runDir = '', program = '', ...args] = process.argv.slice(2);

async function main(): Promise<void> {
  const isolation = new DockerIsolation({
    storageId,
    buildContext: '',
    logger: silentLogger,
    clock: { now: () => Date.now(), at: () => () => {} },
    onProgress: () => {},
  });
  const told = JSON.parse(request) as Omit<LeaseRequest, 'worktree'> & { readonly worktree: WorktreePlace };
  const lease = { ...told, worktree: standing(told.worktree) };
  const workspace = await isolation.acquire(lease, new AbortController().signal);
  await workspace.start({ runDir, argv: [program, ...args], stdin: '', env: {}, timeoutMs: 60_000 });
  process.stdout.write('started\n');
  setInterval(() => {}, 60_000);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
