import * as React from 'react';

import { CodeDifference } from '../contract';
import { WarningList } from '../panel/details';
import { alike } from './alike';
import { Histograms } from './histograms';
import { RunName } from './run_name';
import { ISectionProps, Section } from './section';
import { sentenceWithCode } from './sentence';

/**
 * What differs from the reference, run by run; runs that differ alike stand
 * together.
 */
function EachRun<T extends { run_id: string }>(
  props: ISectionProps & {
    title: string;
    nothing: string;
    items: readonly T[];
    show: (items: readonly T[]) => JSX.Element;
  }
): JSX.Element {
  const { comparison, items } = props;
  const groups = alike(comparison.runs, items);
  return (
    <Section title={props.title}>
      {groups.length === 0 && <p className="jp-Mlops-quiet">{props.nothing}</p>}
      {groups.map(({ runs, items }) => (
        <div key={runs[0].run_id} className="jp-Mlops-runDifference">
          {comparison.runs.length > 2 && (
            <h3 className="jp-Mlops-runNames">
              {runs.map(run => (
                <RunName key={run.run_id} {...props} run={run} />
              ))}
            </h3>
          )}
          {props.show(items)}
        </div>
      ))}
    </Section>
  );
}

export function CodeDifferences(props: ISectionProps): JSX.Element {
  const { comparison, trans } = props;
  return (
    <EachRun
      {...props}
      title={trans.__('Code')}
      nothing={trans.__('The code is the same.')}
      items={comparison.code.filter(item => item.change !== 'same')}
      show={items => (
        <>
          {items.map((item, index) => (
            <Diff key={index} {...props} difference={item} />
          ))}
        </>
      )}
    />
  );
}

function Diff(
  props: ISectionProps & { difference: CodeDifference }
): JSX.Element {
  const { difference, trans } = props;
  const words: Record<string, string> = {
    changed: trans.__('changed'),
    added: trans.__('added'),
    removed: trans.__('removed'),
    moved: trans.__('moved')
  };
  return (
    <figure className="jp-Mlops-diff">
      <figcaption>
        <code>{difference.title}</code>{' '}
        <span className="jp-Mlops-quiet">
          {[words[difference.change] ?? difference.change, difference.moved]
            .filter(Boolean)
            .join(', ')}
        </span>
      </figcaption>
      {difference.lines.length > 0 && (
        <pre tabIndex={0} aria-label={difference.title}>
          {difference.lines.map((line, index) => (
            <span key={index} data-side={sideOf(line)}>
              {line}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </figure>
  );
}

function sideOf(line: string): 'added' | 'removed' | 'both' {
  return line.startsWith('+')
    ? 'added'
    : line.startsWith('-')
      ? 'removed'
      : 'both';
}

export function DataDifferences(props: ISectionProps): JSX.Element {
  const { comparison, trans } = props;
  const words: Record<string, string> = {
    changed: trans.__('changed'),
    added: trans.__('new'),
    removed: trans.__('gone'),
    unknown: trans.__('unknown')
  };
  return (
    <EachRun
      {...props}
      title={trans.__('Data')}
      nothing={trans.__('The data is the same.')}
      items={comparison.data.filter(item => item.change !== 'same')}
      show={items => (
        <dl className="jp-Mlops-data">
          {items.map((item, index) => (
            <React.Fragment key={index}>
              <dt>
                {item.name}{' '}
                <span className="jp-Mlops-quiet">
                  {words[item.change] ?? item.change}
                </span>
              </dt>
              {item.sentences.map((sentence, place) => (
                <dd key={place}>{sentenceWithCode(sentence)}</dd>
              ))}
              {item.columns.length > 0 && (
                <dd>
                  <Histograms {...props} columns={item.columns} />
                </dd>
              )}
            </React.Fragment>
          ))}
        </dl>
      )}
    />
  );
}

export function EnvironmentDifferences(props: ISectionProps): JSX.Element {
  const { comparison, trans } = props;
  return (
    <EachRun
      {...props}
      title={trans.__('Environment')}
      nothing={trans.__('The environment is the same.')}
      items={comparison.environment}
      show={items => (
        <div className="jp-Mlops-wide">
          <table className="jp-Mlops-table jp-mod-text">
            <thead>
              <tr>
                <th scope="col">{trans.__('What')}</th>
                <th scope="col">{trans.__('Reference')}</th>
                <th scope="col">{trans.__('This run')}</th>
              </tr>
            </thead>
            <tbody>
              {items.map(item => (
                <tr key={item.name}>
                  <th scope="row">{item.name}</th>
                  <td>{item.reference || '–'}</td>
                  <td>{item.value || '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    />
  );
}

/**
 * The warnings of each run, where there are any.
 */
export function Warnings(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  const warned = comparison.runs.filter(
    run => (comparison.warnings[run.run_id] ?? []).length > 0
  );
  if (warned.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Warnings')}>
      {warned.map(run => (
        <div key={run.run_id} className="jp-Mlops-runDifference">
          <h3>
            <RunName {...props} run={run} />
          </h3>
          <WarningList warnings={comparison.warnings[run.run_id]} />
        </div>
      ))}
    </Section>
  );
}
