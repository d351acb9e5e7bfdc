import { caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { runColour, runEdge } from '../colours';
import { Run, RunSummary, Sparkline } from '../contract';
import {
  formatAgo,
  formatNumber,
  formatValue,
  referenceOf,
  toNumber
} from '../format';
import { pinIcon, warningIcon } from '../icons';
import { IProblem } from '../tokens';
import { RunDetails } from './details';
import { IPanelContext } from './panel';
import { SmallCurve } from './sparkline';
import { StatusIcon, statusText } from './status';

/** How many parameters that tell runs of one name apart a row shows. */
const SETTINGS = 2;

interface IRowProps extends IPanelContext {
  run: RunSummary;
  index: number;
  top: number;
  level: number;
  now: number;
  /** Names of the metrics to show, the most telling first. */
  metrics: readonly string[];
  /** Whether the list is ordered by anything but time, its first metric perhaps. */
  ordered: boolean;
  /** Names of the parameters that tell it from runs of its name. */
  settingsShown: readonly string[];
  /** Called with its index, whether it is selected now, and whether all up to it. */
  onSelect: (index: number, selected: boolean, range: boolean) => void;
  focusable: boolean;
  selected: boolean;
  /** Which colour it has while it is selected: see `runStyles`. */
  style: number;
  pinned: boolean;
  expanded: boolean;
  unfolded: boolean;
  details: Run | IProblem | undefined;
  sparkline: Sparkline | undefined;
  showExperiment: boolean;
}

/**
 * One run of the list, and its details where they are shown.
 */
function Row(props: IRowProps): JSX.Element {
  const { model, trans, run, selected, expanded } = props;
  const title = referenceOf(run);
  const toggle = (): void => void model.expand(run.run_id, !expanded);
  const onClick = (event: React.MouseEvent): void => {
    const onControl = (event.target as HTMLElement).closest('button, input');
    if (onControl !== null || event.detail > 1) {
      return; // a double click opens as a single one does, and does not close again
    }
    if (event.shiftKey) {
      props.onSelect(props.index, true, true);
    } else if (event.ctrlKey || event.metaKey) {
      props.onSelect(props.index, !selected, false);
    } else {
      toggle();
    }
  };
  const full = [
    ...Object.entries(run.metrics).map(
      ([name, value]) => `${name} ${toNumber(value)}`
    ),
    ...props.settingsShown
      .filter(name => name in run.params)
      .map(name => `${name} = ${formatValue(run.params[name])}`)
  ].join('\n');
  return (
    <div
      role="row"
      className="jp-Mlops-row"
      data-index={props.index}
      data-run-id={run.run_id}
      data-child={props.level > 1 && run.parent_id !== ''}
      data-plain={!expanded}
      data-selected={selected}
      style={
        {
          top: props.top,
          '--jp-mlops-run': runColour(props.style),
          '--jp-mlops-edge': runEdge(props.style)
        } as React.CSSProperties
      }
      tabIndex={props.focusable ? 0 : -1}
      aria-rowindex={props.index + 1}
      aria-level={props.level}
      aria-selected={selected}
      aria-expanded={expanded}
    >
      <div
        role="presentation"
        className="jp-Mlops-rowHead"
        onMouseDown={event => {
          if (event.shiftKey) {
            event.preventDefault(); // or it would select the text between
          }
        }}
        onClick={onClick}
      >
        <span role="gridcell" className="jp-Mlops-check">
          <input
            type="checkbox"
            aria-label={trans.__('Select run %1', title)}
            tabIndex={props.focusable ? 0 : -1}
            checked={selected}
            onChange={event =>
              props.onSelect(
                props.index,
                event.target.checked,
                (event.nativeEvent as MouseEvent).shiftKey
              )
            }
          />
        </span>
        <span
          role="gridcell"
          className="jp-Mlops-name"
          title={run.note === '' ? run.name : `${run.name}\n${run.note}`}
        >
          <StatusIcon run={run} trans={trans} />
          <span className="jp-Mlops-number">{title}</span>{' '}
          <span className="jp-Mlops-nameText">{run.name}</span>
          {props.pinned && (
            <span className="jp-Mlops-pin" title={trans.__('Baseline')}>
              <pinIcon.react
                tag="span"
                width="12px"
                height="12px"
                aria-hidden="true"
              />
              <span className="jp-Mlops-unseen">{trans.__('baseline')}</span>
            </span>
          )}
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
            aria-label={trans.__('Details of run %1', title)}
            tabIndex={props.focusable ? 0 : -1}
            onClick={toggle}
          >
            <caretRightIcon.react tag="span" aria-hidden="true" />
          </button>
        </span>
        <span role="presentation" className="jp-Mlops-secondLine">
          <RowFacts {...props} full={full} />
          <span role="gridcell" className="jp-Mlops-small">
            {props.sparkline !== undefined && (
              <SmallCurve sparkline={props.sparkline} trans={trans} />
            )}
          </span>
        </span>
      </div>
      {expanded && (
        <div role="gridcell" className="jp-Mlops-details">
          <RunDetails {...props} details={props.details} />
        </div>
      )}
    </div>
  );
}

export const RunRow = React.memo(Row);

/**
 * The row's second line: how the run stands if it has not simply finished, its
 * warnings, as many of its key metrics as there is room for, then what tells it
 * from others of its name. All of them, at
 * full precision, are the tooltip.
 */
function RowFacts(props: IRowProps & { full: string }): JSX.Element {
  const { model, trans, run, metrics } = props;
  const { metrics: most } = props.settings;
  const known = metrics.filter(name => name in run.metrics);
  const drawn = props.sparkline?.metric ?? '';
  // The number that stands beside the small curve is the curve's.
  const shown =
    !props.ordered && drawn in run.metrics && most > 0
      ? [drawn, ...known.filter(name => name !== drawn)].slice(0, most)
      : known.length > 0
        ? known
        : Object.keys(run.metrics).slice(0, most);
  const showMetric = (name: string): JSX.Element => (
    <span key={name} className="jp-Mlops-metric">
      <span>{name}</span> <b>{formatNumber(run.metrics[name])}</b>
    </span>
  );
  return (
    <span role="gridcell" className="jp-Mlops-facts" title={props.full}>
      <span className="jp-Mlops-lead">
        {run.children > 0 && (
          <button
            className="jp-Mlops-link"
            aria-expanded={props.unfolded}
            tabIndex={props.focusable ? 0 : -1}
            onClick={() => void model.unfold(run.run_id, !props.unfolded)}
          >
            {trans._n('%1 child run', '%1 child runs', run.children)}
          </button>
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
        {props.showExperiment && (
          <span className="jp-Mlops-quiet jp-Mlops-experiment">
            {run.experiment}
          </span>
        )}
        {shown.slice(0, 1).map(showMetric)}
      </span>
      {shown.slice(1).map(showMetric)}
      {props.settingsShown
        .filter(name => name in run.params)
        .slice(0, SETTINGS)
        .map(name => (
          <span key={`setting ${name}`} className="jp-Mlops-metric">
            {name} <i>{formatValue(run.params[name])}</i>
          </span>
        ))}
    </span>
  );
}
