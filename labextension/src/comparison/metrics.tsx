import * as React from 'react';

import { MetricRow } from '../contract';
import { formatAlike, formatChange, toNumber } from '../format';
import { warningIcon } from '../icons';
import { ISectionProps } from './comparison';
import { RunColumns } from './run_name';
import { sentenceWithCode } from './sentence';

/**
 * The metrics side by side, the best marked, with the change to the reference.
 */
export function Metrics(props: ISectionProps): JSX.Element {
  const { comparison, trans } = props;
  return (
    <section aria-label={trans.__('Metrics')}>
      <h2>{trans.__('Metrics')}</h2>
      {comparison.metrics.length === 0 ? (
        <p className="jp-Mlops-quiet">
          {trans.__('None of these runs has a metric.')}
        </p>
      ) : (
        <div className="jp-Mlops-wide">
          <table className="jp-Mlops-table">
            <RunColumns {...props} corner={trans.__('Metric')} />
            <tbody>
              {comparison.metrics.map(row => (
                <Metric key={row.name} {...props} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Reasons {...props} />
    </section>
  );
}

/**
 * Why metrics are not comparable, each reason once.
 */
function Reasons({ comparison, trans }: ISectionProps): JSX.Element | null {
  const byReason = new Map<string, string[]>();
  for (const row of comparison.metrics) {
    if (!row.comparable && row.reason) {
      byReason.set(row.reason, [...(byReason.get(row.reason) ?? []), row.name]);
    }
  }
  if (byReason.size === 0) {
    return null;
  }
  return (
    <ul className="jp-Mlops-warnings">
      {[...byReason].map(([reason, names]) => (
        <li key={reason}>
          {trans.__('Not comparable: %1.', names.join(', '))}{' '}
          <span className="jp-Mlops-quiet">{sentenceWithCode(reason)}</span>
        </li>
      ))}
    </ul>
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
        if (place === -1) {
          return (
            <td key={run.run_id} className="jp-Mlops-absent">
              –
            </td>
          );
        }
        const best = row.best === run.run_id;
        return (
          <td
            key={run.run_id}
            data-best={best}
            title={String(toNumber(row.values[run.run_id]))}
          >
            <span className="jp-Mlops-value">{texts[place]}</span>
            {best && <span className="jp-Mlops-best">{trans.__('best')}</span>}
            <Change {...props} runId={run.run_id} />
          </td>
        );
      })}
    </tr>
  );
}

function Direction({
  row,
  trans
}: ISectionProps & { row: MetricRow }): JSX.Element | null {
  if (row.higher_is_better === null) {
    return null;
  }
  const words = row.higher_is_better
    ? trans.__('higher is better')
    : trans.__('lower is better');
  return (
    <span className="jp-Mlops-direction" title={words}>
      <span aria-hidden="true">{row.higher_is_better ? '↑' : '↓'}</span>
      <span className="jp-Mlops-unseen">{words}</span>
    </span>
  );
}

function Change(
  props: ISectionProps & { row: MetricRow; runId: string }
): JSX.Element | null {
  const { comparison, row, runId } = props;
  if (runId === comparison.reference || !(runId in row.changes)) {
    return null;
  }
  const change = toNumber(row.changes[runId]);
  const judged =
    row.comparable &&
    row.higher_is_better !== null &&
    change !== 0 &&
    Number.isFinite(change);
  const good = judged && change > 0 === row.higher_is_better;
  return (
    <span
      className="jp-Mlops-change"
      data-good={judged ? String(good) : undefined}
    >
      {formatChange(change)}
    </span>
  );
}
