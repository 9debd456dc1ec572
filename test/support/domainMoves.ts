import * as fc from 'fast-check';
import type { PersonCommand } from '../../src/engine/domain/commands.ts';
import { type FailureCode, failureCodes } from '../../src/engine/domain/outcome.ts';
import type { TaskStatus } from '../../src/engine/domain/task.ts';

/** What the world can do next, drawn at random. */
export type Move =
  | {
      readonly type: 'create';
      readonly gated: boolean;
      readonly priority: number;
      readonly maxQaRounds: number;
      readonly maxBudgetUsd?: number | null;
      readonly kept?: boolean;
    }
  /** Some tasks of another board; `again` also asks for one that is here. */
  | {
      readonly type: 'import';
      readonly statuses: readonly TaskStatus[];
      readonly createdAt: number;
      readonly again: boolean;
    }
  | {
      readonly type: 'person';
      readonly command: Exclude<PersonCommand['type'], 'create'>;
      readonly task: number;
    }
  | {
      readonly type: 'effect';
      readonly pick: number;
      readonly outcome: 'good' | 'bad';
      readonly code: FailureCode;
      readonly finding: number;
      readonly random: number;
    }
  /** The report of an effect that was settled long ago arrives again. */
  | { readonly type: 'echo'; readonly pick: number }
  | { readonly type: 'time'; readonly ms: number }
  | { readonly type: 'close' }
  | { readonly type: 'limit'; readonly atMost: number };

export const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('create' as const),
        gated: fc.boolean(),
        priority: fc.integer({ min: 0, max: 2 }),
        maxQaRounds: fc.integer({ min: 0, max: 2 }),
        // A run costs half a dollar.
        maxBudgetUsd: fc.constantFrom(null, null, 0.1, 1, 1.2),
        kept: fc.constantFrom(false, false, false, true),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('import' as const),
        statuses: fc.array(fc.constantFrom('todo', 'inprogress', 'inreview', 'done', 'cancelled'), {
          maxLength: 3,
        }),
        createdAt: fc.nat({ max: 2_000_000 }),
        again: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant('person' as const),
        command: fc.constantFrom(
          'approve',
          'approve',
          'edit-specification',
          'set-priority',
          'change-settings',
          'release-container',
          'advance',
          'advance',
          'retry',
          'send-back',
          'pause',
          'resume',
          'resume',
          'cancel',
          'accept',
          'accept',
        ),
        task: fc.nat({ max: 7 }),
      }),
    },
    {
      weight: 20,
      arbitrary: fc.record({
        type: fc.constant('effect' as const),
        pick: fc.nat({ max: 20 }),
        outcome: fc.constantFrom('good', 'good', 'good', 'good', 'bad'),
        code: fc.constantFrom(...failureCodes, 'port-taken', 'port-taken'),
        finding: fc.nat({ max: 2 }),
        random: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('echo' as const), pick: fc.nat({ max: 50 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('time' as const),
        ms: fc.integer({ min: 0, max: 7_200_000 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('close' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('limit' as const), atMost: fc.constantFrom(1, 2, 2, 7) }),
    },
  ),
  { minLength: 40, maxLength: 160, size: 'max' },
);
