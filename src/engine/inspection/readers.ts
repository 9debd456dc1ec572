import { readBundle, readReport } from './bundles.ts';
import { measure } from './measures.ts';
import { readUsage, RunOutput } from './runOutput.ts';

/** What the webviews read with, a bundle of its own: it is loaded when the first of them opens, not at activation. */
export const readers = {
  measure,
  readBundle,
  readReport,
  readUsage,
  openOutput: (path: string, worktreePath: string): RunOutput => new RunOutput(path, worktreePath),
};

export type Readers = typeof readers;
