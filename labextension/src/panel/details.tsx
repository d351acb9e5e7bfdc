import * as React from 'react';

import { CommandIds } from '../commands';
import { Run, RunSummary, RunWarning } from '../contract';
import { formatDuration, formatNumber, formatValue, toNumber } from '../format';
import { IProblem } from '../tokens';
import { IPanelContext } from './panel';
import { Sparklines } from './sparkline';
import { statusText } from './status';

interface IDetailsProps extends IPanelContext {
  run: RunSummary;
  details: Run | IProblem | undefined;
}

/**
 * What is known about a run, and what can be done with it.
 */
export function RunDetails(props: IDetailsProps): JSX.Element {
  const { trans, details } = props;
  if (details === undefined) {
    return <p className="jp-Mlops-quiet">{trans.__('Fetching details…')}</p>;
  }
  if ('message' in details) {
    return (
      <p className="jp-Mlops-error" role="alert">
        {details.message} {details.hint}
      </p>
    );
  }
  return (
    <>
      <p className="jp-Mlops-quiet">{oneLine(props, details)}</p>
      {details.hypothesis && (
        <p>
          <span className="jp-Mlops-quiet">{trans.__('Hypothesis:')}</span>{' '}
          {details.hypothesis}
        </p>
      )}
      {details.note && <p>{details.note}</p>}
      {details.failure !== null && (
        <p className="jp-Mlops-error">
          {details.failure.kind}: {details.failure.message}
          {details.failure.line !== null &&
            ` (${trans.__('line %1', details.failure.line)})`}
        </p>
      )}
      <WarningList warnings={details.warnings} />
      <Facts
        title={trans.__('Metrics')}
        facts={Object.entries(details.metrics).map(([name, value]) => [
          name,
          formatNumber(value, 6),
          String(toNumber(value))
        ])}
      />
      <Sparklines {...props} run={details} />
      <Facts
        title={trans.__('Parameters')}
        facts={Object.entries(details.params).map(([name, value]) => [
          name,
          formatValue(value),
          formatValue(value)
        ])}
      />
      <Facts
        title={trans.__('Data')}
        facts={details.datasets.map(data => [
          data.name,
          trans.__('%1 rows, %2', data.rows, data.role),
          data.location
        ])}
      />
      <Facts
        title={trans.__('Tags')}
        facts={Object.entries(details.tags).map(([name, value]) => [
          name,
          value,
          value
        ])}
      />
      <RunActions {...props} />
    </>
  );
}

function oneLine({ run, trans }: IDetailsProps, details: Run): string {
  const parts = [statusText(run, trans), details.experiment];
  if (details.duration !== null) {
    parts.push(formatDuration(details.duration));
  }
  return parts.join(' · ');
}

/**
 * Warnings of a run: what was seen and what to do about it.
 */
export function WarningList(props: {
  warnings: readonly RunWarning[];
}): JSX.Element | null {
  if (props.warnings.length === 0) {
    return null;
  }
  return (
    <ul className="jp-Mlops-warnings">
      {props.warnings.map((warning, index) => (
        <li key={index} data-severity={warning.severity}>
          {warning.message}{' '}
          <span className="jp-Mlops-quiet">{warning.hint}</span>
        </li>
      ))}
    </ul>
  );
}

/**
 * Names with their values; the full value is the tooltip.
 */
function Facts(props: {
  title: string;
  facts: [string, string, string][];
}): JSX.Element | null {
  if (props.facts.length === 0) {
    return null;
  }
  return (
    <>
      <h4>{props.title}</h4>
      <dl>
        {props.facts.map(([name, value, full]) => (
          <React.Fragment key={name}>
            <dt title={name}>{breakable(name)}</dt>
            <dd title={full}>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
    </>
  );
}

/**
 * A name that may break where it nests: `model__step__setting`. Its end, which
 * tells such names apart, is always to be seen.
 */
function breakable(name: string): React.ReactNode[] {
  return name.split(/(?<=__)/).map((piece, index) => (
    <React.Fragment key={index}>
      {index > 0 && <wbr />}
      {piece}
    </React.Fragment>
  ));
}

function RunActions({ commands, run, trans }: IDetailsProps): JSX.Element {
  const act = (command: string) => () =>
    void commands.execute(command, { run_id: run.run_id });
  return (
    <div className="jp-Mlops-rowActions">
      <button
        className="jp-Mlops-link"
        onClick={act(CommandIds.openAsNotebook)}
      >
        {trans.__('Open as notebook')}
      </button>
      <button className="jp-Mlops-link" onClick={act(CommandIds.renameRun)}>
        {trans.__('Rename')}
      </button>
      <button className="jp-Mlops-link" onClick={act(CommandIds.deleteRun)}>
        {trans.__('Delete')}
      </button>
    </div>
  );
}
