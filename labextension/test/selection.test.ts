import assert from 'node:assert/strict';
import test from 'node:test';

import { MOST_COMPARED, rankingMetric, runsOnTop } from '../src/selection';
import { aRun } from './runs';

const FIELDS = {
  metrics: ['f1', 'loss'],
  params: [],
  tags: [],
  lower_is_better: ['loss']
};

test('without a choice the runs on top are compared, and children with them only alone', () => {
  const parent = aRun(1);
  const child = aRun(2, { parent_id: parent.run_id });
  assert.deepEqual(runsOnTop({ runs: [child, parent, aRun(3)] }), [
    parent,
    aRun(3)
  ]);
  assert.deepEqual(runsOnTop({ runs: [child, aRun(3)] }), [child, aRun(3)]);
  const many = Array.from({ length: 60 }, (_, place) => aRun(place));
  assert.equal(runsOnTop({ runs: many }).length, MOST_COMPARED);
});

test('an order by a metric, its best first, ranks the runs; in groups, too', () => {
  const runs = [aRun(2), aRun(1, { metrics: { f1: 0.9, loss: 0.1 } })];
  const state = { runs, fields: FIELDS };
  const by = (column: string, descending: boolean): string | null =>
    rankingMetric({ ...state, order: { column, descending } });
  assert.equal(by('metrics.f1', true), 'f1');
  assert.equal(by('metrics.f1', false), null);
  assert.equal(by('metrics.loss', false), 'loss');
  assert.equal(by('metrics.loss', true), null);
  assert.equal(by('metrics.gone', true), null);
  assert.equal(by('duration', false), null);
  assert.equal(rankingMetric({ ...state, order: null }), null);
});
