import { describe, expect, test } from 'vitest';
import { parsePrometheus } from '../../support/prometheusText.ts';
import { ServedApi } from '../../support/servedApi.ts';

const failure = { code: 'authentication', message: 'Claude Code is not signed in.' } as const;

test('Prometheus gets what is, without reading the history', async () => {
  let reads = 0;
  const api = await ServedApi.open({
    wrap: (store) => ({
      ...store,
      audit: (query) => {
        reads += 1;
        return store.audit(query);
      },
    }),
  });
  const id = await api.create('One');
  await api.ready(id);
  await api.fail(id, failure);
  await api.create('Two');
  await api.service.dispatch({ type: 'retry', taskId: id });
  await api.complete(id);
  const before = reads;
  const answer = await api.fetch('/metrics');
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await answer.text();
  expect(reads).toBe(before);
  const families = parsePrometheus(text);
  expect(new Map([...families].map(([name, { type }]) => [name, type]))).toEqual(
    new Map([
      ['orchestrator_stage_duration_seconds', 'histogram'],
      ['orchestrator_stage_runs_total', 'counter'],
      ['orchestrator_cost_usd_total', 'counter'],
      ['orchestrator_queue_length', 'gauge'],
      ['orchestrator_running_tasks', 'gauge'],
      ['orchestrator_event_clients', 'gauge'],
      ['orchestrator_tasks', 'gauge'],
      ['orchestrator_leases', 'gauge'],
    ]),
  );
  const samples = new Map([...families.values()].flatMap(({ samples: each }) => [...each]));
  expect(Object.fromEntries(samples)).toMatchObject({
    orchestrator_queue_length: 0,
    orchestrator_running_tasks: 1,
    'orchestrator_leases{state="busy"}': 1,
    'orchestrator_leases{state="idle"}': 1,
    'orchestrator_leases{state="free"}': 1,
    'orchestrator_tasks{phase="completed"}': 1,
    'orchestrator_tasks{phase="preparing"}': 1,
    'orchestrator_stage_runs_total{stage="specification",outcome="authentication"}': 1,
    'orchestrator_stage_runs_total{stage="qa",outcome="success"}': 1,
    'orchestrator_stage_duration_seconds_count{stage="qa"}': 1,
    orchestrator_cost_usd_total: 1.25,
  });
});

describe('the grammar that it is read by', () => {
  test.each([
    ['a line without an end', '# HELP a b\n# TYPE a gauge\na 1'],
    ['a name that is none', '# HELP a b\n# TYPE a gauge\na-b 1\n'],
    ['a label without quotes', '# HELP a b\n# TYPE a gauge\na{b=1} 1\n'],
    ['a value that is none', '# HELP a b\n# TYPE a gauge\na one\n'],
    ['a type that there is not', '# HELP a b\n# TYPE a number\na 1\n'],
    ['a series told twice', '# HELP a b\n# TYPE a gauge\na 1\na 2\n'],
    ['a sample of another family', '# HELP a b\n# TYPE a gauge\nb 1\n'],
    [
      'buckets that shrink',
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
    ['buckets without the last', '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_sum 1\na_count 2\n'],
  ])('refuses %s', (_what, text) => {
    expect(() => parsePrometheus(text)).toThrow();
  });
});
