declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A task's UUID as lower-case text; the tasks table keeps the same 16 bytes as a blob. */
export type TaskId = Branded<'TaskId'>;

/** `{task id}/{stage}-{attempt}`: derived, so a restarted engine cannot start the same run twice under another name. */
export type RunId = Branded<'RunId'>;

/** `{slot port}.{generation}`: one container's worth of a slot, never used again. */
export type LeaseId = Branded<'LeaseId'>;

/** Lower-case hex SHA-256 of a stored context bundle. */
export type Digest = Branded<'Digest'>;

/** So many characters of a task's id are shown, and enough to name it. */
export const shownIdLength = 8;

export const taskIdOf = (text: string): TaskId => text as TaskId;
export const leaseIdOf = (port: number, generation: number): LeaseId => `${port}.${generation}` as LeaseId;
export const digestOf = (hex: string): Digest => hex as Digest;
export const runIdOf = (taskId: TaskId, stage: string, attempt: number): RunId =>
  `${taskId}/${stage}-${attempt}` as RunId;
