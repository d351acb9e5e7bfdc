import * as React from 'react';

import { RunName } from './run_name';
import { ISectionProps, Section } from './section';

/**
 * Runs that differ by their seed only: what chance does to the score.
 */
export function Seeds(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  if (comparison.groups.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Only the seed differs')}>
      {comparison.groups.map((group, place) => (
        <div key={place} className="jp-Mlops-runDifference">
          <h3>{group.name}</h3>
          <p className="jp-Mlops-chips">
            {comparison.runs
              .filter(run => group.run_ids.includes(run.run_id))
              .map(run => (
                <span key={run.run_id}>
                  <RunName {...props} run={run} />{' '}
                  <span className="jp-Mlops-quiet">
                    {group.seeds[run.run_id]}
                  </span>
                </span>
              ))}
          </p>
          <ul>
            {group.spreads.map(spread => (
              <li key={spread.metric} title={String(spread.mean)}>
                <b>{spread.metric}</b> {spread.sentence}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </Section>
  );
}

/**
 * What was expected of the runs, and whether that was written before the
 * result was known.
 */
export function Hypotheses(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  if (comparison.hypotheses.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Hypotheses')} broad>
      <ul className="jp-Mlops-hypotheses">
        {comparison.hypotheses.map((hypothesis, place) => {
          const run = comparison.runs.find(
            other => other.run_id === hypothesis.run_id
          );
          return (
            <li key={place} data-before={hypothesis.before}>
              {run !== undefined && <RunName {...props} run={run} />}{' '}
              <q>{hypothesis.text}</q>{' '}
              <span className="jp-Mlops-badge">
                {hypothesis.before
                  ? trans.__('written before the result')
                  : trans.__('post hoc')}
              </span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}
