import * as React from 'react';

import { usualColumns } from '../columns';
import { Actions } from '../panel/actions';
import { IPanelContext } from '../panel/panel';
import { SearchBox } from '../panel/search';
import { useModelState } from '../panel/signals';
import { EmptyState, LoadingState, ProblemState } from '../panel/states';
import { GroupChoice } from '../panel/tools';
import { ColumnChooser } from './chooser';
import { Table } from './table';

/**
 * The table with what finds, groups and acts on its runs.
 */
export default function Content(context: IPanelContext): JSX.Element {
  const { model } = context;
  const state = useModelState(model);
  const usual = React.useRef<string[] | null>(null);
  if (usual.current === null && state.runs.length > 0) {
    usual.current = usualColumns(state.runs);
  }
  const columns = state.columns ?? usual.current ?? [];
  const { problem } = state;
  if (problem !== null && state.runs.length === 0) {
    return <ProblemState {...context} problem={problem} />;
  }
  const props = { ...context, state, columns };
  return (
    <>
      <div className="jp-Mlops-tableHead">
        <SearchBox {...props} />
        <GroupChoice {...props} />
        <ColumnChooser {...props} />
        <Actions {...props} />
      </div>
      <div className="jp-Mlops-listArea">
        {state.connection === 'loading' ? (
          <LoadingState {...context} />
        ) : state.count === 0 ? (
          <EmptyState
            {...context}
            filtered={state.filter !== '' || state.experiment !== null}
          />
        ) : (
          <Table {...props} />
        )}
        {problem !== null && (
          <ProblemState {...context} problem={problem} compact />
        )}
      </div>
    </>
  );
}
