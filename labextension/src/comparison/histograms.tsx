import * as React from 'react';

import { ColumnDifference } from '../contract';
import { formatNumber } from '../format';
import { ISectionProps } from './section';

const WIDTH = 150;
const HEIGHT = 46;

/**
 * How the values of columns are spread, before as an outline and after as
 * bars, in the same bins.
 */
export function Histograms(
  props: ISectionProps & { columns: readonly ColumnDifference[] }
): JSX.Element | null {
  const { columns, trans } = props;
  if (columns.length === 0) {
    return null;
  }
  return (
    <div className="jp-Mlops-histograms">
      {columns.map(column => (
        <figure key={column.name}>
          <figcaption>
            <code>{column.name}</code>{' '}
            <span
              className="jp-Mlops-quiet"
              title={trans.__(
                'the share of rows that would have to move to make them equal'
              )}
            >
              {trans.__(
                '%1 % moved',
                formatNumber(percent(column.distance), 2)
              )}
            </span>
          </figcaption>
          <Histogram {...props} column={column} />
        </figure>
      ))}
      <p className="jp-Mlops-quiet">
        {trans.__('Line: reference. Bars: this run.')}
      </p>
    </div>
  );
}

function Histogram(
  props: ISectionProps & { column: ColumnDifference }
): JSX.Element {
  const { column, trans } = props;
  const before = column.before.map(Number);
  const after = column.after.map(Number);
  const highest = Math.max(...before, ...after, 1e-9);
  const count = after.length;
  const x = (place: number): number => (place / count) * WIDTH;
  const y = (share: number): number =>
    HEIGHT - (share / highest) * (HEIGHT - 2);
  const name = (place: number): string =>
    column.kind === 'values'
      ? column.labels[place]
      : `${formatNumber(column.edges[place])} – ${formatNumber(column.edges[place + 1])}`;
  let outline = `M0 ${HEIGHT}`;
  before.forEach((share, place) => {
    outline += `V${y(share).toFixed(1)}H${x(place + 1).toFixed(1)}`;
  });
  outline += `V${HEIGHT}`;
  return (
    <>
      <svg
        className="jp-Mlops-histogram"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={trans.__(
          'Spread of %1, in the reference and in this run',
          column.name
        )}
      >
        {after.map((share, place) => (
          <rect
            key={place}
            x={x(place) + 0.5}
            y={y(share)}
            width={Math.max(x(1) - 1, 0.5)}
            height={HEIGHT - y(share)}
          />
        ))}
        <path d={outline} />
        {after.map((share, place) => (
          <rect
            key={place}
            className="jp-mod-hover"
            x={x(place)}
            y={0}
            width={x(1)}
            height={HEIGHT}
          >
            <title>
              {trans.__(
                '%1: %2 % of the reference, %3 % of this run',
                name(place),
                formatNumber(percent(before[place]), 3),
                formatNumber(percent(share), 3)
              )}
            </title>
          </rect>
        ))}
      </svg>
      <div className="jp-Mlops-ends">
        {column.kind === 'numbers' ? (
          <>
            <span>{formatNumber(column.edges[0], 3)}</span>
            <span>
              {formatNumber(column.edges[column.edges.length - 1], 3)}
            </span>
          </>
        ) : (
          <span title={column.labels.join(', ')}>
            {column.labels.join(', ')}
          </span>
        )}
      </div>
    </>
  );
}

function percent(share: number | string): number {
  return 100 * Number(share);
}
