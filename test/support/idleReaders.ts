import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** Opens so many connections, sends each the request, drops what comes, and says what it was told to look out for. */
const program = `
  const net = require('node:net');
  const [port, count, request, mark] = process.argv.slice(1);
  let open = 0;
  let found = 0;
  for (let number = 0; number < Number(count); number += 1) {
    const socket = net.connect(Number(port), '127.0.0.1');
    let tail = '';
    let isOpen = false;
    socket.on('error', () => {});
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      if (!isOpen) { isOpen = true; if (++open === Number(count)) console.log('open'); }
      const text = tail + chunk.toString('latin1');
      let end = 0;
      for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, end)) {
        end = at + mark.length;
        if (++found % Number(count) === 0) console.log('found ' + found / Number(count));
      }
      tail = text.slice(Math.max(end, text.length - mark.length + 1));
    });
  }
`;

/** Readers in a process of their own, so that what they cost is not the server's. */
export class IdleReaders {
  private readonly child: ChildProcess;
  private readonly said = new Set<string>();
  private readonly waiting = new Map<string, () => void>();

  constructor(options: {
    readonly port: number;
    readonly count: number;
    readonly request: string;
    readonly mark: string;
  }) {
    const { port, count, request, mark } = options;
    this.child = spawn(process.execPath, ['-e', program, String(port), String(count), request, mark], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.child.stdout === null) throw new Error('the pipe was asked for');
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.said.add(line);
      this.waiting.get(line)?.();
    });
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** `open`: all have got something. `found 2`: all have got the mark twice, together. */
  async until(word: 'open' | `found ${number}`): Promise<void> {
    if (!this.said.has(word)) await new Promise<void>((resolve) => this.waiting.set(word, resolve));
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}
