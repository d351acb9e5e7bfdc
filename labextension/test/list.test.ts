import assert from 'node:assert/strict';
import test from 'node:test';

import { Heights } from '../src/heights';
import { itemId, Layout } from '../src/layout';
import { PAGE, Pages } from '../src/pages';
import { aRun } from './runs';

function pagesOf(count: number, ...here: number[]): Pages {
  return here.reduce((pages, page) => {
    const length = Math.min(PAGE, count - page * PAGE);
    const runs = Array.from({ length }, (_, index) =>
      aRun(page * PAGE + index)
    );
    return pages.with(page, runs, count);
  }, Pages.empty);
}

function lines(layout: Layout): string[] {
  return Array.from({ length: layout.length }, (_, index) => {
    const item = layout.at(index);
    assert.equal(
      itemId(item) === undefined ? -1 : layout.indexOf(itemId(item) as string),
      itemId(item) === undefined ? -1 : index
    );
    return item.kind === 'group'
      ? `${item.key} ${item.folded ? 'folded' : 'open'}`
      : `${item.kind} ${item.run?.number ?? '?'}`;
  });
}

test('of a long list only the wanted pages are missing', () => {
  const pages = pagesOf(10_000, 0);
  assert.equal(pages.at(3)?.number, 3);
  assert.equal(pages.at(5000), undefined);
  assert.deepEqual(pages.missing(0, 20), []);
  assert.deepEqual(pages.missing(PAGE - 1, PAGE), [1]);
  assert.deepEqual(pages.missing(9_990, 20_000), [Math.floor(9_999 / PAGE)]);
  assert.equal(pages.placeOf('run7'), 7);
  assert.equal(pages.placeOf('run7000'), -1);
});

test('stale pages stay to be seen until they are fetched again', () => {
  const stale = pagesOf(200, 0, 1).outdated();
  assert.equal(stale.at(70)?.number, 70);
  assert.deepEqual(stale.missing(0, 199), [0, 1, 2, 3]);
  const fresh = stale.with(0, [aRun(500)], 200);
  assert.deepEqual(fresh.missing(0, 199), [1, 2, 3]);
});

test('pages beyond a list that has become shorter are gone', () => {
  const pages = pagesOf(200, 0, 3).with(0, [aRun(1)], 1);
  assert.deepEqual(
    pages.runs.map(run => run.number),
    [1]
  );
});

test('groups stand above their runs, and folded ones alone', () => {
  const groups = [
    { value: 'a', count: 2 },
    { value: 'b', count: 1 },
    { value: null, count: 1 }
  ];
  const open = new Layout(pagesOf(4, 0), groups, new Set(), new Map());
  assert.deepEqual(lines(open), [
    '"a" open',
    'run 0',
    'run 1',
    '"b" open',
    'run 2',
    'null open',
    'run 3'
  ]);
  assert.deepEqual(open.heads, [0, 3, 5]);
  const folded = new Layout(
    pagesOf(4, 0),
    groups,
    new Set(['"a"', 'null']),
    new Map()
  );
  assert.deepEqual(lines(folded), [
    '"a" folded',
    '"b" open',
    'run 2',
    'null folded'
  ]);
});

test('children stand below their parent, also in a group', () => {
  const children = new Map([
    ['run1', [aRun(71), aRun(72)]],
    ['gone', [aRun(80)]]
  ]);
  const plain = new Layout(pagesOf(3, 0), null, new Set(), children);
  assert.deepEqual(lines(plain), [
    'run 0',
    'run 1',
    'child 71',
    'child 72',
    'run 2'
  ]);
  const groups = [
    { value: 'a', count: 1 },
    { value: 'b', count: 2 }
  ];
  const grouped = new Layout(pagesOf(3, 0), groups, new Set(['"a"']), children);
  assert.deepEqual(lines(grouped), [
    '"a" folded',
    '"b" open',
    'run 1',
    'child 71',
    'child 72',
    'run 2'
  ]);
});

test('a line is found by its height and a height by its line', () => {
  const heights = new Heights(
    1000,
    45,
    new Map([
      [3, 200],
      [0, 28],
      [999, 60],
      [1500, 9]
    ])
  );
  assert.equal(heights.total, 997 * 45 + 28 + 200 + 60);
  let top = 0;
  for (let index = 0; index < 1000; index++) {
    assert.equal(heights.top(index), top);
    assert.equal(heights.at(top), index);
    assert.equal(heights.at(top + heights.height(index) - 1), index);
    top += heights.height(index);
  }
  assert.equal(heights.at(-5), 0);
  assert.equal(heights.at(1e9), 999);
  assert.equal(new Heights(0, 45).at(10), 0);
});
