import * as React from 'react';

import { IRunsState } from '../tokens';
import { IPanelContext } from './panel';

const TYPING_MILLISECONDS = 300;

/**
 * The filter box and, where there are several, the choice of an experiment.
 *
 * Plain words are looked for in the names, the rest is the server's language;
 * what is wrong with it stands below the box while the list still shows what
 * was found last.
 */
export function SearchBox(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { model, trans, state } = props;
  const [text, setText] = React.useState(state.filter);
  const problem = state.filterProblem;
  const problemId = React.useId();

  React.useEffect(() => {
    if (text.trim() === model.state.filter) {
      return;
    }
    const timer = setTimeout(() => {
      void model.setFilter(text.trim());
    }, TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [text, model]);

  return (
    <div className="jp-Mlops-search" role="search">
      <input
        type="search"
        className="jp-mod-styled"
        aria-label={trans.__('Filter runs')}
        aria-invalid={problem !== null}
        aria-describedby={problem !== null ? problemId : undefined}
        placeholder={trans.__('Name or metrics.f1 > 0.9')}
        spellCheck={false}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      {problem !== null && (
        <p id={problemId} className="jp-Mlops-error" role="alert">
          {problem.message} {problem.hint}
        </p>
      )}
      {state.experiments.length > 1 && (
        <select
          className="jp-mod-styled"
          aria-label={trans.__('Experiment')}
          value={state.experiment ?? ''}
          onChange={event => {
            void model.setExperiment(event.target.value || null);
          }}
        >
          <option value="">{trans.__('All experiments')}</option>
          {state.experiments.map(experiment => (
            <option key={experiment} value={experiment}>
              {experiment}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
