import assert from 'node:assert/strict';
import test from 'node:test';

import {
  columnOf,
  differingAmongNamesakes,
  isNumeric,
  keyMetrics,
  nameKey,
  nextOrder,
  parseColumn,
  spellOrder,
  usualColumns,
  usualOrder,
  valueIn,
  writerOf
} from '../src/columns';
import { decimalsOf, formatFixed, referenceOf } from '../src/format';
import { aRun } from './runs';

test('a column is known by how a filter spells it', () => {
  for (const name of ['f1', 'F1 score', 'a`b', 'val/loss']) {
    const column = columnOf('metrics', name);
    assert.deepEqual(parseColumn(column.id), column);
  }
  assert.deepEqual(parseColumn('duration'), columnOf('attributes', 'duration'));
});

test('a third click on a head ends the order', () => {
  const metric = columnOf('metrics', 'f1');
  const first = nextOrder(null, metric, []);
  assert.deepEqual(first, { column: 'metrics.f1', descending: true });
  const second = nextOrder(first, metric, []);
  assert.equal(second && spellOrder(second), 'metrics.f1');
  assert.equal(nextOrder(second, metric, []), null);
  const text = columnOf('tags', 'team');
  assert.equal(nextOrder(first, text, [])?.descending, false);
});

test('the usual columns are common metrics and parameters that differ', () => {
  const runs = [
    aRun(1, { params: { depth: 3, seed: 0 }, metrics: { f1: 0.5, rare: 1 } }),
    aRun(2, { params: { depth: 4, seed: 0 }, metrics: { f1: 0.6 } })
  ];
  assert.deepEqual(usualColumns(runs), [
    'start_time',
    'duration',
    'metrics.f1',
    'metrics.rare',
    'params.depth'
  ]);
});

test('a column of numbers is written with the same decimals', () => {
  const runs = [0.5, 0.12345, 12].map((f1, index) =>
    aRun(index, { metrics: { f1 } })
  );
  const column = columnOf('metrics', 'f1');
  const write = writerOf(column, runs);
  assert.deepEqual(
    runs.map(run => write(valueIn(run, column))),
    ['0.50', '0.12', '12.00']
  );
  assert.ok(isNumeric(column, runs));
  assert.ok(
    !isNumeric(columnOf('params', 'model'), [
      aRun(1, { params: { model: 'x' } })
    ])
  );
});

test('no rounding hides a number', () => {
  assert.equal(decimalsOf([1, 20, 300]), 0);
  assert.equal(decimalsOf([0.9474, 0.5]), 4);
  assert.equal(formatFixed(0.00001234, 4), '1.234e-5');
  assert.equal(formatFixed(-0.5, 2), '−0.50');
  assert.equal(formatFixed(NaN, 2), 'NaN');
  assert.equal(decimalsOf([1e-7]), null);
});

test('a child is referred to by its parent', () => {
  assert.equal(referenceOf(aRun(3)), '#3');
  assert.equal(
    referenceOf(aRun(2, { parent_id: 'x', parent_number: 14 })),
    '#14.2'
  );
});

test('the best comes first, whichever way a metric is good', () => {
  const [rmse, depth] = [parseColumn('metrics.rmse'), parseColumn('params.d')];
  assert.equal(usualOrder(rmse, []).descending, true);
  assert.equal(usualOrder(rmse, ['rmse']).descending, false);
  assert.equal(usualOrder(depth, ['d']).descending, false);
  const first = nextOrder(null, rmse, ['rmse']);
  assert.equal(first?.descending, false);
  assert.equal(nextOrder(first, rmse, ['rmse'])?.descending, true);
});

test('runs of one name are told apart by what differs among them', () => {
  const runs = [
    aRun(1, { name: 'forest', params: { depth: 2, seed: 0, model: 'F' } }),
    aRun(2, { name: 'forest', params: { depth: 3, seed: 0, model: 'F' } }),
    aRun(3, { name: 'net', params: { depth: 9, seed: 5, model: 'N' } }),
    aRun(4, { name: 'forest', params: { depth: 3, extra: 1, model: 'F' } })
  ];
  const differing = differingAmongNamesakes(runs);
  assert.deepEqual(differing.get(nameKey(runs[0])), ['depth', 'seed', 'extra']);
  assert.deepEqual(differing.get(nameKey(runs[2])), []);
});

test('rows show the metric of the order, then those of their experiment', () => {
  const runs = [
    aRun(1, { experiment: 'a', metrics: { loss: 1, f1: 2 } }),
    aRun(2, { experiment: 'a', metrics: { f1: 2 } }),
    aRun(3, { experiment: 'b', metrics: { loss: 1 } })
  ];
  const state = { order: null, columns: null };
  assert.deepEqual(
    [...keyMetrics(runs, state, 2)],
    [
      ['a', ['f1', 'loss']],
      ['b', ['loss']]
    ]
  );
  const order = { column: 'metrics.loss', descending: false };
  assert.deepEqual(keyMetrics(runs, { ...state, order }, 2).get('a'), [
    'loss',
    'f1'
  ]);
  const columns = ['duration', 'metrics.loss'];
  assert.deepEqual(keyMetrics(runs, { ...state, columns }, 2).get('a'), [
    'loss'
  ]);
});
