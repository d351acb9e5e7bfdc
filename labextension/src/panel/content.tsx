import * as React from 'react';

import { Actions } from './actions';
import { ExportSection } from './export';
import { RunList } from './list';
import { IPanelContext } from './panel';
import { PipelinesSection } from './pipelines';
import { SearchBox } from './search';
import { useModelState } from './signals';
import { EmptyState, ProblemState } from './states';

/**
 * What the panel shows: search, actions, runs, export, pipelines.
 */
export default function Content(context: IPanelContext): JSX.Element {
  const { model, trans } = context;
  const state = useModelState(model);
  if (state.connection === 'loading') {
    return (
      <p className="jp-Mlops-quiet" role="status">
        {trans.__('Looking for runs…')}
      </p>
    );
  }
  if (state.problem !== null && state.runs.length === 0) {
    return <ProblemState {...context} problem={state.problem} />;
  }
  const filtered = state.filter !== '' || state.experiment !== null;
  return (
    <>
      <SearchBox {...context} state={state} />
      <Actions {...context} state={state} />
      {state.problem !== null && (
        <ProblemState {...context} problem={state.problem} compact />
      )}
      <ExportSection {...context} />
      <div className="jp-Mlops-scroll">
        {state.runs.length === 0 ? (
          <EmptyState {...context} filtered={filtered} />
        ) : (
          <RunList {...context} state={state} />
        )}
      </div>
      <PipelinesSection {...context} />
    </>
  );
}
