import type { Failure } from '../domain/outcome.ts';
import type { ExecuteOptions, ExecuteResult } from './exec.ts';

/** What an engine asks of its launcher. `id` is the engine's, and unused until the answer to it. */
export type LauncherRequest =
  | {
      readonly type: 'execute';
      readonly id: number;
      readonly file: string;
      readonly args: readonly string[];
      /** The launcher's own folder and environment mean nothing. */
      readonly options: Omit<ExecuteOptions, 'signal' | 'extendEnv'> &
        Required<Pick<ExecuteOptions, 'cwd' | 'env'>>;
    }
  | { readonly type: 'abort'; readonly id: number };

export type LauncherAnswer =
  | { readonly type: 'result'; readonly id: number; readonly result: ExecuteResult }
  | { readonly type: 'failure'; readonly id: number; readonly failure: Failure };
