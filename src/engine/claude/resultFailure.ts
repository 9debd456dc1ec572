import { nearestInstant } from '../domain/instant.ts';
import type { Failure, FailureCode } from '../domain/outcome.ts';
import type { CliResult } from './streamMessages.ts';

/** What else the CLI said about requests that failed. */
export interface RequestTrouble {
  /** The CLI's word for why the last request failed for good: `authentication_failed`, `billing_error`, ... */
  readonly assistantError: string | null;
  /** Epoch seconds at which the limit that refused requests resets. */
  readonly limitResetsAt: number | null;
  /** Epoch ms until which the service, as far as it can be known, wants to be left alone; null when nothing says so. */
  readonly waitUntil: number | null;
}

const remedies = {
  authentication: 'Sign in to Claude Code again, or set a valid ANTHROPIC_API_KEY, then retry.',
  billing: 'Add credit to the account or mend its billing, then retry.',
  'request-rejected':
    'Check the model name, the permissions of the account and ANTHROPIC_BASE_URL, then retry.',
  'prompt-too-long': 'Make the task smaller, or send it back with a note that narrows what has to be read.',
  network: 'Check the connection, the proxy and ANTHROPIC_BASE_URL.',
  turns: "Raise the stage's turn limit in the task's settings, or make the task smaller, then retry.",
  budget: "Raise the stage's budget in the task's settings, or make the task smaller, then retry.",
} satisfies Partial<Record<FailureCode, string>>;

export const authenticationFailure: Failure = {
  code: 'authentication',
  message: 'The service does not accept the credentials.',
  remedy: remedies.authentication,
};

/** What the result line says went wrong; null when it is a success with its structured output. */
export function failureOfResult(result: CliResult, trouble: RequestTrouble): Failure | null {
  const said = excerpt(result.text);
  switch (result.subtype) {
    case 'error_max_turns':
      return {
        code: 'turns',
        message: `The stage used up its ${result.turns} turns.`,
        remedy: remedies.turns,
      };
    case 'error_max_budget_usd':
      return {
        code: 'budget',
        message: `The stage used up its budget (${result.costUsd.toFixed(2)} USD).`,
        remedy: remedies.budget,
      };
    case 'error_max_structured_output_retries':
      return {
        code: 'no-verdict',
        message: 'The model did not manage to answer in the form it was asked for.',
      };
  }
  if (result.terminalReason === 'prompt_too_long' || result.terminalReason === 'image_error') {
    return promptTooLong(said);
  }
  // `success` that is an error is how every failed request ends.
  if (result.terminalReason === 'api_error' || (result.isError && result.subtype === 'success')) {
    return failedRequest(result, trouble, said);
  }
  if (result.isError) return aborted(result, said);
  if (result.terminalReason !== 'completed' || result.turns === 0) {
    return { code: 'no-verdict', message: `Claude Code ended without asking the model. ${said}`.trim() };
  }
  if (result.structuredOutput === undefined || result.structuredOutput === null) {
    return { code: 'no-verdict', message: `The model ended without handing in its result. ${said}`.trim() };
  }
  return null;
}

function aborted(result: CliResult, said: string): Failure {
  if (result.turns === 0 && result.terminalReason === null) {
    return {
      code: 'cli-unusable',
      message: `Claude Code failed while it started. ${said}`.trim(),
      remedy: 'Run `claude` once by hand in this folder to see what is wrong with its configuration.',
    };
  }
  return { code: 'killed', message: `Claude Code was interrupted. ${said}`.trim() };
}

function failedRequest(
  { apiErrorStatus: status, apiError }: CliResult,
  trouble: RequestTrouble,
  said: string,
): Failure {
  const { assistantError, limitResetsAt } = trouble;
  const notBefore = limitResetsAt === null ? {} : { notBefore: nearestInstant(limitResetsAt * 1_000) };
  if (apiError === 'usage_limit_reached' || (status === 429 && limitResetsAt !== null)) {
    return {
      code: 'usage-limit',
      message: `The usage limit of the subscription is reached. ${said}`.trim(),
      ...notBefore,
    };
  }
  if (status === 401 || (status === null && assistantError === 'authentication_failed')) {
    return { ...authenticationFailure, message: `${authenticationFailure.message} ${said}`.trim() };
  }
  if (status === 402 || assistantError === 'billing_error') {
    return {
      code: 'billing',
      message: `The account cannot pay for the request. ${said}`.trim(),
      remedy: remedies.billing,
    };
  }
  if (status === null && assistantError === 'invalid_request') {
    return {
      code: 'request-rejected',
      message: `The model refused to go on. ${said}`.trim(),
      remedy: 'Say the request in other words or choose another model, then retry.',
    };
  }
  if (status === null) {
    return {
      code: 'network',
      message: `The service could not be reached. ${said}`.trim(),
      remedy: remedies.network,
    };
  }
  if (status === 413) return promptTooLong(said);
  const wait = trouble.waitUntil === null ? {} : { notBefore: nearestInstant(trouble.waitUntil) };
  if (status === 429) {
    return { code: 'rate-limit', message: `The service asks to slow down. ${said}`.trim(), ...wait };
  }
  if (status === 529) {
    return { code: 'overloaded', message: `The service is overloaded. ${said}`.trim(), ...wait };
  }
  if (status >= 500) {
    const message = `The service failed with status ${status}. ${said}`.trim();
    // Of these only an unavailable service says when to come back.
    return { code: 'server-error', message, ...(status === 503 ? wait : {}) };
  }
  return {
    code: 'request-rejected',
    message: `The service rejected the request with status ${status}. ${said}`.trim(),
    remedy: remedies['request-rejected'],
  };
}

function promptTooLong(said: string): Failure {
  return {
    code: 'prompt-too-long',
    message: `The prompt is too long for the model. ${said}`.trim(),
    remedy: remedies['prompt-too-long'],
  };
}

/** The CLI's own words, short enough for a message. */
function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
