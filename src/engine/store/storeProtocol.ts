import type { OrchestratorError } from '../ports/errors.ts';
import type { Task } from '../domain/task.ts';
import type { Store } from '../ports/store.ts';

export type StoreMethod = keyof Store;

/** A call to the thread that owns the database. */
export type StoreRequest = {
  readonly [Method in StoreMethod]: {
    readonly id: number;
    readonly method: Method;
    readonly args: Parameters<Store[Method]>;
  };
}[StoreMethod];

/** An error as it crosses the threads: structured cloning keeps neither the class nor its fields. */
export interface StoreFailure {
  /** null for a defect. */
  readonly code: OrchestratorError['code'] | null;
  readonly message: string;
  readonly remedy: string | undefined;
  readonly stack: string | undefined;
}

/**
 * `opened` comes first, or `failed` with id 0; then one answer for each request. That of `load` has no tasks in it: they
 * come before, in pages, so that neither thread ever holds a copy of all of them beside the one that stays.
 */
export type StoreReply =
  | { readonly type: 'opened' }
  | { readonly type: 'tasks'; readonly id: number; readonly tasks: readonly Task[] }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly failure: StoreFailure };

/** The id of the failure to open. */
export const openingId = 0;
