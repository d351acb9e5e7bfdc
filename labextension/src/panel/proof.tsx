import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { sentenceWithCode } from '../comparison/sentence';
import { Num, PipelineVersion } from '../contract';
import { formatAlike } from '../format';
import { failedIcon, finishedIcon } from '../icons';

/**
 * The proof of a version: its cause if it was rejected, then metric by metric
 * the run's number beside those of the two fresh processes.
 */
export function Proof(props: {
  version: PipelineVersion;
  trans: TranslationBundle;
}): JSX.Element {
  const { trans, version } = props;
  const { report } = version;
  return (
    <>
      {report.cause && (
        <p className="jp-Mlops-error">
          {sentenceWithCode(`${report.cause} ${report.hint}`)}
        </p>
      )}
      {report.code === 'environment_failed' && report.log !== '' && (
        <details>
          <summary>{trans.__('End of the log')}</summary>
          <pre className="jp-Mlops-installLog">{report.log}</pre>
        </details>
      )}
      {report.environment !== '' && (
        <p className="jp-Mlops-quiet">
          {sentenceWithCode(trans.__('Proved in %1.', report.environment))}
        </p>
      )}
      {report.predictions.map(said => (
        <p key={said} className="jp-Mlops-quiet">
          {said}
        </p>
      ))}
      {report.notes.map(note => (
        <p key={note} className="jp-Mlops-note">
          {sentenceWithCode(note)}
        </p>
      ))}
      {report.metrics.length > 0 && (
        <table className="jp-Mlops-proof">
          <caption className="jp-Mlops-unseen">
            {trans.__('Metrics of the run and of two fresh processes')}
          </caption>
          <thead>
            <tr>
              <th scope="col">{trans.__('Metric')}</th>
              <th scope="col">{trans.__('Run')}</th>
              <th scope="col">{trans.__('Fresh')}</th>
              <th scope="col">{trans.__('Again')}</th>
              <th scope="col">
                <span className="jp-Mlops-unseen">{trans.__('Equal')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {report.metrics.map(check => {
              const values = [check.expected, check.first, check.second];
              return (
                <tr key={check.name}>
                  <th scope="row">{check.name}</th>
                  <ValueCells values={values} />
                  <td data-equal={check.equal}>
                    <Equal equal={check.equal} trans={trans} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {report.attempts.length > 1 && (
        <details>
          <summary>
            {trans._n('%1 attempt', '%1 attempts', report.attempts.length)}
          </summary>
          <ol>
            {report.attempts.map((attempt, index) => (
              <li key={index}>
                {attempt.rung}: {attempt.verdict}
                {attempt.cause && ` – ${attempt.cause}`}
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

/**
 * Numbers side by side with as many decimals; in full for their tooltips.
 */
export function ValueCells(props: { values: (Num | null)[] }): JSX.Element {
  const texts = formatAlike(props.values.filter(isPresent));
  return (
    <>
      {props.values.map((value, index) => (
        <td key={index} title={value === null ? '' : String(value)}>
          {value === null ? '–' : texts.shift()}
        </td>
      ))}
    </>
  );
}

function isPresent<T>(value: T | null): value is T {
  return value !== null;
}

function Equal(props: {
  equal: boolean;
  trans: TranslationBundle;
}): JSX.Element {
  const { equal, trans } = props;
  const Mark = equal ? finishedIcon.react : failedIcon.react;
  return (
    <>
      <Mark tag="span" width="12px" height="12px" aria-hidden="true" />
      <span className="jp-Mlops-unseen">
        {equal ? trans.__('equal') : trans.__('different')}
      </span>
    </>
  );
}
