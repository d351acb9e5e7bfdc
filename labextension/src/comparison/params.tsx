import * as React from 'react';

import { formatValue } from '../format';
import { useFirst } from '../panel/more';
import { RunColumns } from './run_name';
import { isBroad, ISectionProps, Section } from './section';

/** How many parameters are shown at first. */
const ROWS = 20;

/**
 * The parameters side by side: those that differ, or all of them.
 */
export function Params(props: ISectionProps): JSX.Element {
  const { comparison, trans } = props;
  const [all, setAll] = React.useState(false);
  const same = comparison.params.filter(row => !row.differs).length;
  const [rows, more] = useFirst(
    comparison.params.filter(row => all || row.differs),
    ROWS,
    trans
  );
  return (
    <Section title={trans.__('Parameters')} broad={isBroad(comparison)}>
      {same > 0 && (
        <label className="jp-Mlops-toggle">
          <input
            type="checkbox"
            checked={all}
            onChange={event => setAll(event.target.checked)}
          />{' '}
          {trans._n(
            'Show %1 that is the same',
            'Show %1 that are the same',
            same
          )}
        </label>
      )}
      {rows.length === 0 ? (
        <p className="jp-Mlops-quiet">{trans.__('No parameter differs.')}</p>
      ) : (
        <div className="jp-Mlops-wide">
          <table className="jp-Mlops-table">
            <RunColumns {...props} corner={trans.__('Parameter')} />
            <tbody>
              {rows.map(row => (
                <tr key={row.name} data-differs={row.differs}>
                  <th scope="row">{row.name}</th>
                  {comparison.runs.map(run =>
                    run.run_id in row.values ? (
                      <td
                        key={run.run_id}
                        title={formatValue(row.values[run.run_id])}
                      >
                        {formatValue(row.values[run.run_id])}
                      </td>
                    ) : (
                      <td key={run.run_id} className="jp-Mlops-absent">
                        –
                      </td>
                    )
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more}
    </Section>
  );
}
