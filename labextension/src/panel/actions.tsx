import * as React from 'react';

import { CommandIds } from '../commands';
import { referenceOf } from '../format';
import { MOST_COMPARED, rankingMetric, runsOnTop } from '../selection';
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
  const onTop = chosen === 0 ? runsOnTop(state).length : 0;
  const metric = chosen === 0 ? rankingMetric(state) : null;
  const comparable = chosen > 1 || baseline !== undefined || onTop > 1;
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
                : onTop > 1
                  ? trans.__(
                      'Put the %1 runs on top of the list side by side; or select some of them',
                      onTop
                    )
                  : trans.__('Select two or more runs to compare them')
          }
          onClick={() => void commands.execute(CommandIds.compareRuns)}
        >
          {onTop < 2
            ? trans.__('Compare')
            : state.count > MOST_COMPARED
              ? trans.__('Compare %1', onTop)
              : trans.__('Compare all')}
        </button>
        <button
          className="jp-mod-styled"
          disabled={chosen !== 1 && metric === null}
          title={
            chosen === 1
              ? trans.__('Make a proved pipeline script of the selected run')
              : metric !== null
                ? trans.__(
                    'Make a proved pipeline script of the run that is best by %1, of those scored on the rows that most were scored on',
                    metric
                  )
                : trans.__('Select one run to export it')
          }
          onClick={() => void commands.execute(CommandIds.exportRun)}
        >
          {metric === null
            ? trans.__('Export to pipeline')
            : trans.__('Export the best')}
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
