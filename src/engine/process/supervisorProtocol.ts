import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { createWhole, readRecord, runFiles, writeWhole } from './runDirectory.ts';

const programSchema = v.object({
  argv: v.tupleWithRest([v.string()], v.string()),
  cwd: v.string(),
  /** All of the program's environment but `TMPDIR` and the marker, which the supervisor adds. */
  env: v.record(v.string(), v.string()),
});

const launchSchema = v.object({
  ...programSchema.entries,
  timeoutMs: v.pipe(v.number(), v.minValue(0)),
});

/** What a supervisor starts; `env` holds secrets. */
export type SupervisedProgram = v.InferOutput<typeof programSchema>;
export type SupervisorLaunch = v.InferOutput<typeof launchSchema>;

const runOrderSchema = v.object({ type: v.literal('run'), runDir: v.string(), launch: launchSchema });

/** What the engine tells a supervisor: a line of JSON on its standard input, and nowhere else. */
export const supervisorOrderSchema = v.variant('type', [
  /** Starts the program of the next run, which waits for its standard input. */
  v.object({ type: v.literal('stand-by'), program: programSchema }),
  runOrderSchema,
]);

export type SupervisorOrder = v.InferOutput<typeof supervisorOrderSchema>;
export type RunOrder = v.InferOutput<typeof runOrderSchema>;

const processRefSchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  startTime: v.string(),
});

const supervisorOwnerSchema = v.object({
  type: v.literal('supervisor'),
  ...processRefSchema.entries,
  /** Names the run in the environment of everything it starts. */
  token: v.pipe(v.string(), v.uuid()),
  /** The program, once it runs. */
  program: v.nullable(processRefSchema),
});

const ownerSchema = v.variant('type', [
  supervisorOwnerSchema,
  /** An engine found the run without an owner and gave it up: a supervisor that comes late must not start it. */
  v.object({ type: v.literal('abandoned') }),
]);

export type SupervisorOwner = v.InferOutput<typeof supervisorOwnerSchema>;
export type RunOwner = v.InferOutput<typeof ownerSchema>;

/** Makes this the run's only owner for ever; false when there is one. */
export function claimRun(runDir: string, owner: RunOwner): Promise<boolean> {
  return createWhole(join(runDir, runFiles.owner), JSON.stringify(owner));
}

/** For the owner alone: says more about itself. */
export async function updateOwner(runDir: string, owner: SupervisorOwner): Promise<void> {
  await writeWhole(join(runDir, runFiles.owner), JSON.stringify(owner));
}

export async function readOwner(runDir: string): Promise<RunOwner | null> {
  const text = await readRecord(join(runDir, runFiles.owner));
  return text === null ? null : v.parse(ownerSchema, JSON.parse(text));
}

export function markerOf(token: string): {
  readonly name: string;
  readonly value: string;
  readonly assignment: string;
} {
  return { name: 'ORCHESTRATOR_RUN', value: token, assignment: `ORCHESTRATOR_RUN=${token}` };
}

/**
 * The program's `TMPDIR`. Not in the run directory: below a storage folder of VS Code its path is some 190 bytes long,
 * and a socket's path must fit into 104 (macOS) or 108 (Linux); Node cuts a longer one off silently, so that two
 * sockets in one folder become the same.
 */
export function temporaryPathOf(token: string): string {
  return join(tmpdir(), `orch-${token.slice(0, 8)}`);
}
