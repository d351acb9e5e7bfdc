import * as React from 'react';

import { CommandIds } from '../commands';
import { IRunsState } from '../tokens';
import { IPanelContext } from './panel';

/**
 * What can be done with the selected runs, and how many runs there are.
 */
export function Actions(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { commands, model, trans, state } = props;
  const chosen = state.selected.length;
  return (
    <div className="jp-Mlops-actions">
      <div role="group" aria-label={trans.__('Selected runs')}>
        <button
          className="jp-mod-styled jp-mod-accept"
          disabled={chosen < 2}
          title={
            chosen < 2
              ? trans.__('Select two or more runs to compare them')
              : trans.__('Put the selected runs side by side')
          }
          onClick={() => void commands.execute(CommandIds.compareRuns)}
        >
          {trans.__('Compare')}
        </button>
        <button
          className="jp-mod-styled"
          disabled={chosen !== 1}
          title={
            chosen !== 1
              ? trans.__('Select one run to export it')
              : trans.__('Make a proved pipeline script of the selected run')
          }
          onClick={() => void commands.execute(CommandIds.exportRun)}
        >
          {trans.__('Export to pipeline')}
        </button>
      </div>
      <p className="jp-Mlops-quiet" role="status">
        {trans._n('%1 run', '%1 runs', state.count)}
        {chosen > 0 && (
          <>
            {' · '}
            {trans._n('%1 selected', '%1 selected', chosen)}{' '}
            <button
              className="jp-Mlops-link"
              onClick={() => model.clearSelection()}
            >
              {trans.__('Clear')}
            </button>
          </>
        )}
      </p>
    </div>
  );
}
