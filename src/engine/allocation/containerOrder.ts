import { randomUUID } from 'node:crypto';

/** One run that process 1 of a container is to start. */
export interface ContainerOrder {
  /** What the lease's `order` file has to say for the order to be obeyed; never the same twice. */
  readonly token: string;
  /** The order as process 1 reads it, with a line break before it and after it. */
  readonly text: string;
}

/**
 * A line of fields with spaces between: the token, the run directory, `NAME=value` for each variable, `:`, the arguments
 * of the run script (the run directory again, then `runArguments`), and a bare `;`, without which it is not whole.
 * `runDir` is the path inside.
 */
export function containerOrder(
  runDir: string,
  env: Readonly<Record<string, string>>,
  runArguments: readonly string[],
): ContainerOrder {
  const token = randomUUID();
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const fields = [runDir, ...variables, ':', runDir, ...runArguments].map(encode);
  // What an engine did not live to write to its end stays a line of its own.
  return { token, text: `\n${[token, ...fields, ';'].join(' ')}\n` };
}

/**
 * As `printf %b` takes it, without what a shell would split at. The dot keeps an empty field one, and the line breaks at
 * the end of a value.
 */
function encode(value: string): string {
  if (value.includes('\0')) throw new RangeError('a value for a program cannot hold a NUL');
  const bytes = Buffer.from(value, 'utf8').toString('latin1');
  const escaped = bytes.replaceAll(
    /[^!-~]|[\\;]/g,
    (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `${escaped}.`;
}
