import * as React from 'react';

import {
  IColumn,
  isNumeric,
  nextOrder,
  parseColumn,
  valueIn,
  writerOf
} from '../columns';
import { RunSummary } from '../contract';
import { formatValue } from '../format';
import { Heights } from '../heights';
import { IItem } from '../layout';
import { stylesOfSelected } from '../selection';
import { GroupHead } from '../panel/group';
import { actOnRun } from '../panel/keys';
import { IPanelContext } from '../panel/panel';
import {
  scrollTo,
  useAnchor,
  useLayout,
  useWanted,
  useWindow
} from '../panel/window';
import { spellQuestion } from '../question';
import { IRunsState } from '../tokens';
import { columnTitle } from './chooser';
import { HeadCell } from './head';
import { TableRow } from './row';

const ROW_HEIGHT = 28;
const HEAD_HEIGHT = 30;
const NAME: IColumn = { id: 'name', kind: 'attributes', name: 'name' };
const NAME_WIDTH = 230;
const NUMBER_WIDTH = 112;
const TEXT_WIDTH = 150;

/**
 * A column as the table shows it.
 */
export interface IShownColumn extends IColumn {
  readonly title: string;
  readonly numeric: boolean;
  readonly width: number;
  readonly write: (value: unknown) => string;
}

/**
 * Every run a row, of which only those that are seen are rendered: a grid walked
 * cell by cell with the arrow keys; Enter on a head orders by it.
 */
export function Table(
  props: IPanelContext & { state: IRunsState; columns: readonly string[] }
): JSX.Element {
  const { model, trans, state, columns } = props;
  const scroller = React.useRef<HTMLDivElement>(null);
  const [at, setAt] = React.useState({ row: -1, column: 0 });
  const toFocus = React.useRef(false);

  const layout = useLayout(state);
  const heights = React.useMemo(
    () => new Heights(layout.length, ROW_HEIGHT),
    [layout]
  );
  const [first, last] = useWindow(scroller, heights, HEAD_HEIGHT);
  useAnchor(scroller, heights, spellQuestion(state), layout);
  useWanted(model, props.view, layout, first, last);

  const shown = React.useMemo(
    () =>
      columns.map(id => {
        const column = parseColumn(id);
        const numeric = isNumeric(column, state.runs);
        const usual = numeric ? NUMBER_WIDTH : TEXT_WIDTH;
        return {
          ...column,
          title: columnTitle(column, trans),
          numeric,
          width: state.widths[id] ?? usual,
          write: writerOf(column, state.runs)
        };
      }),
    [columns, state.runs, state.widths, trans]
  );
  const nameWidth = state.widths['name'] ?? NAME_WIDTH;
  const template = [nameWidth, ...shown.map(column => column.width)]
    .map(width => `${width}px`)
    .join(' ');
  const total = shown.reduce((sum, { width }) => sum + width, nameWidth);

  const focus = (row: number, column: number): void => {
    const next = {
      row: Math.min(Math.max(row, -1), layout.length - 1),
      column: Math.min(Math.max(column, 0), shown.length)
    };
    if (scroller.current !== null && next.row >= 0) {
      scrollTo(scroller.current, heights, next.row, HEAD_HEIGHT);
    }
    toFocus.current = true;
    setAt(next);
  };
  React.useEffect(() => {
    if (!toFocus.current) {
      return;
    }
    const cell = scroller.current?.querySelector<HTMLElement>(
      `[data-index="${at.row}"] [data-column="${at.column}"]`
    );
    if (cell) {
      // The run that takes the place of a placeholder takes the focus, too.
      const row = cell.closest('[data-index]');
      toFocus.current = row?.getAttribute('aria-busy') === 'true';
      cell.focus({ preventScroll: at.row < 0 });
      cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  });

  const order = (column: IColumn): void =>
    void model.setOrder(
      nextOrder(state.order, column, state.fields.lower_is_better)
    );
  const onKeyDown = (event: React.KeyboardEvent<HTMLElement>): void => {
    const cell = event.target as HTMLElement;
    if (cell.dataset['column'] === undefined) {
      return;
    }
    const row = Number(
      cell.closest<HTMLElement>('[data-index]')?.dataset['index']
    );
    const column = Number(cell.dataset['column']);
    const screen = Math.max(last - first - 12, 1);
    const jump = event.ctrlKey || event.metaKey;
    const steps: Record<string, [number, number]> = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + screen, column],
      PageUp: [Math.max(row - screen, 0), column],
      Home: [jump ? 0 : row, 0],
      End: [jump ? layout.length - 1 : row, shown.length]
    };
    const step = steps[event.key];
    let act: (() => void) | undefined;
    if (step !== undefined) {
      act = () => focus(...step);
    } else if (row < 0) {
      const sorted = column === 0 ? NAME : shown[column - 1];
      act =
        event.key === 'Enter' || event.key === ' '
          ? () => order(sorted)
          : undefined;
    } else {
      act = onItem(props, layout.at(row), event);
    }
    if (act !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  };

  const styles = stylesOfSelected(model, state.selected);
  const stop = at.row >= layout.length ? 0 : at.row;
  const indices: number[] = [];
  for (let index = first; index <= last && index < layout.length; index++) {
    indices.push(index);
  }
  if (stop >= 0 && (stop < first || stop > last)) {
    indices.push(stop);
  }
  const renderItem = (item: IItem, index: number): JSX.Element => {
    const top = heights.top(index);
    if (item.kind === 'group') {
      return (
        <GroupHead
          key={item.key}
          item={item}
          by={state.groupBy ?? ''}
          groups={state.groups}
          index={index}
          top={top}
          focusable={index === stop}
          cell
          trans={trans}
          onFold={() => model.foldGroup(item.key, !item.folded)}
        />
      );
    }
    return (
      <TableRow
        key={item.run?.run_id ?? `place ${index}`}
        run={item.run}
        child={item.kind === 'child'}
        index={index}
        top={top}
        columns={shown}
        template={template}
        focused={index === stop ? at.column : -1}
        selected={
          item.run !== undefined && state.selected.includes(item.run.run_id)
        }
        style={styles.get(item.run?.run_id ?? '') ?? 0}
        pinned={state.baselines.some(
          other => other.run_id === item.run?.run_id
        )}
        unfolded={item.run !== undefined && state.children.has(item.run.run_id)}
        model={model}
        language={props.language}
        trans={trans}
      />
    );
  };

  return (
    <div ref={scroller} className="jp-Mlops-tableScroll">
      <div
        className="jp-Mlops-grid"
        role="grid"
        aria-label={trans.__('All runs')}
        aria-multiselectable="true"
        aria-rowcount={layout.length + 1}
        aria-colcount={shown.length + 1}
        style={{ width: total, minWidth: '100%' }}
        onKeyDown={onKeyDown}
        onBlur={event => {
          const to = event.relatedTarget;
          if (to !== null && !event.currentTarget.contains(to)) {
            toFocus.current = false;
          }
        }}
        onFocus={event => {
          const cell = event.target.closest<HTMLElement>('[data-column]');
          const row = event.target.closest<HTMLElement>('[data-index]');
          if (cell !== null && row !== null) {
            const next = {
              row: Number(row.dataset['index']),
              column: Number(cell.dataset['column'])
            };
            if (next.row !== at.row || next.column !== at.column) {
              setAt(next);
            }
          }
        }}
      >
        <div
          role="row"
          className="jp-Mlops-gridHead"
          data-index={-1}
          aria-rowindex={1}
          style={{ gridTemplateColumns: template }}
        >
          {[
            {
              ...NAME,
              title: trans.__('Run'),
              numeric: false,
              width: nameWidth
            },
            ...shown
          ].map((column, place) => (
            <HeadCell
              key={column.id}
              column={column}
              place={place}
              order={state.order}
              focusable={stop === -1 && at.column === place}
              trans={trans}
              onOrder={() => order(column)}
              onWidth={width => model.setWidth(column.id, width)}
            />
          ))}
        </div>
        <div
          role="presentation"
          className="jp-Mlops-gridBody"
          style={{ height: heights.total }}
        >
          {indices.map(index => renderItem(layout.at(index), index))}
        </div>
      </div>
    </div>
  );
}

/**
 * What a key does to a row that is no step to another cell.
 */
function onItem(
  props: IPanelContext,
  item: IItem,
  event: React.KeyboardEvent
): (() => void) | undefined {
  const { model } = props;
  if (item.kind === 'group') {
    return event.key === 'Enter' || event.key === ' '
      ? () => model.foldGroup(item.key, !item.folded)
      : undefined;
  }
  const { run } = item;
  if (run === undefined) {
    return undefined;
  }
  if (event.key === 'Enter') {
    return run.children > 0
      ? () =>
          void model.unfold(run.run_id, !model.state.children.has(run.run_id))
      : () => model.select(run.run_id, !isSelected(props, run));
  }
  return actOnRun(props, run, event);
}

function isSelected({ model }: IPanelContext, run: RunSummary): boolean {
  return model.state.selected.includes(run.run_id);
}

/**
 * A cell's text, and in full for its tooltip.
 */
export function cellTexts(
  run: RunSummary,
  column: IShownColumn
): [string, string] {
  const value = valueIn(run, column);
  if (value === undefined) {
    return ['', ''];
  }
  const full = typeof value === 'number' ? String(value) : formatValue(value);
  return [column.write(value), `${column.title}: ${full}`];
}
