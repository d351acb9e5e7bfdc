import * as React from 'react';

import { Pipeline } from '../contract';
import { IPanelContext } from './panel';

/**
 * The rows on which an alias may never move to a version that scores worse.
 */
export function ProtectedRows(
  props: IPanelContext & { pipeline: Pipeline }
): JSX.Element | null {
  const { model, trans, pipeline } = props;
  const standing = Object.keys(pipeline.aliases);
  const known = Object.entries(pipeline.protected ?? {});
  const count = known.reduce((sum, [, rows]) => sum + rows.length, 0);
  if (standing.length === 0 && count === 0) {
    return null;
  }
  return (
    <details className="jp-Mlops-log">
      <summary>
        {count === 0
          ? trans.__('Protect rows…')
          : trans._n('%1 protected slice', '%1 protected slices', count)}
      </summary>
      <ol>
        {known.flatMap(([alias, conditions]) =>
          conditions.map(condition => (
            <li key={`${alias} ${condition}`}>
              <span className="jp-Mlops-alias">{alias}</span>{' '}
              <code>{condition}</code>{' '}
              <button
                className="jp-Mlops-link"
                aria-label={trans.__(
                  'Protect %1 no more for %2',
                  condition,
                  alias
                )}
                title={trans.__('Protect these rows no more')}
                onClick={() =>
                  void model.pipelines.protect(pipeline, alias, {
                    unprotect: [condition]
                  })
                }
              >
                ×
              </button>
            </li>
          ))
        )}
      </ol>
      {standing.length > 0 && <ProtectForm {...props} standing={standing} />}
    </details>
  );
}

function ProtectForm(
  props: IPanelContext & { pipeline: Pipeline; standing: string[] }
): JSX.Element {
  const { model, trans, pipeline, standing } = props;
  const [condition, setCondition] = React.useState('');
  const [chosen, setChosen] = React.useState('');
  const alias = standing.includes(chosen) ? chosen : standing[0];
  const protect = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    const rows = condition.trim();
    if (
      rows !== '' &&
      (await model.pipelines.protect(pipeline, alias, { protect: [rows] }))
    ) {
      setCondition('');
    }
  };
  return (
    <form className="jp-Mlops-protect" onSubmit={event => void protect(event)}>
      <input
        className="jp-mod-styled"
        type="text"
        spellCheck={false}
        value={condition}
        placeholder={trans.__("species = 'Gentoo'")}
        aria-label={trans.__(
          'Rows of %1 to protect, as a condition',
          pipeline.name
        )}
        title={trans.__(
          'No version that scores worse on these rows can take the alias, now and later'
        )}
        onChange={event => setCondition(event.target.value)}
      />
      {standing.length > 1 && (
        <select
          aria-label={trans.__('Alias of %1 to hold to it', pipeline.name)}
          value={alias}
          onChange={event => setChosen(event.target.value)}
        >
          {standing.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      <button
        className="jp-mod-styled"
        type="submit"
        disabled={condition.trim() === ''}
      >
        {standing.length > 1
          ? trans.__('Protect')
          : trans.__('Protect for %1', alias)}
      </button>
    </form>
  );
}
