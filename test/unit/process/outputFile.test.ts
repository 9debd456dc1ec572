import { mkdtemp, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputFile } from '../../../src/engine/process/outputFile.ts';
import { Redactor } from '../../../src/engine/process/redactor.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-'));
  path = join(folder, 'out');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A file on a disk that writes only when told to. */
class SlowFile {
  pendingWrites = 0;
  private readonly file: FileHandle;
  private release: (() => void) | undefined;
  private free = false;

  constructor(file: FileHandle) {
    this.file = file;
  }

  handle(): FileHandle {
    const appendFile = (data: Buffer): Promise<void> => this.appendFile(data);
    const file = this.file;
    return {
      appendFile,
      sync: () => file.sync(),
      close: () => file.close(),
    } as FileHandle;
  }

  /** The disk is fast from now on. */
  speedUp(): void {
    this.free = true;
    this.release?.();
  }

  private async appendFile(data: Buffer): Promise<void> {
    this.pendingWrites += 1;
    if (!this.free) {
      await new Promise<void>((resolve) => {
        this.release = resolve;
      });
    }
    this.pendingWrites -= 1;
    await this.file.appendFile(data);
  }
}

describe('OutputFile', { timeout: 20_000 }, () => {
  it('lets the program wait for a slow disk and loses nothing, not even after the program is gone', async () => {
    let produced = 0;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const source = new Readable({
      read() {
        produced += 1;
        this.push(produced > 80 ? null : chunk);
      },
    });
    const disk = new SlowFile(await open(path, 'a'));
    const output = new OutputFile(source, Promise.resolve(disk.handle()), new Redactor([]));
    await expect.poll(() => disk.pendingWrites, { timeout: 10_000 }).toBe(1);
    // Longer than a silent stream is waited for: a write that takes its time is no silence.
    const early = await Promise.race([
      output.finish().then(() => 'over'),
      new Promise((r) => setTimeout(r, 2_500, 'waits')),
    ]);
    expect(early).toBe('waits');
    expect(produced).toBeLessThan(5);
    disk.speedUp();
    await output.finish();
    expect((await readFile(path)).length).toBe(80 * chunk.length);
  });

  it('gives up a stream that stays open in silence, with all that came', async () => {
    const source = new PassThrough();
    const output = new OutputFile(source, open(path, 'a'), new Redactor(['secret-value']));
    source.write('first secret-va');
    await output.finish();
    expect(await readFile(path, 'utf8')).toBe('first secret-va');
  });

  it('tells at once when the output cannot be written', async () => {
    const closed = await open(path, 'a');
    await closed.close();
    const output = new OutputFile(
      Readable.from([Buffer.from('text')]),
      Promise.resolve(closed),
      new Redactor([]),
    );
    await expect(output.failed).rejects.toThrow();
    await expect(output.finish()).rejects.toThrow();
  });
});
