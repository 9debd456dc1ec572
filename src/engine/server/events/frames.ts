import type { EventData } from '../../domain/events.ts';
import type { AuditRow } from '../../ports/store.ts';
import type { StageUpdate } from '../../protocol/serverApi.ts';
import { isoTime, wireEvent } from '../../protocol/wire.ts';
import { stageIdOf } from '../shapes.ts';

/** An event on the wire. `data` is one line: JSON has no raw line feed. */
export function frameOf(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Each row of the audit trail is one event, under its own number: what a client has seen is one number. */
export function auditFrame(row: AuditRow): string {
  const update = stageUpdateOf(row);
  return update === null
    ? frameOf('task-event', wireEvent(row), row.seq)
    : frameOf('stage-update', update, row.seq);
}

/** What the row says of a stage; null when it is about something else. */
function stageUpdateOf(row: AuditRow): StageUpdate | null {
  const about = { task_id: row.taskId, event: row.type, at: isoTime(row.at) };
  switch (row.type) {
    case 'task.created':
      return { type: 'specification', status: 'pending', context: about };
    case 'task.queued': {
      const { stage } = row.data as EventData['task.queued'];
      return { type: stage, status: 'pending', context: about };
    }
    case 'run.started': {
      const { stage, runId, attempt } = row.data as EventData['run.started'];
      return { type: stage, status: 'running', context: { ...about, stage_id: stageIdOf(runId), attempt } };
    }
    case 'run.completed': {
      const { stage, runId, outputDigest, costUsd } = row.data as EventData['run.completed'];
      return {
        type: stage,
        status: 'completed',
        context: {
          ...about,
          stage_id: stageIdOf(runId),
          outcome: 'success',
          output_digest: outputDigest,
          cost_usd: costUsd,
        },
      };
    }
    case 'run.failed': {
      const { stage, runId, failure, outputDigest, costUsd } = row.data as EventData['run.failed'];
      return {
        type: stage,
        status: 'failed',
        context: {
          ...about,
          stage_id: stageIdOf(runId),
          outcome: failure.code,
          output_digest: outputDigest,
          cost_usd: costUsd,
          message: failure.message,
          ...(failure.remedy === undefined ? {} : { remedy: failure.remedy }),
        },
      };
    }
    case 'run.cancelled': {
      const { stage, runId, costUsd } = row.data as EventData['run.cancelled'];
      return {
        type: stage,
        status: 'failed',
        context: { ...about, stage_id: stageIdOf(runId), outcome: 'cancelled', cost_usd: costUsd },
      };
    }
    default:
      return null;
  }
}
