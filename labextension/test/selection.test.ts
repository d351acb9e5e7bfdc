import assert from 'node:assert/strict';
import test from 'node:test';

import {
  bestOnTop,
  isScoredAsMost,
  MOST_COMPARED,
  runsOnTop
} from '../src/selection';
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

test('the best is on top in an order by a metric, its best first', () => {
  const runs = [aRun(1, { metrics: { f1: 0.9, loss: 0.1 } }), aRun(2)];
  const state = { runs, groupBy: null, fields: FIELDS };
  const by = (column: string, descending: boolean): number | undefined =>
    bestOnTop({ ...state, order: { column, descending } })?.number;
  assert.equal(by('metrics.f1', true), 1);
  assert.equal(by('metrics.f1', false), undefined);
  assert.equal(by('metrics.loss', false), 1);
  assert.equal(by('metrics.loss', true), undefined);
  assert.equal(by('metrics.gone', true), undefined);
  assert.equal(by('duration', false), undefined);
  assert.equal(bestOnTop({ ...state, order: null }), undefined);
  const order = { column: 'metrics.f1', descending: true };
  assert.equal(bestOnTop({ ...state, order, groupBy: 'name' }), undefined);
});

test('a run is scored as most are, unless more than half agree on other rows', () => {
  const scored = (
    target: string | null
  ): Parameters<typeof isScoredAsMost>[0] => ({
    metric_details: {
      f1: {
        evaluation:
          target === null
            ? null
            : { function: 'f1_score', function_hash: '', target }
      }
    }
  });
  const [a, b, unknown] = ['a', 'b', null].map(scored);
  assert.equal(isScoredAsMost(b, [b, a, a], 'f1'), false);
  assert.equal(isScoredAsMost(a, [b, a, a], 'f1'), true);
  assert.equal(isScoredAsMost(unknown, [unknown, a, a], 'f1'), true);
  assert.equal(isScoredAsMost(b, [b, a], 'f1'), true);
  assert.equal(isScoredAsMost(b, [b, a, a], 'recall'), true);
});
