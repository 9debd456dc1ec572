import pc from 'picocolors';
import type { Outcome } from '../domain/outcome.ts';
import type { Stage } from '../domain/stage.ts';
import { shownIdLength, type TaskId } from '../domain/ids.ts';

export const stageNames: Readonly<Record<Stage, string>> = {
  specification: 'Specification',
  implementation: 'Implementation',
  qa: 'QA',
};

/** `0:07`, `12:30`, `1:02:03`. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = String(s).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${tail}` : `${m}:${tail}`;
}

export const usd = (amount: number): string => `$${amount.toFixed(amount < 0.1 ? 4 : 2)}`;

/** Enough of the id to name the task in a command. */
export const shortId = (id: TaskId): string => id.slice(0, shownIdLength);

/** Colour and sign together: the sign alone says it too. */
export function outcomeMark(outcome: Outcome | null): string {
  if (outcome === 'success') return pc.green('✓');
  if (outcome === 'cancelled') return pc.dim('⊘');
  if (outcome === null) return pc.cyan('●');
  return pc.red('✗');
}

/** One line of it, safe for a terminal: what an agent or a repository says must not move the cursor. */
export function plain(text: string, width = 120): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is taken out
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/** Text of several lines, safe for a terminal. */
export function plainBlock(text: string): string {
  // oxlint-disable-next-line no-control-regex -- as above; line feeds and tabs stay
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
