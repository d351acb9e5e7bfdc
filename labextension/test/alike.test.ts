import assert from 'node:assert/strict';
import test from 'node:test';

import { alike } from '../src/comparison/alike';

test('runs that differ alike stand together, in their order', () => {
  const runs = ['a', 'b', 'c', 'd'].map(run_id => ({ run_id }));
  const items = [
    { run_id: 'c', name: 'rows', sentences: ['1 → 2'] },
    { run_id: 'b', name: 'rows', sentences: ['1 → 3'] },
    { run_id: 'a', name: 'rows', sentences: ['1 → 2'] }
  ];
  const groups = alike(runs, items);
  assert.deepEqual(
    groups.map(group => group.runs.map(run => run.run_id)),
    [['a', 'c'], ['b']]
  );
  assert.deepEqual(groups[0].items, [items[2]]);
});
