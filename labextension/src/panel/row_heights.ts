import * as React from 'react';

import { Heights } from '../heights';
import { Layout } from '../layout';
import { IRunsState } from '../tokens';

/**
 * The heights of the lines: one for all, measured, but for heads of groups and
 * for runs whose details are open.
 */
export function useHeights(
  layout: Layout,
  state: IRunsState,
  grid: React.RefObject<HTMLElement>
): Heights {
  const [measured, setMeasured] = React.useState<IMeasured>(UNMEASURED);
  const known = React.useRef(measured);
  const { expanded } = state;

  React.useLayoutEffect(() => {
    const measure = (): void => {
      const next = measureRows(grid.current, known.current, expanded);
      // Asked here and not of React: a state that is set with each rendering, even
      // to what it was, would be rendered for ever.
      if (next !== known.current) {
        known.current = next;
        setMeasured(next);
      }
    };
    measure();
    const observer = new ResizeObserver(measure);
    grid.current
      ?.querySelectorAll('[data-plain]')
      .forEach(row => observer.observe(row));
    return () => observer.disconnect();
  });

  return React.useMemo(() => {
    const { usual, head, open } = measured;
    const others = new Map(layout.heads.map(index => [index, head]));
    for (const [id, height] of open) {
      const index = layout.indexOf(id);
      if (index >= 0 && expanded.has(id)) {
        others.set(index, height);
      }
    }
    return new Heights(layout.length, usual, others);
  }, [layout, measured, expanded]);
}

interface IMeasured {
  readonly usual: number;
  readonly head: number;
  /** By run id. */
  readonly open: ReadonlyMap<string, number>;
}

const UNMEASURED: IMeasured = { usual: 45, head: 28, open: new Map() };

/**
 * The heights as they are now; `known` itself when they are as they were.
 */
function measureRows(
  grid: HTMLElement | null,
  known: IMeasured,
  expanded: ReadonlySet<string>
): IMeasured {
  const rows = [
    ...(grid?.querySelectorAll<HTMLElement>('[data-index]') ?? [])
  ].filter(row => row.offsetHeight > 0);
  const plain = rows.find(row => row.dataset['plain'] === 'true');
  const head = rows.find(row => row.dataset['group'] === 'true');
  const open = new Map([...known.open].filter(([id]) => expanded.has(id)));
  for (const row of rows) {
    const id = row.dataset['runId'] ?? '';
    if (row.dataset['plain'] === 'false' && expanded.has(id)) {
      open.set(id, row.offsetHeight);
    }
  }
  const next: IMeasured = {
    usual: plain?.offsetHeight ?? known.usual,
    head: head?.offsetHeight ?? known.head,
    open
  };
  const same =
    next.usual === known.usual &&
    next.head === known.head &&
    open.size === known.open.size &&
    [...open].every(([id, height]) => known.open.get(id) === height);
  return same ? known : next;
}
