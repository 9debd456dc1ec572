/** What stands in the place of a secret; plain ASCII, so a JSON line stays a JSON line. */
export const redactedMark = '[redacted]';

const mark = Buffer.from(redactedMark);

/** A shorter value is no secret worth the name, and masking it would tear holes into ordinary text. */
const shortestSecret = 8;

const secretName = /key|token|secret|passw|credential|auth/i;

/** The values of an environment that must never reach a file: those whose variable's name says so. */
export function secretValuesOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value = '']) =>
    secretName.test(name) && value.length >= shortestSecret ? [value] : [],
  );
}

/** How secrets look in output: as they are, and inside a JSON string. */
export function secretFormsOf(secrets: Iterable<string>): readonly string[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret === '') continue;
    forms.add(secret);
    forms.add(JSON.stringify(secret).slice(1, -1));
  }
  return [...forms];
}

/**
 * Takes secrets out of a byte stream whatever its chunks. Overlapping occurrences become one mark. Holds back only a
 * tail that may be the beginning of a secret, so never more than the longest secret's length minus one byte.
 */
export class Redactor {
  private readonly secrets: readonly Buffer[];
  private held: Buffer = Buffer.alloc(0);
  /** So many bytes at the beginning of `held` belong to an occurrence whose mark is out already. */
  private covered = 0;

  constructor(secrets: Iterable<string>) {
    this.secrets = secretFormsOf(secrets).map((form) => Buffer.from(form));
  }

  /** The part of the stream up to here that is safe to write. */
  push(chunk: Buffer): Buffer {
    if (this.secrets.length === 0) return chunk;
    const data = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    return this.release(data, this.undecidedFrom(data));
  }

  /** The rest, at the end of the stream. */
  end(): Buffer {
    return this.release(this.held, this.held.length);
  }

  private release(data: Buffer, limit: number): Buffer {
    const parts: Buffer[] = [];
    let position = this.covered;
    for (const { start, end } of this.occurrences(data)) {
      if (start >= limit) break;
      if (start >= position) parts.push(data.subarray(position, start), mark);
      position = Math.max(position, end);
    }
    if (position < limit) parts.push(data.subarray(position, limit));
    this.covered = Math.max(0, position - limit);
    // A copy: the tail must not keep a whole chunk alive.
    this.held = Buffer.from(data.subarray(limit));
    return Buffer.concat(parts);
  }

  /** All occurrences of all secrets by where they start. */
  private occurrences(data: Buffer): readonly { readonly start: number; readonly end: number }[] {
    const found: { start: number; end: number }[] = [];
    for (const secret of this.secrets) {
      for (let start = data.indexOf(secret); start !== -1; start = data.indexOf(secret, start + 1)) {
        found.push({ start, end: start + secret.length });
      }
    }
    return found.toSorted((left, right) => left.start - right.start);
  }

  /** The first position from which the rest of the data is the beginning of a secret. */
  private undecidedFrom(data: Buffer): number {
    let undecided = data.length;
    for (const secret of this.secrets) {
      for (
        let length = Math.min(secret.length - 1, data.length);
        length > data.length - undecided;
        length -= 1
      ) {
        if (data.subarray(data.length - length).equals(secret.subarray(0, length))) {
          undecided = data.length - length;
        }
      }
    }
    return undecided;
  }
}

/** A way through which a byte stream goes on its way to a file. */
export interface ByteFilter {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** One after the other. */
export function chained(first: ByteFilter, second: ByteFilter): ByteFilter {
  return {
    push: (chunk) => second.push(first.push(chunk)),
    end: () => Buffer.concat([second.push(first.end()), second.end()]),
  };
}
