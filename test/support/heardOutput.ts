import { Writable } from 'node:stream';

/** What a host command says, instead of a terminal. */
export class HeardOutput extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
