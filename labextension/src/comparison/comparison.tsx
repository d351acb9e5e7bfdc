import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { RunComparison } from '../contract';
import { IProblem } from '../tokens';
import { Curves } from './curves';
import {
  CodeDifferences,
  DataDifferences,
  EnvironmentDifferences,
  Warnings
} from './differences';
import { Metrics } from './metrics';
import { Params } from './params';
import { sentenceWithCode } from './sentence';

/**
 * What every section of a comparison is given.
 */
export interface ISectionProps {
  readonly comparison: RunComparison;
  readonly trans: TranslationBundle;
}

interface IComparisonProps extends ISectionProps {
  readonly problem: IProblem | null;
  /** Counts changes of the theme: charts are drawn anew for each. */
  readonly theme: number;
  readonly onReference: (runId: string) => void;
}

/**
 * Runs side by side: what it comes to, the numbers, then what differs.
 */
export function Comparison(props: IComparisonProps): JSX.Element {
  const { comparison, problem } = props;
  return (
    <>
      {problem !== null && (
        <p className="jp-Mlops-error" role="alert">
          {problem.message} {problem.hint}
        </p>
      )}
      <p className="jp-Mlops-summary">{sentenceWithCode(comparison.summary)}</p>
      <Reference {...props} />
      <Metrics {...props} />
      <Params {...props} />
      <Curves {...props} />
      <CodeDifferences {...props} />
      <DataDifferences {...props} />
      <EnvironmentDifferences {...props} />
      <Warnings {...props} />
    </>
  );
}

function Reference(props: IComparisonProps): JSX.Element {
  const { comparison, trans } = props;
  return (
    <label className="jp-Mlops-reference">
      {trans.__('Compared with')}{' '}
      <select
        className="jp-mod-styled"
        value={comparison.reference}
        onChange={event => props.onReference(event.target.value)}
      >
        {comparison.runs.map(run => (
          <option key={run.run_id} value={run.run_id}>
            {`#${run.number} ${run.name}`}
          </option>
        ))}
      </select>
    </label>
  );
}
