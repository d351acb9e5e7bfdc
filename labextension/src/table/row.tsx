import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { runColour, runEdge } from '../colours';
import { RunSummary } from '../contract';
import { formatAgo, referenceOf } from '../format';
import { pinIcon } from '../icons';
import type { RunsModel } from '../model';
import { StatusIcon, statusText } from '../panel/status';
import { cellTexts, IShownColumn } from './table';

interface IRowProps {
  run: RunSummary | undefined;
  child: boolean;
  index: number;
  top: number;
  columns: readonly IShownColumn[];
  template: string;
  /** The column that can be reached with Tab, -1 for none. */
  focused: number;
  selected: boolean;
  style: number;
  pinned: boolean;
  unfolded: boolean;
  model: RunsModel;
  language: string;
  trans: TranslationBundle;
}

/**
 * One run of the table; without one, the place it will take.
 */
function Row(props: IRowProps): JSX.Element {
  const { run, columns, focused, selected } = props;
  return (
    <div
      role="row"
      className="jp-Mlops-row jp-Mlops-gridRow"
      data-index={props.index}
      data-run-id={run?.run_id}
      data-child={props.child}
      data-selected={selected}
      aria-rowindex={props.index + 2}
      aria-selected={run === undefined ? undefined : selected}
      aria-busy={run === undefined}
      style={
        {
          top: props.top,
          gridTemplateColumns: props.template,
          '--jp-mlops-run': runColour(props.style),
          '--jp-mlops-edge': runEdge(props.style)
        } as React.CSSProperties
      }
    >
      <div
        role="gridcell"
        className="jp-Mlops-nameCell"
        data-column={0}
        aria-colindex={1}
        tabIndex={focused === 0 ? 0 : -1}
        title={run?.name}
      >
        {run !== undefined && <NameCell {...props} run={run} />}
      </div>
      {columns.map((column, place) => (
        <Cell
          key={column.id}
          {...props}
          column={column}
          place={place + 1}
          focusable={focused === place + 1}
        />
      ))}
    </div>
  );
}

export const TableRow = React.memo(Row);

function NameCell(props: IRowProps & { run: RunSummary }): JSX.Element {
  const { model, run, trans, selected } = props;
  const title = referenceOf(run);
  return (
    <>
      <input
        type="checkbox"
        aria-label={trans.__('Select run %1', title)}
        tabIndex={-1}
        checked={selected}
        onChange={event => model.select(run.run_id, event.target.checked)}
      />
      <StatusIcon run={run} trans={trans} />
      <span className="jp-Mlops-number">{title}</span>
      <span className="jp-Mlops-name">{run.name}</span>
      {props.pinned && (
        <span className="jp-Mlops-pin" title={trans.__('Baseline')}>
          <pinIcon.react tag="span" width="12px" aria-hidden="true" />
          <span className="jp-Mlops-unseen">{trans.__('baseline')}</span>
        </span>
      )}
      {run.children > 0 && (
        <button
          className="jp-Mlops-link"
          tabIndex={-1}
          aria-expanded={props.unfolded}
          aria-label={trans._n('%1 child run', '%1 child runs', run.children)}
          title={trans._n('%1 child run', '%1 child runs', run.children)}
          onClick={() => void model.unfold(run.run_id, !props.unfolded)}
        >
          {props.unfolded ? '−' : '+'}
          {run.children}
        </button>
      )}
    </>
  );
}

function Cell(
  props: IRowProps & {
    column: IShownColumn;
    place: number;
    focusable: boolean;
  }
): JSX.Element {
  const { column, run, trans } = props;
  let [text, full] = run === undefined ? ['', ''] : cellTexts(run, column);
  if (run !== undefined && column.id === 'start_time') {
    text = formatAgo(run.start_time, Date.now(), props.language);
    full = new Date(run.start_time).toLocaleString();
  } else if (run !== undefined && column.id === 'status') {
    text = statusText(run, trans);
  }
  return (
    <div
      role="gridcell"
      className="jp-Mlops-cell"
      data-column={props.place}
      data-numeric={column.numeric}
      aria-colindex={props.place + 1}
      tabIndex={props.focusable ? 0 : -1}
      title={full}
    >
      {text}
    </div>
  );
}
