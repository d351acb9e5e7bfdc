import assert from 'node:assert/strict';
import test from 'node:test';

import { complete } from '../src/completion';
import {
  asFilter,
  requestOf,
  spellQuestion,
  TypingPace
} from '../src/question';

const QUESTION = { filter: '', experiment: null, order: null, groupBy: null };

test('words are looked for in names, notes and data, conditions are left as they are', () => {
  assert.equal(asFilter(''), '');
  const words = asFilter("the baker's");
  assert.ok(words.startsWith("name ILIKE '%the baker''s%' OR "));
  assert.ok(words.endsWith(" OR dataset.location ILIKE '%the baker''s%'"));
  const either = asFilter('rf-mid OR rf-deep');
  assert.ok(either.startsWith("name ILIKE '%rf-mid%' OR "));
  assert.ok(either.includes(" OR name ILIKE '%rf-deep%' OR "));
  assert.equal(asFilter('#12'), 'number = 12');
  for (const filter of [
    'metrics.accuracy > 0.9',
    "dataset.name = 'train'",
    'dataset.hash',
    "status in ('FAILED')"
  ]) {
    assert.equal(asFilter(filter), filter);
  }
});

test('groups are ordered by first, and a filter finds children too', () => {
  const request = requestOf(
    {
      ...QUESTION,
      filter: 'forest',
      groupBy: 'tags.team',
      order: { column: 'metrics.f1', descending: true }
    },
    2
  );
  assert.deepEqual(request.order, ['tags.team', 'metrics.f1 DESC']);
  assert.equal(request.offset, 2 * request.limit);
  assert.equal(request.includeChildren, true);
  assert.equal(requestOf(QUESTION, 0).includeChildren, false);
  const grouped = { ...QUESTION, groupBy: 'status' };
  assert.ok(spellQuestion(QUESTION) !== spellQuestion(grouped));
});

test('a filter rests as long as answers take, within bounds', () => {
  const pace = new TypingPace();
  const first = pace.delay;
  for (let answer = 0; answer < 10; answer++) {
    pace.note(1);
  }
  assert.ok(pace.delay < first);
  assert.ok(pace.delay >= 10);
  for (let answer = 0; answer < 10; answer++) {
    pace.note(5000);
  }
  assert.equal(pace.delay, 150);
});

test('fields of the data are completed, and their values asked for', () => {
  const fields = { metrics: [], params: [], tags: [], lower_is_better: [] };
  const texts = complete('data', 4, fields).options.map(({ text }) => text);
  assert.ok(texts.includes('dataset.name'));
  assert.ok(texts.includes('dataset.hash'));
  const typed = 'dataset.name = ';
  assert.equal(complete(typed, typed.length, fields).valuesOf, 'dataset.name');
});
