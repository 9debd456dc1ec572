import type { Failure, FailureCode } from '../domain/outcome.ts';

/** Each bundle has a copy of the class of its own, so `instanceof` does not know an error of another bundle. */
const brand = Symbol.for('orchestrator-manager.OrchestratorError');

/**
 * The engine's one error class: a failure with a name, words for a person, and what to do.
 * Anything else that is thrown is a defect and becomes `internal`.
 */
export class OrchestratorError extends Error {
  readonly code: FailureCode | 'bad-input';
  readonly remedy: string | undefined;
  readonly notBefore: number | undefined;

  constructor(
    code: FailureCode | 'bad-input',
    message: string,
    options: { readonly remedy?: string; readonly notBefore?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OrchestratorError';
    this.code = code;
    this.remedy = options.remedy;
    this.notBefore = options.notBefore;
    Object.defineProperty(this, brand, { value: true });
  }

  static is(error: unknown, code?: FailureCode | 'bad-input'): error is OrchestratorError {
    if (!(error instanceof Error) || !(brand in error)) return false;
    return code === undefined || ('code' in error && error.code === code);
  }
}

/** A failure as something to throw. */
export function errorOf({ code, message, ...options }: Failure): OrchestratorError {
  return new OrchestratorError(code, message, options);
}

/** Any thrown thing as a failure to record. */
export function failureOf(error: unknown): Failure {
  if (error instanceof OrchestratorError) {
    return {
      code: error.code === 'bad-input' ? 'environment' : error.code,
      message: error.message,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      ...(error.notBefore === undefined ? {} : { notBefore: error.notBefore }),
    };
  }
  if (isOutOfSpace(error)) return { code: 'disk-full', message: error.message, remedy: roomRemedy };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

export const roomRemedy = 'Make room on the disk, then retry.';

/** What the system says when a disk, or the person's share of it, is full. */
function isOutOfSpace(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
