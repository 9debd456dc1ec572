import type { TaskId } from '../../domain/ids.ts';
import type { Run } from '../../domain/task.ts';
import { uuidBytes } from '../identifiers.ts';
import type { Database } from '../sqljs/database.ts';

/** Writes a run as it is now. */
export function saveRun(database: Database, taskId: TaskId, run: Run): void {
  database.run(
    `INSERT INTO orchestrator_stage_run (id, task_id, stage, attempt, status, outcome, input_digests, output_digest,
        session_id, container_port, started_at, completed_at, cost_usd)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET status = excluded.status, outcome = excluded.outcome,
        input_digests = excluded.input_digests, output_digest = excluded.output_digest,
        session_id = excluded.session_id, container_port = excluded.container_port,
        completed_at = excluded.completed_at, cost_usd = excluded.cost_usd`,
    [
      run.id,
      uuidBytes(taskId),
      run.stage,
      run.attempt,
      run.status,
      run.outcome,
      JSON.stringify(run.inputDigests),
      run.outputDigest,
      run.sessionId,
      run.containerPort,
      run.startedAt,
      run.completedAt,
      run.costUsd,
    ],
  );
}
