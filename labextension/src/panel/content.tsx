import * as React from 'react';

import { Actions } from './actions';
import { ExportSection } from './export';
import { RunList } from './list';
import { IPanelContext } from './panel';
import { PipelinesSection } from './pipelines';
import { SearchBox } from './search';
import { useModelState } from './signals';
import { EmptyState, LoadingState, ProblemState } from './states';
import { ListButtons, Tools } from './tools';

/**
 * What the panel shows: search, actions, runs, export, pipelines.
 */
export default function Content(context: IPanelContext): JSX.Element {
  const { model } = context;
  const state = useModelState(model);
  const { filter, experiment, problem } = state;
  if (problem !== null && state.runs.length === 0) {
    return <ProblemState {...context} problem={problem} />;
  }
  return (
    <>
      <SearchBox {...context} state={state} />
      <Tools {...context} state={state} />
      <Actions {...context} state={state}>
        <ListButtons {...context} />
      </Actions>
      <ExportSection {...context} />
      <div className="jp-Mlops-listArea">
        {state.connection === 'loading' ? (
          <LoadingState {...context} />
        ) : state.count === 0 ? (
          <EmptyState
            {...context}
            filtered={filter !== '' || experiment !== null}
          />
        ) : (
          <RunList {...context} state={state} />
        )}
        {problem !== null && (
          <ProblemState {...context} problem={problem} compact />
        )}
      </div>
      <PipelinesSection {...context} />
    </>
  );
}
