import type { RunView, TaskView } from '../../src/engine/protocol/inspector.ts';
import { l10n, language } from './l10n.ts';

export const stageNames = {
  request: l10n.t('Request'),
  specification: l10n.t('Specification'),
  implementation: l10n.t('Implementation'),
  qa: l10n.t('QA'),
} as const;

export const phaseNames: Readonly<Record<TaskView['phase'], string>> = {
  queued: l10n.t('Queued'),
  preparing: l10n.t('Preparing'),
  running: l10n.t('Running'),
  stopping: l10n.t('Stopping'),
  gate: l10n.t('Waits for approval'),
  backoff: l10n.t('Tries again soon'),
  parked: l10n.t('Parked'),
  attention: l10n.t('Needs you'),
  paused: l10n.t('Paused'),
  completed: l10n.t('Ready for review'),
  merging: l10n.t('Merging'),
  done: l10n.t('Done'),
  cancelled: l10n.t('Cancelled'),
};

/** `1:02:03`, `2:03`, `0:07`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

/** The same for a screen reader and for prose: `2 min 3 s`. */
export function spokenDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 3_600), l10n.t('h')],
    [Math.floor(seconds / 60) % 60, l10n.t('min')],
    [seconds % 60, l10n.t('s')],
  ];
  const shown = parts.filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`);
  return shown.length === 0 ? l10n.t('0 s') : shown.join(' ');
}

export const usd = (value: number): string => `$${value.toFixed(value > 0 && value < 0.01 ? 4 : 2)}`;
export const percent = (value: number): string => `${(value * 100).toFixed(value === 1 ? 0 : 1)} %`;
export const whole = (value: number): string => value.toLocaleString(language());
export const shortDigest = (digest: string): string => digest.slice(0, 12);
export const dateTime = (at: number): string => new Date(at).toLocaleString(language());

export const runName = ({ stage, attempt }: Pick<RunView, 'stage' | 'attempt'>): string =>
  `${stageNames[stage]} #${attempt}`;
