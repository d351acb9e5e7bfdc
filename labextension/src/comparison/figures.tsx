import * as React from 'react';

import { FigureRow } from '../contract';
import { Kept } from './kept';
import { RunName } from './run_name';
import { ISectionProps, labelOf, Section } from './section';

/**
 * The figures and small tables of the runs, side by side.
 */
export function Figures(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  if (comparison.figures.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Figures')}>
      {comparison.figures.map(row => (
        <Row key={row.name} {...props} row={row} />
      ))}
    </Section>
  );
}

function Row(props: ISectionProps & { row: FigureRow }): JSX.Element {
  const { comparison, row, trans } = props;
  const runs = comparison.runs.filter(run => run.run_id in row.figures);
  return (
    <>
      <h3>
        {row.name}
        {row.same && (
          <span className="jp-Mlops-quiet"> {trans.__('the same')}</span>
        )}
      </h3>
      <div className="jp-Mlops-figures">
        {(row.same ? runs.slice(0, 1) : runs).map(run => (
          <figure key={run.run_id}>
            <figcaption>
              <RunName {...props} run={run} />
            </figcaption>
            <Kept
              trans={trans}
              fetch={props.actions.getArtifact}
              runId={run.run_id}
              artifact={row.figures[run.run_id]}
              label={trans.__('%1 of run %2', row.name, labelOf(run))}
            />
          </figure>
        ))}
      </div>
    </>
  );
}
