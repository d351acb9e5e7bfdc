import assert from 'node:assert/strict';
import test from 'node:test';

import {
  accept,
  complete,
  placeOfProblem,
  spellField
} from '../src/completion';

const FIELDS = {
  metrics: ['accuracy', 'F1 score', 'val/loss'],
  params: ['max_depth', 'model'],
  tags: ['team'],
  lower_is_better: []
};

function offered(text: string, values?: Map<string, string[]>): string[] {
  return complete(text, text.length, FIELDS, values).options.map(
    option => option.text
  );
}

test('a name is found by its beginning, with its kind or without', () => {
  assert.deepEqual(offered('acc'), ['metrics.accuracy']);
  assert.deepEqual(offered('metrics.a'), ['metrics.accuracy']);
  assert.deepEqual(offered('max'), ['params.max_depth']);
  assert.equal(offered('m')[0], 'metrics.accuracy');
});

test('a name that is no word is quoted, and found inside its quotes', () => {
  assert.deepEqual(offered('F1'), ['metrics.`F1 score`']);
  assert.deepEqual(offered('metrics.`F1 s'), ['metrics.`F1 score`']);
  assert.equal(spellField('tags', 'a`b'), 'tags.`a``b`');
  assert.equal(spellField('metrics', 'val/loss'), 'metrics.val/loss');
});

test('behind a field come operators, of its kind', () => {
  assert.equal(offered('metrics.accuracy ')[0], '>');
  assert.ok(!offered('metrics.accuracy ').includes('LIKE'));
  assert.ok(offered('params.model ').includes('LIKE'));
  assert.ok(!offered('tags.team ').includes('>'));
  assert.deepEqual(offered('params.model LI'), ['LIKE', 'ILIKE']);
});

test('behind an operator come the values there are, as texts', () => {
  const values = new Map([['params.model', ['forest', "the baker's"]]]);
  assert.deepEqual(offered('params.model = ', values), [
    "'forest'",
    "'the baker''s'"
  ]);
  assert.deepEqual(offered("params.model = 'for", values), ["'forest'"]);
  assert.deepEqual(offered('status = FA'), ["'FAILED'"]);
  assert.equal(
    complete('params.model = ', 15, FIELDS).valuesOf,
    'params.model'
  );
  assert.equal(complete('metrics.accuracy > ', 19, FIELDS).valuesOf, null);
});

test('behind a value comes another condition', () => {
  assert.deepEqual(offered('metrics.accuracy > 0.9 '), ['AND', 'OR']);
  assert.deepEqual(offered("(params.model = 'x') "), ['AND', 'OR']);
  assert.deepEqual(offered("params.model IN ('x', 'y') "), ['AND', 'OR']);
  assert.deepEqual(offered('metrics.accuracy IS NOT NULL '), ['AND', 'OR']);
  assert.deepEqual(offered('metrics.accuracy > 0.9 AND tea'), ['tags.team']);
  assert.deepEqual(offered('NOT (acc'), ['metrics.accuracy']);
});

test('what is taken replaces what was typed and leaves the rest', () => {
  const text = 'acc > 0.5';
  const completion = complete(text, 3, FIELDS);
  const taken = accept(text, completion, completion.options[0]);
  assert.deepEqual(taken, { text: 'metrics.accuracy > 0.5', caret: 17 });
  const last = complete('acc', 3, FIELDS);
  assert.deepEqual(accept('acc', last, last.options[0]), {
    text: 'metrics.accuracy ',
    caret: 17
  });
});

test('plain words and nonsense are left in peace', () => {
  assert.deepEqual(offered('some forest'), []);
  assert.deepEqual(offered(') '), []);
});

test('the place of a mistake is read from the message', () => {
  assert.equal(
    placeOfProblem("The filter 'a >' cannot be read at character 4: it ends."),
    3
  );
  assert.equal(placeOfProblem('Somebody was first.'), null);
});
