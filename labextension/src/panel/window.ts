import * as React from 'react';

import { RunSummary } from '../contract';
import { Heights } from '../heights';
import { itemId, Layout } from '../layout';
import type { RunsModel } from '../model';
import { IRunsState } from '../tokens';

/** How many lines beyond the edges are there before they are scrolled to. */
const BEYOND = 6;

/**
 * The first and the last line that a scrolled element shows, and a few beyond:
 * only those are rendered, however long the list is.
 */
export function useWindow(
  scroller: React.RefObject<HTMLElement>,
  heights: Heights,
  head = 0
): [number, number] {
  const [view, setView] = React.useState<[number, number]>([0, 20]);
  const known = React.useRef(view);
  const measure = React.useCallback(() => {
    const node = scroller.current;
    if (node === null) {
      return;
    }
    const top = node.scrollTop;
    const first = heights.at(top) - BEYOND;
    const last =
      heights.at(top + Math.max(node.clientHeight - head, 0)) + BEYOND;
    const next: [number, number] = [
      Math.max(first, 0),
      Math.min(last, heights.count - 1)
    ];
    if (next[0] !== known.current[0] || next[1] !== known.current[1]) {
      known.current = next;
      setView(next);
    }
  }, [scroller, heights, head]);

  React.useLayoutEffect(measure, [measure]);
  React.useEffect(() => {
    const node = scroller.current;
    if (node === null) {
      return;
    }
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    node.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      node.removeEventListener('scroll', measure);
    };
  }, [scroller, measure]);
  return view;
}

/**
 * The lines of a state: groups, runs, children.
 */
export function useLayout(state: IRunsState): Layout {
  const { pages, groups, folded, children } = state;
  return React.useMemo(
    () => new Layout(pages, groups, folded, children),
    [pages, groups, folded, children]
  );
}

/**
 * Have the runs of the lines from `first` to `last` fetched.
 */
export function useWanted(
  model: RunsModel,
  view: object,
  layout: Layout,
  first: number,
  last: number
): void {
  React.useEffect(() => {
    const places: number[] = [];
    for (let index = first; index <= last && index < layout.length; index++) {
      const item = layout.at(index);
      if (item.kind === 'run') {
        places.push(item.place);
      }
    }
    if (places.length > 0) {
      model.want(view, places[0], places[places.length - 1]);
    }
  }, [model, view, layout, first, last]);
}

/**
 * The runs of the lines from `first` to `last` that are here.
 */
export function runsBetween(
  layout: Layout,
  first: number,
  last: number
): RunSummary[] {
  const runs: RunSummary[] = [];
  const end = Math.min(last, layout.length - 1);
  for (let index = Math.max(first, 0); index <= end; index++) {
    const item = layout.at(index);
    if (item.kind !== 'group' && item.run !== undefined) {
      runs.push(item.run);
    }
  }
  return runs;
}

/**
 * Scroll so far that a line is wholly seen, and no farther.
 */
export function scrollTo(
  node: HTMLElement,
  heights: Heights,
  index: number,
  head = 0
): void {
  const top = heights.top(index);
  const bottom = top + heights.height(index);
  const room = node.clientHeight - head;
  if (top < node.scrollTop) {
    node.scrollTop = top;
  } else if (bottom > node.scrollTop + room) {
    node.scrollTop = Math.min(bottom - room, top);
  }
}

/**
 * Bring the details of a run that was just opened into view, as far as there is
 * room, while they come; until somebody scrolls.
 */
export function useRevealed(
  scroller: React.RefObject<HTMLElement>,
  heights: Heights,
  layout: Layout,
  expanded: ReadonlySet<string>
): void {
  const before = React.useRef(expanded);
  const opened = React.useRef<{ id: string; height: number } | null>(null);
  React.useEffect(() => {
    const node = scroller.current;
    const forget = (): void => {
      opened.current = null;
    };
    node?.addEventListener('wheel', forget, { passive: true });
    node?.addEventListener('touchmove', forget, { passive: true });
    return () => {
      node?.removeEventListener('wheel', forget);
      node?.removeEventListener('touchmove', forget);
    };
  }, [scroller]);
  React.useEffect(() => {
    const added = [...expanded].filter(id => !before.current.has(id));
    before.current = expanded;
    if (added.length === 1) {
      opened.current = { id: added[0], height: -1 };
    } else if (!expanded.has(opened.current?.id ?? '')) {
      opened.current = null;
    }
    const index = layout.indexOf(opened.current?.id ?? '');
    const node = scroller.current;
    if (opened.current === null || node === null || index < 0) {
      return;
    }
    const height = heights.height(index);
    if (height !== opened.current.height) {
      opened.current.height = height;
      scrollTo(node, heights, index);
    }
  }, [expanded, heights, layout]);
}

/**
 * Keep the line at the upper edge where it is when lines above it come or go,
 * and begin at the top again when something else is asked for.
 */
export function useAnchor(
  scroller: React.RefObject<HTMLElement>,
  heights: Heights,
  question: string,
  layout: Layout
): void {
  const anchor = React.useRef<{ id: string; above: number } | null>(null);
  const asked = React.useRef(question);
  const before = React.useRef(heights);
  React.useLayoutEffect(() => {
    const node = scroller.current;
    if (node === null) {
      return;
    }
    if (asked.current !== question) {
      asked.current = question;
      anchor.current = null;
      node.scrollTop = 0;
    } else if (
      before.current !== heights &&
      anchor.current !== null &&
      node.scrollTop > 0
    ) {
      const index = layout.indexOf(anchor.current.id);
      const top = heights.top(index) + anchor.current.above;
      if (index >= 0 && Math.abs(top - node.scrollTop) > 1) {
        node.scrollTop = top;
      }
    }
    before.current = heights;
    const keep = (): void => {
      const index = heights.at(node.scrollTop);
      const id = heights.count === 0 ? undefined : itemId(layout.at(index));
      const above = node.scrollTop - heights.top(index);
      anchor.current = id === undefined ? null : { id, above };
    };
    keep();
    node.addEventListener('scroll', keep, { passive: true });
    return () => node.removeEventListener('scroll', keep);
  });
}
