import { redactedMark, secretFormsOf, secretValuesOf } from '../process/redactor.ts';
import { pieceMark, pieceStart } from '../process/streamPieces.ts';

/** The variable by which the run script gets the program of its filter; the agent's program does not inherit it. */
export const filterVariable = 'ORCHESTRATOR_FILTER';

/**
 * The program for `sed` that takes the environment's secrets out of a line; null when there are none. A secret is found
 * as it is and as it looks inside a JSON string. Of a secret with line breaks only the latter can be found.
 */
export function outputFilterOf(env: Readonly<Record<string, string>>): string | null {
  const forms = secretFormsOf(secretValuesOf(env)).filter((form) => !form.includes('\n'));
  if (forms.length === 0) return null;
  const expressions = forms
    // The longest first: one that begins like another would be cut into a mark and the rest of the secret.
    .toSorted((left, right) => right.length - left.length)
    .map((form) => `s/${literal(form)}/${redactedMark}/g`);
  // A secret that the model says comes in pieces, none of which can be known for a part of it.
  return [`s/^${literal(pieceStart)}.*/${pieceMark}/`, ...expressions].join('\n');
}

const literal = (text: string): string => text.replaceAll(/[\\/.*[^$]/g, String.raw`\$&`);
