import * as React from 'react';

import { byFrequency, parseColumn } from '../columns';
import { RunSummary } from '../contract';
import { Heights } from '../heights';
import { IItem, itemId, Layout } from '../layout';
import { stylesOfSelected } from '../model';
import { IRunsState } from '../tokens';
import { GroupHead } from './group';
import { actOnRun } from './keys';
import { IPanelContext } from './panel';
import { RunRow } from './row';
import { useNow } from './signals';
import { scrollTo, useAnchor, useWindow } from './window';

/**
 * The runs in their order, in groups if they are grouped, child runs below their
 * parent: a grid walked with the arrow keys, of which only what is seen is
 * rendered.
 */
export function RunList(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { model, settings, trans, state } = props;
  const now = useNow();
  const scroller = React.useRef<HTMLDivElement>(null);
  const grid = React.useRef<HTMLDivElement>(null);
  const [current, setCurrent] = React.useState({ index: 0, id: '' });
  const toFocus = React.useRef<number | null>(null);

  const layout = React.useMemo(
    () => new Layout(state.pages, state.groups, state.folded, state.children),
    [state.pages, state.groups, state.folded, state.children]
  );
  const heights = useHeights(layout, state, grid);
  const [first, last] = useWindow(scroller, heights);
  const question = JSON.stringify([
    state.filter,
    state.experiment,
    state.order,
    state.groupBy
  ]);
  useAnchor(
    scroller,
    heights,
    question,
    index => itemId(layout.at(index)),
    id => layout.indexOf(id)
  );

  const found = current.id === '' ? -1 : layout.indexOf(current.id);
  const stop = Math.min(
    found >= 0 ? found : current.index,
    Math.max(layout.length - 1, 0)
  );
  const shown = React.useMemo(() => {
    const indices = range(first, Math.min(last, layout.length - 1));
    const outside = stop < first ? [stop] : stop > last ? [stop] : [];
    return [...indices, ...outside].filter(index => index < layout.length);
  }, [first, last, stop, layout]);

  React.useEffect(() => {
    const runs: RunSummary[] = [];
    let lowest = Infinity;
    let highest = 0;
    for (let index = first; index <= last && index < layout.length; index++) {
      const item = layout.at(index);
      if (item.kind === 'run') {
        lowest = Math.min(lowest, item.place);
        highest = Math.max(highest, item.place);
      }
      if (item.kind !== 'group' && item.run !== undefined) {
        runs.push(item.run);
      }
    }
    if (lowest <= highest) {
      model.want(props.view, lowest, highest);
    }
    void model.draw(runs);
  }, [model, props.view, layout, first, last, state.sparklines]);

  const focus = (index: number): void => {
    const bounded = Math.min(Math.max(index, 0), layout.length - 1);
    if (scroller.current !== null) {
      scrollTo(scroller.current, heights, bounded);
    }
    toFocus.current = bounded;
    setCurrent({ index: bounded, id: itemId(layout.at(bounded)) ?? '' });
  };
  React.useEffect(() => {
    if (toFocus.current === null) {
      return;
    }
    const row = grid.current?.querySelector<HTMLElement>(
      `[data-index="${toFocus.current}"]`
    );
    if (row) {
      // The run that takes the place of a placeholder takes the focus, too.
      if (row.getAttribute('aria-busy') !== 'true') {
        toFocus.current = null;
      }
      row.focus({ preventScroll: true });
    }
  });

  const onKeyDown = (event: React.KeyboardEvent<HTMLElement>): void => {
    const row = (event.target as HTMLElement).closest<HTMLElement>(
      '[data-index]'
    );
    if (row === null || row !== event.target) {
      return;
    }
    const index = Number(row.dataset['index']);
    const act =
      walk(event, index) ?? onItem(props, layout.at(index), event, focus);
    if (act !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  };
  const walk = (
    event: React.KeyboardEvent,
    index: number
  ): (() => void) | undefined => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return undefined;
    }
    const screen = Math.max(last - first - 12, 1);
    const steps: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + screen,
      PageUp: index - screen,
      Home: 0,
      End: layout.length - 1
    };
    const to = steps[event.key];
    if (to === undefined) {
      return undefined;
    }
    return () => {
      if (event.shiftKey) {
        model.selectAll(
          range(Math.min(index, to), Math.max(index, to))
            .filter(place => place >= 0 && place < layout.length)
            .map(place => layout.at(place))
            .flatMap(item =>
              item.kind !== 'group' && item.run ? [item.run.run_id] : []
            )
        );
      }
      focus(to);
    };
  };

  const styles = stylesOfSelected(model, state.selected);
  const metrics = React.useMemo(
    () =>
      (state.columns === null
        ? byFrequency(state.runs, 'metrics')
        : state.columns
            .map(parseColumn)
            .filter(column => column.kind === 'metrics')
            .map(column => column.name)
      ).slice(0, Math.max(settings.metrics, 0)),
    [state.runs, state.columns, settings.metrics]
  );
  const showExperiment =
    state.experiments.length > 1 &&
    state.experiment === null &&
    state.groupBy !== 'experiment';

  const renderItem = (item: IItem, index: number): JSX.Element => {
    const common = {
      index,
      top: heights.top(index),
      focusable: index === stop,
      trans
    };
    if (item.kind === 'group') {
      return (
        <GroupHead
          key={item.key}
          {...common}
          item={item}
          by={state.groupBy ?? ''}
          onFold={() => model.foldGroup(item.key, !item.folded)}
        />
      );
    }
    const { run } = item;
    if (run === undefined) {
      return <Placeholder key={`place ${index}`} {...common} />;
    }
    return (
      <RunRow
        key={run.run_id}
        {...common}
        commands={props.commands}
        language={props.language}
        model={model}
        settings={settings}
        view={props.view}
        run={run}
        level={item.kind === 'child' ? 2 : 1}
        now={now}
        metrics={metrics}
        selected={state.selected.includes(run.run_id)}
        style={styles.get(run.run_id) ?? 0}
        pinned={state.baselines.some(other => other.run_id === run.run_id)}
        expanded={state.expanded.has(run.run_id)}
        unfolded={state.children.has(run.run_id)}
        details={state.details.get(run.run_id)}
        sparkline={state.sparklines.get(run.run_id)}
        showExperiment={showExperiment}
      />
    );
  };

  return (
    <div ref={scroller} className="jp-Mlops-scroll">
      <div
        ref={grid}
        className="jp-Mlops-list"
        role="treegrid"
        aria-label={trans.__('Runs')}
        aria-multiselectable="true"
        aria-rowcount={layout.length}
        style={{ height: heights.total }}
        onKeyDown={onKeyDown}
        onBlur={event => {
          const to = event.relatedTarget;
          if (to !== null && !event.currentTarget.contains(to)) {
            toFocus.current = null;
          }
        }}
        onFocus={event => {
          const row = event.target.closest<HTMLElement>('[data-index]');
          if (row !== null) {
            const index = Number(row.dataset['index']);
            const id = itemId(layout.at(index)) ?? '';
            if (id !== current.id) {
              setCurrent({ index, id });
            }
          }
        }}
      >
        {shown.map(index => renderItem(layout.at(index), index))}
      </div>
    </div>
  );
}

/**
 * What a key does to a line that is no step to another one.
 */
function onItem(
  props: IPanelContext & { state: IRunsState },
  item: IItem,
  event: React.KeyboardEvent,
  focus: (index: number) => void
): (() => void) | undefined {
  const { model, state } = props;
  const { key } = event;
  if (key === '/') {
    return () => {
      (event.currentTarget as HTMLElement)
        .closest('.jp-Mlops-panel')
        ?.querySelector<HTMLElement>('input[type="search"]')
        ?.focus();
    };
  }
  if (item.kind === 'group') {
    const folds: Record<string, boolean> = {
      Enter: !item.folded,
      ' ': !item.folded,
      ArrowRight: false,
      ArrowLeft: true
    };
    return key in folds
      ? () => model.foldGroup(item.key, folds[key])
      : undefined;
  }
  const { run } = item;
  if (run === undefined) {
    return undefined;
  }
  const { run_id } = run;
  const expanded = state.expanded.has(run_id);
  switch (key) {
    case 'Enter':
      return () => void model.expand(run_id, !expanded);
    case 'ArrowRight':
      return () =>
        run.children > 0 && !state.children.has(run_id)
          ? void model.unfold(run_id, true)
          : void model.expand(run_id, true);
    case 'ArrowLeft':
      return () => {
        if (expanded) {
          void model.expand(run_id, false);
        } else if (item.kind === 'child') {
          focusParent(event.currentTarget as HTMLElement, item.parent, focus);
        } else {
          void model.unfold(run_id, false);
        }
      };
  }
  return actOnRun(props, run, event);
}

function focusParent(
  grid: HTMLElement,
  parent: RunSummary,
  focus: (index: number) => void
): void {
  const row = grid.querySelector<HTMLElement>(
    `[data-run-id="${CSS.escape(parent.run_id)}"]`
  );
  if (row !== null) {
    focus(Number(row.dataset['index']));
  }
}

/**
 * The heights of the lines: one for all, measured, but for heads of groups and
 * for runs whose details are open.
 */
function useHeights(
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

/**
 * The place of a run that is on its way.
 */
function Placeholder(props: {
  index: number;
  top: number;
  focusable: boolean;
}): JSX.Element {
  return (
    <div
      role="row"
      className="jp-Mlops-row jp-Mlops-placeholder"
      data-index={props.index}
      aria-rowindex={props.index + 1}
      aria-busy="true"
      tabIndex={props.focusable ? 0 : -1}
      style={{ top: props.top }}
    >
      <span role="gridcell" />
    </div>
  );
}

function range(first: number, last: number): number[] {
  return Array.from(
    { length: Math.max(last - first + 1, 0) },
    (_, index) => first + index
  );
}
