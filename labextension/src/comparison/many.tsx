import * as React from 'react';

import { Descent, RunSummary } from '../contract';
import { formatDuration, formatNumber, toNumber } from '../format';
import { Frontier } from './frontier';
import { IMeasure, measuresOf } from './measures';
import { Parallel } from './parallel';
import { Scatter } from './scatter';
import { RunName } from './run_name';
import { ISectionProps, Section, labelOf } from './section';
import { sentenceWithCode } from './sentence';

const FEW = 3;
const AXES = 9;

/**
 * What only many runs show: parameters against metrics, linked with the table.
 */
export function ManyRuns(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  const measures = measuresOf(props);
  const metrics = measures.filter(({ key }) => key.startsWith('m:'));
  const params = byVariety(
    measures.filter(({ key }) => key.startsWith('p:')),
    comparison.runs
  );
  const leading =
    metrics.find(({ label }) => label === comparison.leading_metric) ??
    metrics[0];
  const [up, setUp] = React.useState(leading?.key ?? '');
  const [across, setAcross] = React.useState(
    (params[0] ?? metrics[1] ?? measures[measures.length - 1]).key
  );
  if (comparison.runs.length < FEW || leading === undefined) {
    return null;
  }
  const find = (key: string, other: IMeasure): IMeasure =>
    measures.find(measure => measure.key === key) ?? other;
  const axes = [...params.slice(0, AXES - 2), ...metrics.slice(0, 2)];
  return (
    <Section
      title={trans.__('Parameters against metrics')}
      note={trans.__('drag to pick runs, here and in the table')}
      broad
    >
      <div className="jp-Mlops-columns">
        <figure className="jp-Mlops-chart">
          <figcaption>
            <Choice
              label={trans.__('Up')}
              measures={measures}
              value={find(up, leading).key}
              onChange={setUp}
            />
            <Choice
              label={trans.__('Across')}
              measures={measures}
              value={find(across, measures[measures.length - 1]).key}
              onChange={setAcross}
            />
          </figcaption>
          <Scatter
            {...props}
            up={find(up, leading)}
            across={find(across, measures[measures.length - 1])}
          />
        </figure>
        {axes.length > 1 && (
          <figure className="jp-Mlops-chart jp-mod-broad">
            <figcaption>{trans.__('Every run a line')}</figcaption>
            <Parallel {...props} measures={axes} />
          </figure>
        )}
      </div>
      <Influences {...props} />
    </Section>
  );
}

function Choice(props: {
  label: string;
  measures: readonly IMeasure[];
  value: string;
  onChange: (key: string) => void;
}): JSX.Element {
  return (
    <label className="jp-Mlops-choice">
      {props.label}{' '}
      <select
        className="jp-mod-styled"
        value={props.value}
        title={props.measures.find(({ key }) => key === props.value)?.label}
        onChange={event => props.onChange(event.target.value)}
      >
        {props.measures.map(({ key, label }) => (
          <option key={key} value={key}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/**
 * What went together with the leading metric, each with its interval.
 */
function Influences(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  if (comparison.influences.length === 0) {
    return comparison.runs.length < 10 ? (
      <p className="jp-Mlops-quiet">
        {trans.__(
          'Which parameters matter is not told from fewer than ten runs.'
        )}
      </p>
    ) : null;
  }
  return (
    <>
      <h3>
        {trans.__('What went together with %1', comparison.leading_metric)}
      </h3>
      <ul className="jp-Mlops-influences">
        {comparison.influences.map(influence => (
          <li key={influence.param}>
            <Whisker {...influence} />
            {sentenceWithCode(influence.sentence)}
          </li>
        ))}
      </ul>
      <p className="jp-Mlops-quiet">
        {trans.__(
          'It says what went together, not what caused it; parameters that were changed together cannot be told apart.'
        )}
      </p>
    </>
  );
}

function Whisker(props: {
  low: number | string;
  high: number | string;
  strength: number | string;
  kind: string;
}): JSX.Element {
  const floor = props.kind === 'rank correlation' ? -1 : 0;
  const x = (value: number | string): number =>
    4 + (92 * (Math.max(Number(value), floor) - floor)) / (1 - floor);
  return (
    <svg className="jp-Mlops-whisker" viewBox="0 0 100 14" aria-hidden="true">
      <path className="jp-mod-zero" d={`M${x(0)} 1V13`} />
      <path d={`M${x(props.low)} 7H${x(props.high)}`} />
      <circle cx={x(props.strength)} cy={7} r={3.5} />
    </svg>
  );
}

/**
 * How the best came about: by which idea, at what cost, from which run.
 */
export function Story(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  const metrics = Object.keys(comparison.frontiers);
  const [chosen, setChosen] = React.useState('');
  if (
    comparison.runs.length < FEW ||
    (metrics.length === 0 && comparison.descents.length === 0)
  ) {
    return null;
  }
  const metric = metrics.includes(chosen)
    ? chosen
    : metrics.includes(comparison.leading_metric)
      ? comparison.leading_metric
      : metrics[0];
  return (
    <Section title={trans.__('How it came about')} broad>
      {metrics.length > 1 && (
        <label className="jp-Mlops-reference">
          {trans.__('Metric')}{' '}
          <select
            className="jp-mod-styled"
            value={metric}
            onChange={event => setChosen(event.target.value)}
          >
            {metrics.map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <div className="jp-Mlops-columns">
        {metric !== undefined && <Frontier {...props} metric={metric} />}
        <Ideas {...props} metric={metric} />
      </div>
      <Lineage {...props} />
    </Section>
  );
}

function Ideas(
  props: ISectionProps & { metric: string | undefined }
): JSX.Element {
  const { comparison, metric, onPick, trans } = props;
  const total = comparison.ideas.reduce(
    (sum, idea) => sum + toNumber(idea.duration),
    0
  );
  const runs = new Map(comparison.runs.map(run => [run.run_id, run]));
  const row = comparison.metrics.find(found => found.name === metric);
  return (
    <table className="jp-Mlops-table">
      <caption>
        {trans.__('Compute spent: %1 in all', formatDuration(total))}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Idea')}</th>
          <th scope="col">{trans.__('Runs')}</th>
          <th scope="col">{trans.__('Time')}</th>
          <th scope="col">{metric ?? ''}</th>
        </tr>
      </thead>
      <tbody>
        {comparison.ideas.map(idea => {
          const best = metric === undefined ? undefined : idea.best[metric];
          const run = best === undefined ? undefined : runs.get(best);
          return (
            <tr key={idea.name}>
              <th scope="row">
                <button
                  className="jp-Mlops-link"
                  onClick={() => onPick(new Set(idea.run_ids))}
                >
                  {idea.name}
                </button>
                {idea.dropped !== '' && (
                  <span className="jp-Mlops-quiet">
                    {' '}
                    {trans.__('dropped: %1', idea.dropped)}
                  </span>
                )}
              </th>
              <td>{idea.run_ids.length}</td>
              <td title={`${idea.duration} s`}>
                {formatDuration(idea.duration)}
              </td>
              <td
                title={
                  best === undefined || row === undefined
                    ? ''
                    : String(toNumber(row.values[best]))
                }
              >
                {run === undefined || row === undefined
                  ? '–'
                  : `${formatNumber(row.values[run.run_id])} (${labelOf(run)})`}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/**
 * Which run stands on which, as a tree.
 */
function Lineage(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  if (comparison.descents.length === 0) {
    return null;
  }
  const parents = new Map(comparison.descents.map(d => [d.run_id, d]));
  const children = new Map<string, RunSummary[]>();
  for (const run of comparison.runs) {
    const parent = parents.get(run.run_id)?.parent_id ?? '';
    children.set(parent, [...(children.get(parent) ?? []), run]);
  }
  return (
    <details className="jp-Mlops-fold">
      <summary>
        <h3>{trans.__('Which run stands on which')}</h3>
      </summary>
      <Branch {...props} of="" branches={children} descents={parents} />
    </details>
  );
}

function Branch(
  props: ISectionProps & {
    of: string;
    branches: ReadonlyMap<string, RunSummary[]>;
    descents: ReadonlyMap<string, Descent>;
  }
): JSX.Element | null {
  const { branches, descents, of } = props;
  const runs = branches.get(of) ?? [];
  return runs.length === 0 ? null : (
    <ul className="jp-Mlops-tree">
      {chains(runs, branches).map(chain => (
        <li key={chain[0].run_id}>
          {chain.map(run => (
            <div key={run.run_id}>
              <RunName {...props} run={run} />{' '}
              <span className="jp-Mlops-quiet">
                {sentenceWithCode(descents.get(run.run_id)?.sentence ?? '')}
              </span>
            </div>
          ))}
          <Branch {...props} of={chain[chain.length - 1].run_id} />
        </li>
      ))}
    </ul>
  );
}

/**
 * A run that one other alone stands on is followed by it in one line of
 * descent: fifty edits of a cell are no tree fifty deep.
 */
function chains(
  runs: readonly RunSummary[],
  branches: ReadonlyMap<string, RunSummary[]>
): RunSummary[][] {
  return runs.map(run => {
    const chain = [run];
    for (;;) {
      const next = branches.get(chain[chain.length - 1].run_id) ?? [];
      if (next.length !== 1) {
        return chain;
      }
      chain.push(next[0]);
    }
  });
}

/**
 * Parameters, those first whose values differ in most runs: fewest points of them
 * stand in one line.
 */
function byVariety(
  params: readonly IMeasure[],
  runs: readonly RunSummary[]
): IMeasure[] {
  const varied = ({ of }: IMeasure): number => {
    const counts = new Map<unknown, number>();
    for (const value of runs.map(of)) {
      if (value !== undefined && value !== null) {
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
    }
    const sizes = [...counts.values()];
    return sizes.reduce((sum, size) => sum + size, 0) - Math.max(...sizes, 0);
  };
  return [...params].sort((one, other) => varied(other) - varied(one));
}
