import assert from 'node:assert/strict';
import test from 'node:test';

import { firstOf, isLong, leadingVersions } from '../src/excerpt';

const VERSIONS = [9, 8, 7, 6, 5, 4, 3, 2, 1].map(version => ({ version }));

test('of many things the first are shown, of hardly more all', () => {
  assert.deepEqual(firstOf([1, 2, 3, 4, 5], 2), [1, 2]);
  assert.deepEqual(firstOf([1, 2, 3, 4], 2), [1, 2, 3, 4]);
});

test('a version with an alias is never folded away', () => {
  const shown = (named: number[], most: number): number[] =>
    leadingVersions(VERSIONS, named, most).map(item => item.version);
  assert.deepEqual(shown([2, 8], 3), [9, 8, 7, 2]);
  assert.deepEqual(shown([], 3), [9, 8, 7]);
  assert.deepEqual(shown([], 7), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
});

test('what has many lines or letters is long', () => {
  assert.equal(isLong('a sentence'), false);
  assert.equal(isLong('x'.repeat(300)), true);
  assert.equal(isLong('a\n'.repeat(9)), true);
});
