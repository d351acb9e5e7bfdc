import * as React from 'react';

import { formatNumber, formatValue, toNumber } from '../format';
import { Axes, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH } from './axes';
import { Dot } from './dot';
import { scaleFor, Value } from './scales';
import { isPicked, ISectionProps, labelOf } from './section';

/**
 * The best so far, run by run in the order they were made, and by what idea.
 */
export function Frontier(
  props: ISectionProps & { metric: string }
): JSX.Element | null {
  const { comparison, metric, trans } = props;
  const [only, setOnly] = React.useState(false);
  const points = comparison.frontiers[metric];
  if (points === undefined) {
    return null;
  }
  const shown = only ? points.filter(point => point.best) : points;
  const y = scaleFor(points.map(point => point.value));
  const bottom = HEIGHT - BOTTOM;
  const xOf = (place: number): number =>
    LEFT + ((place + 0.5) / shown.length) * (WIDTH - LEFT - RIGHT);
  const yOf = (value: Value): number =>
    bottom - (y.place(value) ?? 0) * (bottom - TOP);
  let steps = '';
  shown.forEach((point, place) => {
    if (point.best) {
      steps += steps === '' ? `M${xOf(place)} ` : `H${xOf(place)}V`;
      steps += yOf(point.value).toFixed(1);
    }
  });
  steps += `H${WIDTH - RIGHT}`;
  const runs = new Map(comparison.runs.map(run => [run.run_id, run]));
  return (
    <figure className="jp-Mlops-chart">
      <figcaption>
        {trans.__('Best %1 so far', metric)}{' '}
        <label className="jp-Mlops-toggle">
          <input
            type="checkbox"
            checked={only}
            onChange={event => setOnly(event.target.checked)}
          />
          {trans.__('Only new bests')}
        </label>
      </figcaption>
      <svg
        className="jp-Mlops-plot"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="group"
        aria-label={trans.__('Best %1 so far', metric)}
      >
        <Axes
          x={{ place: () => null, ticks: [] }}
          y={y}
          across={trans.__('runs in the order they were made')}
          up={metric}
        />
        <path className="jp-Mlops-frontier" d={steps} />
        {shown.map((point, place) => {
          const run = runs.get(point.run_id);
          return run === undefined ? null : (
            <Dot
              key={point.run_id}
              {...props}
              run={run}
              cx={xOf(place)}
              cy={yOf(point.value)}
              told={`${metric} ${formatValue(point.value)}, ${point.idea}${point.best ? `, ${trans.__('the best until then')}` : ''}`}
              faded={!point.best || !isPicked(props.picked, point.run_id)}
            />
          );
        })}
      </svg>
      {only && (
        <ol className="jp-Mlops-bests">
          {shown.map(point => (
            <li key={point.run_id} title={String(toNumber(point.value))}>
              {`${labelOf(runs.get(point.run_id))} ${point.idea}: ${formatNumber(point.value)}`}
            </li>
          ))}
        </ol>
      )}
    </figure>
  );
}
