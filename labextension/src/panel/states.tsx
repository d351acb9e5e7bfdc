import * as React from 'react';

import { runsIcon, warningIcon } from '../icons';
import { describeProblem } from '../problems';
import { IProblem } from '../tokens';
import { IPanelContext } from './panel';

const ATTACH = '%load_ext jupyter_mlops';
const EXAMPLE = '%%track\nmodel.fit(X, y)';

/**
 * What the panel says when there is nothing to list.
 */
export function EmptyState(
  props: IPanelContext & { filtered: boolean }
): JSX.Element {
  const { model, trans, filtered } = props;
  if (filtered) {
    return (
      <div className="jp-Mlops-state">
        <p>{trans.__('No run matches.')}</p>
        <button
          className="jp-mod-styled"
          onClick={() => {
            void model.setExperiment(null);
            void model.setFilter('');
          }}
        >
          {trans.__('Show all runs')}
        </button>
      </div>
    );
  }
  return (
    <div className="jp-Mlops-state">
      <runsIcon.react tag="span" width="32px" aria-hidden="true" />
      <p>
        <strong>{trans.__('No runs yet')}</strong>
      </p>
      <p>{trans.__('Put this in a notebook and run a cell:')}</p>
      <pre>{ATTACH}</pre>
      <pre>{EXAMPLE}</pre>
      <p>
        {trans.__(
          'Its parameters, metrics, data and code are kept, and it appears here.'
        )}
      </p>
    </div>
  );
}

/**
 * What stands where the runs will stand: rows without words, so that nothing
 * jumps when they come.
 */
export function LoadingState({ trans }: IPanelContext): JSX.Element {
  return (
    <div className="jp-Mlops-scroll" role="status" aria-busy="true">
      <span className="jp-Mlops-unseen">{trans.__('Looking for runs…')}</span>
      {[0, 1, 2, 3, 4, 5].map(place => (
        <div key={place} className="jp-Mlops-placeholder jp-mod-static" />
      ))}
    </div>
  );
}

/**
 * What the panel says when the server does not answer, or not well; compact, over
 * the lower edge of the runs that are there, so that none of them moves.
 */
export function ProblemState(
  props: IPanelContext & { problem: IProblem; compact?: boolean }
): JSX.Element {
  const { model, trans, problem, compact } = props;
  const [title, advice] = describeProblem(problem, trans);
  return (
    <div
      className={compact ? 'jp-Mlops-problem' : 'jp-Mlops-state'}
      role="alert"
    >
      {!compact && (
        <warningIcon.react tag="span" width="32px" aria-hidden="true" />
      )}
      <p>
        <strong>{title}</strong>
      </p>
      <p>{advice}</p>
      <p>
        <button
          className="jp-mod-styled"
          onClick={() => void model.refresh()}
          title={problem.message}
        >
          {trans.__('Try again')}
        </button>
      </p>
    </div>
  );
}
