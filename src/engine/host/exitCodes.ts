import { OrchestratorError } from '../ports/errors.ts';

/** The host's exit codes: part of its contract. */
export const exitCodes = {
  asAsked: 0,
  internal: 1,
  needsAttention: 2,
  badInput: 3,
  environment: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit code of an error, and what to say about it. */
export function explain(error: unknown): { readonly code: ExitCode; readonly message: string } {
  if (!OrchestratorError.is(error)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      code: exitCodes.internal,
      message: `This is a defect of the orchestrator, not of yours:\n${message}`,
    };
  }
  const remedy = error.remedy === undefined ? '' : `\n${error.remedy}`;
  const message = `${error.message}${remedy}`;
  if (error.code === 'bad-input') return { code: exitCodes.badInput, message };
  if (error.code === 'internal') return { code: exitCodes.internal, message };
  return { code: exitCodes.environment, message };
}
