import assert from 'node:assert/strict';
import test from 'node:test';

import { layLabels } from '../src/comparison/labels';
import { scaleFor } from '../src/comparison/scales';

const lay = (values: unknown[]): ReturnType<typeof layLabels> =>
  layLabels(scaleFor(values).ticks, 344);

test('labels stand level where they have room and aslant where they would overprint', () => {
  assert.equal(lay(['forest', 'logistic', 'boosting']).aslant, false);
  assert.equal(lay([1, 2, 3, 4, 5, 6, 7]).aslant, false);
  assert.equal(lay(['the only one there is']).aslant, false);
  const models = ['Random', 'Extra', 'Boosted', 'Bagged'].map(
    name => `${name}TreesClassifier`
  );
  assert.deepEqual(lay(models), {
    ticks: scaleFor(models).ticks,
    aslant: true
  });
});

test('of more labels than there is room for aslant some are left out', () => {
  const many = Array.from({ length: 60 }, (_, place) => `category ${place}`);
  const { ticks, aslant } = lay(many);
  assert.equal(aslant, true);
  assert.ok(ticks.length > 15 && ticks.length <= 26);
});
