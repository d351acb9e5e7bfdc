import * as React from 'react';

import { MetricRow } from '../contract';
import { formatAlike, formatChange, formatNumber, toNumber } from '../format';
import { warningIcon } from '../icons';
import { useFirst } from '../panel/more';
import { Direction } from './direction';
import { RunColumns } from './run_name';
import {
  isBroad,
  isPicked,
  ISectionProps,
  joinLabels,
  labelOf,
  Section
} from './section';
import { sentenceWithCode } from './sentence';

/** How many metrics are shown at first. */
const ROWS = 20;

/**
 * The metrics side by side, the best marked, with the change to the reference
 * and how sure that is.
 */
export function Metrics(props: ISectionProps): JSX.Element {
  const { comparison, trans } = props;
  const [rows, more] = useFirst(comparison.metrics, ROWS, trans);
  return (
    <Section title={trans.__('Metrics')} broad={isBroad(comparison)}>
      {comparison.metrics.length === 0 ? (
        <p className="jp-Mlops-quiet">
          {trans.__('None of these runs has a metric.')}
        </p>
      ) : (
        <div className="jp-Mlops-wide">
          <table className="jp-Mlops-table">
            <RunColumns {...props} corner={trans.__('Metric')} />
            <tbody>
              {rows.map(row => (
                <Metric key={row.name} {...props} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more}
      <Reasons {...props} />
    </Section>
  );
}

/**
 * Why metrics are not comparable, each reason once, and a way out where
 * predictions were kept.
 */
export function Reasons(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  const byReason = new Map<string, MetricRow[]>();
  for (const row of comparison.metrics) {
    if (!row.comparable && row.reason) {
      const reason = JSON.stringify([row.reason, row.apart]);
      byReason.set(reason, [...(byReason.get(reason) ?? []), row]);
    }
  }
  if (byReason.size === 0) {
    return null;
  }
  return (
    <ul className="jp-Mlops-warnings">
      {[...byReason].map(([reason, rows]) => (
        <li key={reason}>
          {trans.__(
            'Not comparable: %1.',
            rows.map(row => row.name).join(', ')
          )}{' '}
          <Why {...props} row={rows[0]} />
          {rows.map(row => (
            <Rescored key={row.name} {...props} row={row} />
          ))}
        </li>
      ))}
    </ul>
  );
}

/**
 * Why a metric does not compare: of three or more runs, which for what reason.
 */
function Why(props: ISectionProps & { row: MetricRow }): JSX.Element {
  const { comparison, row, trans } = props;
  const apart = comparison.runs.filter(run => run.run_id in row.apart);
  if (comparison.runs.length < 3 || apart.length === 0) {
    return (
      <span className="jp-Mlops-quiet">{sentenceWithCode(row.reason)}</span>
    );
  }
  const reasons = [...new Set(apart.map(run => row.apart[run.run_id]))];
  return (
    <ul className="jp-Mlops-reasons">
      {reasons.map(reason => (
        <li key={reason}>
          {joinLabels(
            apart.filter(run => row.apart[run.run_id] === reason).map(labelOf),
            trans
          )}
          : <span className="jp-Mlops-quiet">{sentenceWithCode(reason)}</span>
        </li>
      ))}
    </ul>
  );
}

/**
 * The metric over the rows that all runs predicted, on demand.
 */
function Rescored(
  props: ISectionProps & { row: MetricRow }
): JSX.Element | null {
  const { comparison, row, trans } = props;
  const [shown, setShown] = React.useState(false);
  const runs = comparison.runs.filter(run => run.run_id in row.rescored);
  if (runs.length < 2) {
    return null;
  }
  const texts = formatAlike(runs.map(run => row.rescored[run.run_id]));
  return (
    <div className="jp-Mlops-rescored">
      <button
        className="jp-mod-styled"
        aria-expanded={shown}
        onClick={() => setShown(!shown)}
      >
        {trans.__('Rescore %1 on the rows they share', row.name)}
      </button>
      {shown && (
        <dl role="status">
          {runs.map((run, place) => (
            <React.Fragment key={run.run_id}>
              <dt>{`${labelOf(run)} ${run.name}`}</dt>
              <dd title={String(toNumber(row.rescored[run.run_id]))}>
                {texts[place]}{' '}
                <span className="jp-Mlops-quiet">
                  {row.effects[run.run_id]?.sentence}
                </span>
              </dd>
            </React.Fragment>
          ))}
        </dl>
      )}
    </div>
  );
}

function Metric(props: ISectionProps & { row: MetricRow }): JSX.Element {
  const { comparison, row, trans } = props;
  const present = comparison.runs.filter(run => run.run_id in row.values);
  const texts = formatAlike(present.map(run => row.values[run.run_id]));
  return (
    <tr data-comparable={row.comparable}>
      <th scope="row">
        {row.name}
        <Direction {...props} />
        {!row.comparable && (
          <span className="jp-Mlops-incomparable" title={row.reason}>
            <warningIcon.react
              tag="span"
              width="12px"
              height="12px"
              aria-hidden="true"
            />
            {trans.__('not comparable')}
          </span>
        )}
      </th>
      {comparison.runs.map(run => {
        const place = present.indexOf(run);
        return (
          <MetricCell
            key={run.run_id}
            {...props}
            runId={run.run_id}
            text={place === -1 ? null : texts[place]}
          />
        );
      })}
    </tr>
  );
}

/**
 * One number: the best marked, its change and how sure that is below it.
 */
export function MetricCell(
  props: ISectionProps & {
    row: MetricRow;
    runId: string;
    text: string | null;
    /** How many characters the longest number of its column has. */
    width?: number;
  }
): JSX.Element {
  const { picked, row, runId, text, trans } = props;
  if (text === null) {
    return <td className="jp-Mlops-absent">–</td>;
  }
  const best =
    row.best !== '' &&
    !(runId in row.apart) &&
    toNumber(row.values[runId]) === toNumber(row.values[row.best]);
  return (
    <td
      data-best={best}
      data-picked={isPicked(picked, runId)}
      data-apart={runId in row.apart}
      title={[String(toNumber(row.values[runId])), row.apart[runId]]
        .filter(Boolean)
        .join('\n')}
    >
      <span
        className="jp-Mlops-value"
        style={
          props.width === undefined
            ? undefined
            : { minWidth: `${props.width + 1}ch` }
        }
      >
        {text}
      </span>
      {best && <span className="jp-Mlops-best">{trans.__('best')}</span>}
      <Change {...props} />
    </td>
  );
}

function Change(
  props: ISectionProps & { row: MetricRow; runId: string }
): JSX.Element | null {
  const { comparison, row, runId } = props;
  if (
    runId === comparison.reference ||
    !(runId in row.changes) ||
    runId in row.apart
  ) {
    return null;
  }
  const change = toNumber(row.changes[runId]);
  const effect = row.effects[runId];
  const judged =
    !(runId in row.apart) &&
    row.higher_is_better !== null &&
    change !== 0 &&
    Number.isFinite(change) &&
    !['noise', 'too few'].includes(effect?.verdict ?? '');
  const good = judged && change > 0 === row.higher_is_better;
  return (
    <span
      className="jp-Mlops-change"
      data-good={judged ? String(good) : undefined}
    >
      {formatChange(change)}
      <Sureness {...props} />
    </span>
  );
}

/**
 * The interval of a change, and whether it is more than noise.
 */
function Sureness(
  props: ISectionProps & { row: MetricRow; runId: string }
): JSX.Element | null {
  const { row, runId, trans } = props;
  const effect = row.effects[runId];
  if (effect === undefined) {
    return null;
  }
  const words: Record<string, string> = {
    noise: trans.__('noise'),
    'too few': trans.__('too few to tell')
  };
  const p =
    effect.p_value === null
      ? ''
      : trans.__(', p = %1', formatNumber(effect.p_value, 2));
  return (
    <span
      className="jp-Mlops-sureness"
      title={`${effect.sentence} (${effect.method}${p})`}
    >
      <span className="jp-Mlops-interval">{effect.interval}</span>
      {effect.verdict in words && (
        <span className="jp-Mlops-noise">{words[effect.verdict]}</span>
      )}
    </span>
  );
}
