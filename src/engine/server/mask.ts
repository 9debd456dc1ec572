/** What stands in the place of a secret, filled up to its length. */
const mark = '[redacted]';

/** Takes secrets out of bytes without changing how many there are: a place in a file stays the same place. */
export class Mask {
  /** So many bytes before and after a part tell whether a secret reaches into it. */
  readonly margin: number;
  private readonly forms: readonly { readonly secret: Buffer; readonly cover: Buffer }[];

  constructor(secrets: Iterable<string>) {
    const forms = new Set<string>();
    for (const secret of secrets) {
      if (secret === '') continue;
      forms.add(secret);
      // As it stands in a JSON text.
      forms.add(JSON.stringify(secret).slice(1, -1));
    }
    this.forms = [...forms].map((form) => {
      const secret = Buffer.from(form);
      return { secret, cover: Buffer.from(mark.padEnd(secret.length, '*').slice(0, secret.length)) };
    });
    this.margin = Math.max(0, ...this.forms.map(({ secret }) => secret.length - 1));
  }

  /** A copy without the secrets that lie in it whole. */
  apply(bytes: Buffer): Buffer {
    const masked = Buffer.from(bytes);
    for (const { secret, cover } of this.forms)
      for (let start = bytes.indexOf(secret); start !== -1; start = bytes.indexOf(secret, start + 1))
        masked.set(cover, start);
    return masked;
  }

  /** How many bytes at the end may be the beginning of a secret. */
  openEnd(bytes: Buffer): number {
    let open = 0;
    for (const { secret } of this.forms)
      for (let length = Math.min(secret.length - 1, bytes.length); length > open; length -= 1)
        if (bytes.subarray(bytes.length - length).equals(secret.subarray(0, length))) open = length;
    return open;
  }
}
