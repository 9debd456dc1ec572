import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerOrder } from '../../../src/engine/allocation/containerOrder.ts';
import { initScript, runScript, stopScript } from '../../../src/engine/allocation/containerScripts.ts';

type Init = ChildProcessByStdio<Writable, Readable, null>;

/** What images have as `sh`. */
const shells = [['sh'], ['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(
  ([program = '']) => spawnSync(program, ['-c', ':'], { stdio: 'ignore' }).error === undefined,
);

describe.skipIf(process.platform === 'win32').each(shells)(
  'process 1 of a container, in %s %s',
  (...shell) => {
    let lease: string;
    let started: Init[];

    beforeEach(() => {
      lease = mkdtempSync(join(tmpdir(), 'orch-'));
      started = [];
      writeFileSync(join(lease, 'init.sh'), initScript);
      writeFileSync(join(lease, 'deadline'), '9999999999\n');
    });

    afterEach(() => {
      for (const each of started) killGroup(each.pid);
      rmSync(lease, { recursive: true, maxRetries: 3 });
    });

    it('ends when so many looks in a row find its deadline passed', async () => {
      writeFileSync(join(lease, 'deadline'), '100\n');
      program('sleep', 'exit 0');
      times(50, 200, 200, 50, 200, 200, 200, 50);
      expect(await once(init(), 'exit')).toEqual([0, null]);
      expect(readFileSync(join(lease, 'times'), 'utf8')).toBe('50\n');
    });

    it('ends when its deadline is gone with the folder', async () => {
      program('sleep', 'exit 0');
      times(50);
      rmSync(join(lease, 'deadline'));
      expect(await once(init(), 'exit')).toEqual([0, null]);
    });

    it('ends at TERM, at once', async () => {
      program('sleep', 'echo waiting; exec /bin/sleep 3');
      const process = init();
      await once(process.stdout, 'data');
      const ended = once(process, 'exit');
      process.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    });

    it('ends with its input', async () => {
      const process = init();
      process.stdin.end();
      expect(await once(process, 'exit')).toEqual([0, null]);
    });

    it('ends in the middle of a run when its deadline has passed', async () => {
      runsAre('echo running >"$run/seen"; while [ -e "$run" ]; do sleep 0.05; done');
      const process = init();
      const run = order(process);
      await expect.poll(() => existsSync(join(run, 'seen'))).toBe(true);
      rmSync(join(lease, 'deadline'));
      expect(await once(process, 'exit')).toEqual([0, null]);
      rmSync(run, { recursive: true });
    });

    it('starts what the order says, with its variables and its arguments to the letter', async () => {
      const odd = [
        '',
        ' ',
        'two words',
        `'"$HOME\`id\`*;&`,
        'back\\slash \\n',
        'line\nbreaks\n\n',
        '–ünî\u{1F600}',
        '-n',
        '.',
        ': ;',
      ];
      runsAre(
        `printf '%s\\0' "$@" >"$run/arguments"; printf '%s\\0' ${odd.map((_, index) => `"$V${index}"`).join(' ')} >"$run/variables"`,
      );
      const run = order(init(), {
        arguments: odd,
        env: Object.fromEntries(odd.map((value, index) => [`V${index}`, value])),
      });
      await hasEnded(run);
      expect(fields(join(run, 'arguments'))).toEqual([run, ...odd]);
      expect(fields(join(run, 'variables'))).toEqual(odd);
    });

    it('takes any text for what it is', async () => {
      runsAre(`printf '%s\\0' "$@" "$VALUE" >"$run/arguments"`);
      const process = init('30');
      const text = fc.string({ unit: 'binary', maxLength: 40 }).map((each) => each.replaceAll('\0', ''));
      await fc.assert(
        fc.asyncProperty(fc.array(text, { maxLength: 5 }), text, async (argv, value) => {
          const run = order(process, { arguments: argv, env: { VALUE: value } });
          await hasEnded(run);
          expect(fields(join(run, 'arguments'))).toEqual([run, ...argv, value]);
        }),
        { numRuns: 30 },
      );
    });

    it('takes a name that the shell keeps for itself for a variable like any other, as far as it can', async () => {
      runsAre('echo "$AFTER" >"$run/variables"');
      const run = order(init(), { env: { PPID: '7', UID: '7', IFS: 'x', AFTER: 'here' } });
      await hasEnded(run);
      expect(readFileSync(join(run, 'variables'), 'utf8')).toBe('here\n');
    });

    it('starts one run after the other, each one at once', async () => {
      runsAre('');
      const process = init('30');
      for (let count = 0; count < 5; count += 1) await hasEnded(order(process));
    });

    it('obeys nothing that is cut off, was obeyed before, or is not what the lease awaits', async () => {
      runsAre('echo once >>"$run/seen"');
      const process = init();
      const taken = prepared();
      const cut = taken.text.slice(0, -4);
      process.stdin.write(`nonsense\n; ;\n ;\n${cut}`);
      process.stdin.write(taken.text + taken.text);
      await hasEnded(taken.run);
      const forged = prepared();
      const awaited = prepared();
      process.stdin.write(taken.text + forged.text + awaited.text);
      await hasEnded(awaited.run);
      expect(readFileSync(join(taken.run, 'seen'), 'utf8')).toBe('once\n');
      expect(existsSync(join(forged.run, 'seen'))).toBe(false);
    });

    it.each([
      ['is not there', null],
      ['was killed', 'kill -s KILL $$'],
      ['never came to its record', 'exit 3'],
      ['left something else in its place', 'mkdir "$run/exit.json"; exit 3'],
    ])('tells of a run whose script %s, and goes on', async (_, script) => {
      if (script !== null) runsAre(script);
      const process = init();
      const run = order(process);
      await expect.poll(() => recordOf(run)).toMatchObject({ reason: 'lost' });
      runsAre('');
      await hasEnded(order(process));
    });

    it('ends when it can tell nobody how a run ended', async () => {
      runsAre('rm -r "$run"; kill -s KILL $$');
      const process = init();
      order(process);
      expect(await once(process, 'exit')).toEqual([1, null]);
    });

    it('does not believe for long who says that a run is over', async () => {
      runsAre('kill -s USR1 $INIT; sleep 1.5; echo done >"$run/seen"');
      const process = init('0.1');
      const run = order(process);
      await hasEnded(run);
      expect(existsSync(join(run, 'seen'))).toBe(true);
      await hasEnded(order(process));
    });

    /** What the clock says at one look after the other. */
    function times(...seconds: readonly number[]): void {
      writeFileSync(join(lease, 'times'), seconds.map((each) => `${each}\n`).join(''));
      program('date', `cd '${lease}' && head -n 1 times && tail -n +2 times >rest && mv rest times`);
    }

    function program(name: string, script: string): void {
      writeFileSync(join(lease, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }

    /** The script in the place of the real one: says its pid and that it has ended, as that does. */
    function runsAre(script: string): void {
      const end = `echo '{"code":0,"signal":null,"reason":"exited"}' >"$run/exit.json"; kill -s USR1 "$INIT"`;
      writeFileSync(join(lease, 'run.sh'), `echo $$; exec >/dev/null; run=$1\n${script}\n${end}\n`);
    }

    function init(lookSeconds = '0.05'): Init {
      const [interpreter = '', ...first] = shell;
      const process = spawn(interpreter, [...first, join(lease, 'init.sh'), lookSeconds, '3'], {
        stdio: ['pipe', 'pipe', 'ignore'],
        detached: true,
        env: { PATH: `${lease}:${globalThis.process.env.PATH}` },
      });
      started.push(process);
      return process;
    }

    /** An order that the lease awaits from now on, in the place of any before it. */
    function prepared(
      options: { readonly arguments?: readonly string[]; readonly env?: Record<string, string> } = {},
    ) {
      const run = mkdtempSync(join(lease, 'run '));
      const pid = String(started.at(-1)?.pid);
      const env = { INIT: pid, ...options.env };
      const { token, text } = containerOrder(run, env, options.arguments ?? []);
      writeFileSync(join(lease, 'order'), `${token}\n`);
      return { run, text };
    }

    function order(process: Init, options?: Parameters<typeof prepared>[0]): string {
      const { run, text } = prepared(options);
      process.stdin.write(text);
      return run;
    }

    function hasEnded(run: string): Promise<void> {
      return expect.poll(() => recordOf(run), { timeout: 10_000 }).toMatchObject({ reason: 'exited' });
    }

    function recordOf(run: string): unknown {
      try {
        return JSON.parse(readFileSync(join(run, 'exit.json'), 'utf8'));
      } catch {
        return null;
      }
    }

    const fields = (path: string) => readFileSync(path, 'utf8').split('\0').slice(0, -1);
  },
);

/** What ends with process 1 in a container, but not here. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

describe.skipIf(process.platform === 'win32')('scripts that kill everything around them', () => {
  it.each([
    ['run', runScript],
    ['stop', stopScript],
  ])('refuse to %s outside a container', (_, script) => {
    // Only their first command is run here: if it ever lets through, the rest must not happen on this machine.
    const check = script.split('\n').find((line) => line.startsWith('[ -e '));
    expect(script.trimStart().startsWith(check ?? 'nothing')).toBe(true);
    expect(spawnSync('sh', ['-c', check ?? '']).status).toBe(125);
  });
});
