import * as React from 'react';

import { CommandIds } from '../commands';
import { referenceOf } from '../format';
import { IRunsState } from '../tokens';
import { IPanelContext } from './panel';

/**
 * What can be done with the selected runs, and how many runs there are.
 */
export function Actions(
  props: IPanelContext & { state: IRunsState; children?: React.ReactNode }
): JSX.Element {
  const { commands, language, model, trans, state } = props;
  const chosen = state.selected.length;
  const only = chosen === 1 ? model.find(state.selected[0]) : undefined;
  const baseline = only && model.baselineOf(only);
  const comparable = chosen > 1 || baseline !== undefined;
  return (
    <div className="jp-Mlops-actions">
      <div role="group" aria-label={trans.__('Selected runs')}>
        <button
          className="jp-mod-styled jp-mod-accept"
          disabled={!comparable}
          title={
            chosen > 1
              ? trans.__('Put the selected runs side by side')
              : baseline !== undefined
                ? trans.__(
                    'Put it beside the baseline %1',
                    referenceOf(baseline)
                  )
                : trans.__('Select two or more runs to compare them')
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
      <div className="jp-Mlops-countLine">
        <p className="jp-Mlops-quiet" role="status">
          {state.connection !== 'loading' &&
            countOf(state.count, language, props)}
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
        {props.children}
      </div>
    </div>
  );
}

/**
 * "10,000 runs", with the separators of the interface's language.
 */
function countOf(
  count: number,
  language: string,
  { trans }: IPanelContext
): string {
  const locale = language.replace('_', '-') || 'en';
  return trans
    ._n('%1 run', '%1 runs', count)
    .replace(String(count), count.toLocaleString(locale));
}
