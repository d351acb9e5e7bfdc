import * as React from 'react';

import { Heights } from '../heights';

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
 * Keep the line at the upper edge where it is when lines above it come or go,
 * and begin at the top again when something else is asked for.
 */
export function useAnchor(
  scroller: React.RefObject<HTMLElement>,
  heights: Heights,
  question: string,
  idOf: (index: number) => string | undefined,
  indexOf: (id: string) => number
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
      const index = indexOf(anchor.current.id);
      const top = heights.top(index) + anchor.current.above;
      if (index >= 0 && Math.abs(top - node.scrollTop) > 1) {
        node.scrollTop = top;
      }
    }
    before.current = heights;
    const keep = (): void => {
      const index = heights.at(node.scrollTop);
      const id = heights.count === 0 ? undefined : idOf(index);
      const above = node.scrollTop - heights.top(index);
      anchor.current = id === undefined ? null : { id, above };
    };
    keep();
    node.addEventListener('scroll', keep, { passive: true });
    return () => node.removeEventListener('scroll', keep);
  });
}
