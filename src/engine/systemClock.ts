import type { Clock } from './ports/clock.ts';

/** Node's timers count in a signed 32-bit number of ms: about 24.8 days. Longer waits are made of several. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  at(at, callback) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = at - Date.now();
      timer = setTimeout(
        () => (left > longestTimerMs ? arm() : callback()),
        Math.min(Math.max(left, 0), longestTimerMs),
      );
    };
    arm();
    return () => clearTimeout(timer);
  },
};
