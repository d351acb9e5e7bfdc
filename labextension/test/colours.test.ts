import assert from 'node:assert/strict';
import test from 'node:test';

import { runColourName, runDash, runShape, runStyles } from '../src/colours';
import { aRun } from './runs';

const styles = (...numbers: number[]): [string, number][] => [
  ...runStyles(numbers.map(number => aRun(number)))
];

// The same cases, with the same answers, as tests/unit/compare/test_palette.py.
test('a run has the colour of its number, whatever else is selected', () => {
  assert.deepEqual(styles(3), [['run3', 2]]);
  assert.deepEqual(styles(5, 3, 2), [
    ['run2', 1],
    ['run3', 2],
    ['run5', 4]
  ]);
});

test('the next free colour is taken where one is taken, then a new pattern', () => {
  assert.deepEqual(styles(8, 1), [
    ['run1', 0],
    ['run8', 1]
  ]);
  assert.deepEqual(
    styles(1, 2, 3, 4, 5, 6, 7, 8, 12).map(([, style]) => style),
    [0, 1, 2, 3, 4, 5, 6, 7, 11]
  );
});

test('fifty runs are told apart by colour with a pattern, and by colour with a shape', () => {
  const all = Array.from({ length: 50 }, (_, style) => style);
  for (const second of [runDash, runShape]) {
    const looks = all.map(style =>
      [runColourName(style), second(style)].join()
    );
    assert.equal(new Set(looks).size, 50);
  }
});
