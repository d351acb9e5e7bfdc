import { caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { runColour } from '../colours';
import { Run, RunSummary } from '../contract';
import { formatAgo, formatNumber } from '../format';
import { warningIcon } from '../icons';
import { IProblem } from '../tokens';
import { RunDetails } from './details';
import { IPanelContext } from './panel';
import { StatusIcon, statusText } from './status';

interface IRowProps extends IPanelContext {
  run: RunSummary;
  child: boolean;
  now: number;
  /** Names of the list's metrics, the most common first. */
  metrics: string[];
  focusable: boolean;
  selected: boolean;
  /** Its place among the selected runs, which gives it its colour. */
  place: number;
  expanded: boolean;
  details: Run | IProblem | undefined;
  showExperiment: boolean;
  onFocus: () => void;
  onKeyDown: (event: React.KeyboardEvent) => void;
}

/**
 * One run of the list, and its details where they are shown.
 */
export function RunRow(props: IRowProps): JSX.Element {
  const { model, trans, run, selected, expanded } = props;
  const title = trans.__('#%1', run.number);
  const toggle = (): void => void model.expand(run.run_id, !expanded);
  return (
    <div
      role="row"
      className="jp-Mlops-row"
      data-run-id={run.run_id}
      data-child={props.child}
      data-selected={selected}
      style={
        { '--jp-mlops-run': runColour(props.place) } as React.CSSProperties
      }
      tabIndex={props.focusable ? 0 : -1}
      aria-selected={selected}
      aria-expanded={expanded}
      onFocus={props.onFocus}
      onKeyDown={props.onKeyDown}
    >
      <div className="jp-Mlops-rowHead" onDoubleClick={toggle}>
        <span role="gridcell">
          <input
            type="checkbox"
            aria-label={trans.__('Select run #%1', run.number)}
            tabIndex={props.focusable ? 0 : -1}
            checked={selected}
            onChange={event => model.select(run.run_id, event.target.checked)}
          />
        </span>
        <span role="gridcell" className="jp-Mlops-name" title={run.name}>
          <StatusIcon run={run} trans={trans} />
          <span className="jp-Mlops-number">{title}</span>{' '}
          <span className="jp-Mlops-nameText">{run.name}</span>
        </span>
        <span
          role="gridcell"
          className="jp-Mlops-when"
          title={new Date(run.start_time).toLocaleString()}
        >
          {formatAgo(run.start_time, props.now, props.language)}
        </span>
        <span role="gridcell">
          <button
            className="jp-Mlops-disclose"
            aria-expanded={expanded}
            aria-label={trans.__('Details of run #%1', run.number)}
            tabIndex={props.focusable ? 0 : -1}
            onClick={toggle}
          >
            <caretRightIcon.react tag="span" aria-hidden="true" />
          </button>
        </span>
        <RowFacts {...props} />
      </div>
      {expanded && (
        <div role="gridcell" className="jp-Mlops-details">
          <RunDetails {...props} details={props.details} />
        </div>
      )}
    </div>
  );
}

/**
 * The row's second line: how the run stands if it has not simply finished,
 * its warnings, as many of its key metrics as there is room for.
 */
function RowFacts(props: IRowProps): JSX.Element {
  const { trans, run, metrics } = props;
  const known = metrics.filter(name => name in run.metrics);
  const shown =
    known.length > 0
      ? known
      : Object.keys(run.metrics).slice(0, props.settings.metrics);
  return (
    <span role="gridcell" className="jp-Mlops-facts">
      {props.showExperiment && (
        <span className="jp-Mlops-quiet">{run.experiment}</span>
      )}
      {run.status !== 'FINISHED' && (
        <span className="jp-Mlops-statusText" data-status={run.status}>
          {statusText(run, trans)}
        </span>
      )}
      {run.warning_count > 0 && (
        <span
          className="jp-Mlops-warningCount"
          title={trans._n('%1 warning', '%1 warnings', run.warning_count)}
        >
          <warningIcon.react
            tag="span"
            width="12px"
            height="12px"
            aria-hidden="true"
          />
          {run.warning_count}
          <span className="jp-Mlops-unseen">
            {trans._n('warning', 'warnings', run.warning_count)}
          </span>
        </span>
      )}
      {shown.map(name => (
        <span key={name} className="jp-Mlops-metric">
          <span>{name}</span> <b>{formatNumber(run.metrics[name])}</b>
        </span>
      ))}
    </span>
  );
}
