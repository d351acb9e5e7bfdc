import * as React from 'react';

import { runColour } from '../colours';
import { RunSummary } from '../contract';
import { ISectionProps } from './comparison';

/**
 * A run's colour, number and name.
 */
export function RunName(
  props: ISectionProps & { run: RunSummary }
): JSX.Element {
  const { comparison, run, trans } = props;
  const place = comparison.runs.findIndex(other => other.run_id === run.run_id);
  return (
    <span className="jp-Mlops-runName" title={run.name}>
      <span
        className="jp-Mlops-swatch"
        style={{ background: runColour(place) }}
        aria-hidden="true"
      />
      <span className="jp-Mlops-number">{trans.__('#%1', run.number)}</span>{' '}
      <span className="jp-Mlops-nameText">{run.name}</span>
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
          <th key={run.run_id} scope="col">
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
