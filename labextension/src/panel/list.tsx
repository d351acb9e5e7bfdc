import * as React from 'react';

import { differingAmongNamesakes, keyMetrics, nameKey } from '../columns';
import { RunSummary } from '../contract';
import { IItem, itemId } from '../layout';
import { spellQuestion } from '../question';
import { stylesOfSelected } from '../selection';
import { IRunsState } from '../tokens';
import { GroupHead } from './group';
import { actOnRun } from './keys';
import { IPanelContext } from './panel';
import { useHeights } from './row_heights';
import { RunRow } from './row';
import { useNow } from './signals';
import {
  runsBetween,
  scrollTo,
  useAnchor,
  useLayout,
  useRevealed,
  useWanted,
  useWindow
} from './window';

const NONE: readonly string[] = [];

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
  const held = React.useRef(false);

  const layout = useLayout(state);
  const heights = useHeights(layout, state, grid);
  const [first, last] = useWindow(scroller, heights);
  useAnchor(scroller, heights, spellQuestion(state), layout);
  useRevealed(scroller, heights, layout, state.expanded);
  useWanted(model, props.view, layout, first, last);

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

  React.useEffect(
    () => void model.draw(runsBetween(layout, first, last)),
    [model, layout, first, last, state.sparklines]
  );

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

  React.useEffect(() => {
    // A run that goes takes the focus with it, and no event tells.
    const lost = document.activeElement === document.body;
    if (held.current && lost && toFocus.current === null && layout.length > 0) {
      focus(stop);
    }
  }, [layout]);

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
        const runs = runsBetween(
          layout,
          Math.min(index, to),
          Math.max(index, to)
        );
        model.selectAll(runs.map(run => run.run_id));
      }
      focus(to);
    };
  };

  const styles = stylesOfSelected(model, state.selected);
  const metrics = React.useMemo(
    () => keyMetrics(state.runs, state, settings.metrics),
    [state.runs, state.order, state.columns, settings.metrics]
  );
  const differing = React.useMemo(
    () => differingAmongNamesakes(state.runs),
    [state.runs]
  );
  const seen = React.useRef({ layout, last: -1 });
  seen.current.layout = layout;
  const select = React.useCallback(
    (index: number, selected: boolean, range: boolean) => {
      const { layout, last } = seen.current;
      const [from, to] = range && last >= 0 ? [last, index] : [index, index];
      const runs = runsBetween(layout, Math.min(from, to), Math.max(from, to));
      model.selectAll(
        runs.map(run => run.run_id),
        selected
      );
      seen.current.last = index;
    },
    [model]
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
          groups={state.groups}
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
        metrics={metrics.get(run.experiment) ?? NONE}
        ordered={state.order !== null}
        settingsShown={differing.get(nameKey(run)) ?? NONE}
        onSelect={select}
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
          held.current = to !== null && event.currentTarget.contains(to);
          if (to !== null && !event.currentTarget.contains(to)) {
            toFocus.current = null;
          }
        }}
        onFocus={event => {
          const row = event.target.closest<HTMLElement>('[data-index]');
          held.current = true;
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
