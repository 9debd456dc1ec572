import type { RunView, TaskView } from '../../src/engine/protocol/inspector.ts';

export const stageNames = {
  request: 'Request',
  specification: 'Specification',
  implementation: 'Implementation',
  qa: 'QA',
} as const;

export const phaseNames: Readonly<Record<TaskView['phase'], string>> = {
  queued: 'Queued',
  preparing: 'Preparing',
  running: 'Running',
  stopping: 'Stopping',
  gate: 'Waits for approval',
  backoff: 'Tries again soon',
  parked: 'Parked',
  attention: 'Needs you',
  paused: 'Paused',
  completed: 'Ready for review',
  merging: 'Merging',
  done: 'Done',
  cancelled: 'Cancelled',
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
    [Math.floor(seconds / 3_600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const shown = parts.filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`);
  return shown.length === 0 ? '0 s' : shown.join(' ');
}

export const usd = (value: number): string => `$${value.toFixed(value > 0 && value < 0.01 ? 4 : 2)}`;
export const percent = (value: number): string => `${(value * 100).toFixed(value === 1 ? 0 : 1)} %`;
export const whole = (value: number): string => value.toLocaleString('en');
export const shortDigest = (digest: string): string => digest.slice(0, 12);
export const dateTime = (at: number): string => new Date(at).toLocaleString();

export const runName = ({ stage, attempt }: Pick<RunView, 'stage' | 'attempt'>): string =>
  `${stageNames[stage]} #${attempt}`;
