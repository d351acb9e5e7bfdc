import * as React from 'react';

import { MetricRow, RunSummary } from '../contract';
import { formatAlike, formatDuration, formatValue, toNumber } from '../format';
import { Direction } from './direction';
import { MetricCell, Reasons } from './metrics';
import { RunName } from './run_name';
import { isPicked, ISectionProps, Section } from './section';

type Order = { key: string; descending: boolean };

/**
 * Many runs as rows: their metrics, the parameters that differ and how long
 * they took, sorted by any column and linked with the charts.
 */
export function RunTable(props: ISectionProps): JSX.Element {
  const { comparison, picked, onPick, trans } = props;
  const [order, setOrder] = React.useState<Order | null>(null);
  const params = comparison.params.filter(row => row.differs);
  const texts = new Map(
    comparison.metrics.map(row => [row.name, textsOf(comparison.runs, row)])
  );
  const runs = React.useMemo(() => sorted(props, order), [comparison, order]);
  const head = (key: string, label: React.ReactNode): JSX.Element => (
    <th
      key={key}
      scope="col"
      data-metric={key.startsWith('m:')}
      aria-sort={
        order?.key !== key
          ? undefined
          : order.descending
            ? 'descending'
            : 'ascending'
      }
    >
      <button
        className="jp-Mlops-sort"
        onClick={() =>
          setOrder({
            key,
            descending:
              order?.key === key ? !order.descending : highestFirst(props, key)
          })
        }
      >
        {label}
        <span aria-hidden="true">
          {order?.key === key ? (order.descending ? ' ▾' : ' ▴') : ''}
        </span>
      </button>
      {key.startsWith('m:') && (
        <Direction {...props} row={metricNamed(props, key.slice(2))} />
      )}
    </th>
  );
  return (
    <Section
      title={trans.__('Runs')}
      broad
      note={
        picked === null
          ? undefined
          : trans.__('%1 of %2 picked', picked.size, comparison.runs.length)
      }
    >
      {picked !== null && (
        <button className="jp-mod-styled" onClick={() => onPick(null)}>
          {trans.__('Pick all')}
        </button>
      )}
      <Reasons {...props} />
      <div
        className="jp-Mlops-wide jp-mod-tall"
        tabIndex={0}
        role="group"
        aria-label={trans.__('Table of runs')}
      >
        <table className="jp-Mlops-table jp-mod-runs">
          <thead>
            <tr>
              {head('run', trans.__('Run'))}
              {comparison.metrics.map(row => head(`m:${row.name}`, row.name))}
              {params.map(row => head(`p:${row.name}`, row.name))}
              {head('duration', trans.__('Duration'))}
            </tr>
          </thead>
          <tbody>
            {runs.map(run => (
              <tr
                key={run.run_id}
                data-picked={isPicked(picked, run.run_id)}
                data-reference={run.run_id === comparison.reference}
              >
                <th scope="row">
                  <RunName {...props} run={run} />
                  {run.run_id === comparison.reference && (
                    <span className="jp-Mlops-quiet">
                      {' '}
                      {trans.__('reference')}
                    </span>
                  )}
                </th>
                {comparison.metrics.map(row => (
                  <MetricCell
                    key={row.name}
                    {...props}
                    row={row}
                    runId={run.run_id}
                    text={texts.get(row.name)?.get(run.run_id) ?? null}
                    width={Math.max(
                      ...[...(texts.get(row.name)?.values() ?? [])].map(
                        text => text.length
                      ),
                      0
                    )}
                  />
                ))}
                {params.map(row =>
                  run.run_id in row.values ? (
                    <td
                      key={row.name}
                      title={JSON.stringify(row.values[run.run_id])}
                    >
                      {formatValue(row.values[run.run_id])}
                    </td>
                  ) : (
                    <td key={row.name} className="jp-Mlops-absent">
                      –
                    </td>
                  )
                )}
                <td title={run.duration === null ? '' : `${run.duration} s`}>
                  {run.duration === null ? '–' : formatDuration(run.duration)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function textsOf(
  runs: readonly RunSummary[],
  row: MetricRow
): Map<string, string> {
  const present = runs.filter(run => run.run_id in row.values);
  const texts = formatAlike(present.map(run => row.values[run.run_id]));
  return new Map(present.map((run, place) => [run.run_id, texts[place]]));
}

function metricNamed({ comparison }: ISectionProps, name: string): MetricRow {
  return comparison.metrics.find(row => row.name === name) as MetricRow;
}

/**
 * Which way a column is ordered first: the best on top, as far as that is known.
 */
function highestFirst(props: ISectionProps, key: string): boolean {
  return (
    !key.startsWith('m:') ||
    metricNamed(props, key.slice(2)).higher_is_better !== false
  );
}

function sorted(
  props: ISectionProps,
  order: Order | null
): readonly RunSummary[] {
  const { comparison } = props;
  if (order === null) {
    return comparison.runs;
  }
  const { key, descending } = order;
  const value = (run: RunSummary): unknown => {
    if (key === 'run') {
      return run.number;
    }
    if (key === 'duration') {
      return run.duration === null ? undefined : toNumber(run.duration);
    }
    if (key.startsWith('m:')) {
      const values = metricNamed(props, key.slice(2)).values;
      return run.run_id in values ? toNumber(values[run.run_id]) : undefined;
    }
    return comparison.params.find(row => row.name === key.slice(2))?.values[
      run.run_id
    ];
  };
  const sign = descending ? -1 : 1;
  return [...comparison.runs].sort((first, second) => {
    const [one, two] = [value(first), value(second)];
    if (one === undefined || two === undefined) {
      return one === two ? 0 : one === undefined ? 1 : -1; // the absent last
    }
    return (
      sign *
      (typeof one === 'number' && typeof two === 'number'
        ? one - two
        : formatValue(one).localeCompare(formatValue(two), undefined, {
            numeric: true
          }))
    );
  });
}
