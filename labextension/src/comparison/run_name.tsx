import * as React from 'react';

import { RunSummary } from '../contract';
import { colourOf, isPicked, ISectionProps, labelOf, shapeOf } from './section';

/**
 * A run's mark in its colour, its number and its name.
 */
export function RunName(
  props: ISectionProps & { run: RunSummary; short?: boolean }
): JSX.Element {
  const { comparison, run, short } = props;
  return (
    <span className="jp-Mlops-runName" title={run.name}>
      <svg className="jp-Mlops-swatch" viewBox="-6 -6 12 12" aria-hidden="true">
        <path
          d={shapeOf(comparison, run.run_id)}
          style={{ fill: colourOf(comparison, run.run_id) }}
        />
      </svg>
      <span className="jp-Mlops-number">{labelOf(run)}</span>{' '}
      {short !== true && <span className="jp-Mlops-nameText">{run.name}</span>}
    </span>
  );
}

/**
 * A table's head: a corner, then a column a run.
 */
export function RunColumns(
  props: ISectionProps & { corner: string }
): JSX.Element {
  const { comparison, corner, trans } = props;
  return (
    <thead>
      <tr>
        <th scope="col">{corner}</th>
        {comparison.runs.map(run => (
          <th
            key={run.run_id}
            scope="col"
            data-picked={isPicked(props.picked, run.run_id)}
          >
            <RunName {...props} run={run} />
            {run.run_id === comparison.reference && (
              <span className="jp-Mlops-quiet"> {trans.__('reference')}</span>
            )}
          </th>
        ))}
      </tr>
    </thead>
  );
}
