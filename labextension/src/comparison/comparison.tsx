import * as React from 'react';

import { IProblem } from '../tokens';
import { Curves } from './curves';
import {
  CodeDifferences,
  DataDifferences,
  EnvironmentDifferences,
  Warnings
} from './differences';
import { Figures } from './figures';
import { Losses } from './losses';
import { ManyRuns, Story } from './many';
import { Metrics } from './metrics';
import { Params } from './params';
import { RunTable } from './run_table';
import { ISectionProps, MANY_RUNS, labelOf } from './section';
import { Hypotheses, Seeds } from './seeds';
import { sentenceWithCode } from './sentence';

interface IComparisonProps extends Omit<ISectionProps, 'picked' | 'onPick'> {
  readonly problem: IProblem | null;
  /** Counts changes of the theme: charts are drawn anew for each. */
  readonly theme: number;
  readonly onReference: (runId: string) => void;
}

/**
 * Runs side by side: what it comes to, the numbers, then what differs.
 */
export function Comparison(props: IComparisonProps): JSX.Element {
  const { comparison, problem, theme } = props;
  const [picked, setPicked] = React.useState<ReadonlySet<string> | null>(null);
  const section: ISectionProps = { ...props, picked, onPick: setPicked };
  const many = comparison.runs.length >= MANY_RUNS;
  return (
    <>
      {problem !== null && (
        <p className="jp-Mlops-error" role="alert">
          {problem.message} {problem.hint}
        </p>
      )}
      <p className="jp-Mlops-summary">{sentenceWithCode(comparison.summary)}</p>
      <Reference {...props} />
      <div className="jp-Mlops-sections">
        <Hypotheses {...section} />
        {many ? <RunTable {...section} /> : <Metrics {...section} />}
        <Seeds {...section} />
        <ManyRuns {...section} />
        <Curves {...section} theme={theme} />
        <Losses {...section} />
        <DataDifferences {...section} />
        {!many && <Params {...section} />}
        <CodeDifferences {...section} />
        <EnvironmentDifferences {...section} />
        <Figures {...section} />
        <Story {...section} />
        <Warnings {...section} />
      </div>
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
            {`${labelOf(run)} ${run.name}`}
          </option>
        ))}
      </select>
    </label>
  );
}
