/** FAULT_FULL=1: every variant and every repetition, some twenty minutes; without it the part that each `npm test` runs. */
export const isFull = process.env['FAULT_FULL'] === '1';
