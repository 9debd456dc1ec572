import type { Digest } from './ids.ts';
import type { Stage } from './stage.ts';
import type { Task } from './task.ts';

/**
 * The accepted bundles a stage is built from, in the order they are read: never a bundle that was not accepted, save the
 * specification that a person's words are about, and never fewer than what is there. Null when a bundle the stage cannot
 * do without is missing.
 */
export function contextFor(task: Task, stage: Stage): readonly Digest[] | null {
  const { specification, implementation, qa } = task.accepted;
  switch (stage) {
    case 'specification':
      return [task.requestDigest, ...present(task.notes.findLast(({ about }) => about !== undefined)?.about)];
    case 'implementation':
      if (specification === undefined) return null;
      return [task.requestDigest, specification, ...present(implementation), ...present(qa)];
    case 'qa':
      if (specification === undefined || implementation === undefined) return null;
      return [task.requestDigest, specification, implementation];
  }
}

/** The accepted bundles once this one is: what was built on an older version of it no longer counts. */
export function acceptedWith(task: Task, stage: Stage, digest: Digest): Task['accepted'] {
  switch (stage) {
    case 'specification':
      return { specification: digest };
    case 'implementation':
      return {
        ...(task.accepted.specification === undefined ? {} : { specification: task.accepted.specification }),
        implementation: digest,
      };
    case 'qa':
      return { ...task.accepted, qa: digest };
  }
}

const present = (digest: Digest | undefined): readonly Digest[] => (digest === undefined ? [] : [digest]);
