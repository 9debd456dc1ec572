import { expect, test } from 'vitest';
import { metricsOf } from '../../../src/engine/domain/metrics.ts';
import { measureIds, parseMetricsHostMessage } from '../../../src/engine/protocol/inspectorMetrics.ts';
import { measure } from '../../../src/engine/inspection/measures.ts';
import { inspectedSession } from '../../support/webviewSession.ts';

const now = 1_700_010_000_000;

test('each measure is that of the records, with a trend and the tasks behind it', async () => {
  const session = inspectedSession('/storage');
  const { records } = await session.engine();
  const view = await measure(records, now);
  const expected = metricsOf([session.task], session.rows, () => true);

  expect(parseMetricsHostMessage(structuredClone({ type: 'metrics', view }))).not.toBeNull();
  expect(view.measures.map(({ id }) => id)).toEqual(measureIds);
  expect(Object.fromEntries(view.measures.map(({ id, value }) => [id, value]))).toEqual({
    completion: expected.completionRate,
    'stage-time': expected.averageStageMs,
    utilization: expected.utilization,
    preservation: 1,
    intervention: 0,
  });
  expect(view.measures.map(({ trend }) => trend.map(({ value }) => value))).toEqual(
    view.measures.map(({ value }) => [value]),
  );
  const behind = view.measures.find(({ id }) => id === 'stage-time')?.tasks;
  expect(behind).toEqual([
    { taskId: session.task.id, title: session.task.title, value: 95_000, note: '2 completed stage runs' },
  ]);
});

test('a bundle whose bytes were changed counts against context preservation', async () => {
  const session = inspectedSession('/storage');
  const [request] = session.stored;
  if (request === undefined) throw new Error('no bundle');
  session.stored[0] = { ...request, body: request.body.replace('capital', 'small') };
  const view = await measure((await session.engine()).records, now);
  const preservation = view.measures.find(({ id }) => id === 'preservation');
  // The request was given to each of the four runs, of nine contexts in all.
  expect(preservation?.value).toBeCloseTo(5 / 9);
  expect(preservation?.tasks).toHaveLength(1);
});

test('there is nothing to measure in an empty storage', async () => {
  const session = inspectedSession('/storage');
  const { records } = await session.engine();
  const empty = { ...records, tasks: () => Promise.resolve([]), audit: () => Promise.resolve([]) };
  const view = await measure(empty, now);
  expect(view.measures.map(({ value, trend, tasks }) => ({ value, trend, tasks }))).toEqual(
    measureIds.map(() => ({ value: null, trend: [], tasks: [] })),
  );
});
