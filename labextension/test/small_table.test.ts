import assert from 'node:assert/strict';
import test from 'node:test';

import { rowsOf } from '../src/comparison/small_table';

test('a table kept as CSV is read row by row', () => {
  assert.deepEqual(rowsOf('true \\ predicted,cat,dog\ncat,3,1\ndog,0,4\n'), [
    ['true \\ predicted', 'cat', 'dog'],
    ['cat', '3', '1'],
    ['dog', '0', '4']
  ]);
});

test('quotes hold commas, quotes and breaks; a field may be empty', () => {
  assert.deepEqual(rowsOf('"a, ""b""","x\ny",\n,1,'), [
    ['a, "b"', 'x\ny', ''],
    ['', '1', '']
  ]);
  assert.deepEqual(rowsOf(''), []);
});
