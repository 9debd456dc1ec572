/** The last time that a Date can tell, epoch ms. A later one cannot be shown. */
export const latestInstant = 8.64e15;

/** The instant that is nearest, never before the time: whole epoch ms, from 1970 on. */
export function nearestInstant(ms: number): number {
  return Math.min(latestInstant, Math.max(0, Math.ceil(ms)));
}
