import type { FileIo } from './fileIo.ts';

// SQLite's page is 4 KB and most commits change fewer than ten: longer runs come in pieces of this.
const capacity = 64 * 1024;

/**
 * Writes that follow each other in a file, gathered into one: SQLite writes its journal four bytes and a page at a time,
 * and each would be a call to the kernel. Whoever reads, syncs, truncates or looks at a file flushes first, so that the
 * kernel sees the same bytes in the same order.
 */
export class WriteRun {
  readonly #io: FileIo;
  readonly #bytes = new Uint8Array(capacity);
  #fd = -1;
  #position = 0;
  #length = 0;

  constructor(io: FileIo) {
    this.#io = io;
  }

  /** Takes a copy of all of it; may have to flush what does not go with it. */
  add(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    const isNext = fd === this.#fd && position === this.#position + this.#length;
    if (!isNext || this.#length + length > capacity) this.flush();
    if (length > capacity) {
      this.#write(fd, buffer, offset, length, position);
      return;
    }
    if (this.#length === 0) [this.#fd, this.#position] = [fd, position];
    this.#bytes.set(buffer.subarray(offset, offset + length), this.#length);
    this.#length += length;
  }

  /** Hands everything to the kernel; throws what the disk says, and then holds nothing any more. */
  flush(): void {
    const length = this.#length;
    this.#length = 0;
    if (length > 0) this.#write(this.#fd, this.#bytes, 0, length, this.#position);
  }

  drop(): void {
    this.#length = 0;
  }

  /** A disk may take less than it is given without an error. */
  #write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    for (let done = 0; done < length;) {
      const written = this.#io.write(fd, buffer, offset + done, length - done, position + done);
      if (written === 0) throw new Error('the disk takes nothing and gives no reason');
      done += written;
    }
  }
}
