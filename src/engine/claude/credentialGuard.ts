import type { PersonCommand, Rejection } from '../domain/commands.ts';
import { reject } from '../domain/decision.ts';
import type { NewBundle } from '../ports/store.ts';
import { redactedMark, secretFormsOf } from '../process/redactor.ts';

/** How a key of the service looks, whoever's it is. */
const serviceKey = /\bsk-ant-[\w-]{16,}/g;

/**
 * Refuses a move in whose words a credential stands: they are stored, shown, and handed to programs as arguments, which
 * every process of the machine can read. `credentials` are those that the agent's CLI gets.
 */
export function refusalOfCredentials(
  command: PersonCommand,
  bundles: readonly NewBundle[],
  credentials: readonly string[],
): Rejection | null {
  const words = [JSON.stringify(command), ...bundles.map(({ body }) => body)];
  const forms = secretFormsOf(credentials);
  const isHeld = words.some(
    (text) => text !== withoutServiceKeys(text) || forms.some((form) => text.includes(form)),
  );
  if (!isHeld) return null;
  return reject(
    'bad-input',
    "A credential stands in these words, and they would be stored, shown and handed to programs as they are. Take it out: Claude Code gets its own from the environment, or from VS Code's Sign In.",
  );
}

/** A text as it may be printed: with no key of the service in it. */
export function withoutServiceKeys(text: string): string {
  return text.replace(serviceKey, redactedMark);
}
