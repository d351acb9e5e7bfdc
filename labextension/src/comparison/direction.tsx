import * as React from 'react';

import { asProblem } from '../api';
import { MetricRow } from '../contract';
import { ISectionProps } from './section';

/**
 * Which way a metric is good, and how that is known: a choice, because a name
 * can mislead.
 */
export function Direction(
  props: ISectionProps & { row: MetricRow }
): JSX.Element {
  const { actions, row, trans } = props;
  const [problem, setProblem] = React.useState('');
  const said = row.direction_from === 'you';
  const sources: Record<string, string> = {
    you: trans.__('as you said'),
    code: trans.__('by the code that scored it'),
    name: trans.__('by its name')
  };
  const known =
    row.higher_is_better === null
      ? trans.__('whether higher is better is not known')
      : row.higher_is_better
        ? trans.__('higher is better')
        : trans.__('lower is better');
  const choose = (value: string): void => {
    const direction = value === 'auto' ? null : value === 'higher';
    actions
      .setDirection(row.name, direction)
      .then(() => setProblem(''))
      .catch(reason => setProblem(asProblem(reason).message));
  };
  const sign = { true: '↑', false: '↓', null: '?' }[
    String(row.higher_is_better)
  ];
  return (
    <span className="jp-Mlops-direction">
      <span aria-hidden="true" title={known}>
        {sign}
      </span>
      <select
        aria-label={trans.__('Direction of %1', row.name)}
        title={[known, sources[row.direction_from]].filter(Boolean).join(', ')}
        value={
          said && row.higher_is_better !== null
            ? row.higher_is_better
              ? 'higher'
              : 'lower'
            : 'auto'
        }
        onChange={event => choose(event.target.value)}
      >
        <option value="auto">
          {said ? trans.__('As its name says') : known}
        </option>
        <option value="higher">{trans.__('Higher is better')}</option>
        <option value="lower">{trans.__('Lower is better')}</option>
      </select>
      {problem !== '' && (
        <span className="jp-Mlops-error" role="alert">
          {problem}
        </span>
      )}
    </span>
  );
}
