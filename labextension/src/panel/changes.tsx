import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { asProblem } from '../api';
import { CommandIds } from '../commands';
import {
  MetricChange,
  Pipeline,
  PipelineVersion,
  VersionChange,
  VersionDifference
} from '../contract';
import { IProblem } from '../tokens';
import { IPanelContext } from './panel';
import { ValueCells } from './proof';

/** What it comes to, then the causes in the order in which they are looked for. */
const SECTIONS = [
  'metrics',
  'config',
  'data contract',
  'code',
  'environment'
] as const;

/**
 * What a version of a pipeline does that an earlier one did not: metrics,
 * configuration, data contract, code, environment, each change with its layer.
 */
export function VersionChanges(
  props: IPanelContext & {
    pipeline: Pipeline;
    version: PipelineVersion;
    earlier: readonly number[];
    since: number;
    onSince: (version: number) => void;
  }
): JSX.Element {
  const { commands, model, trans, pipeline, earlier, since } = props;
  const { version } = props.version;
  const sources = [since, version].map(
    number =>
      pipeline.versions.find(other => other.version === number)?.run_id ?? ''
  );
  const [found, setFound] = React.useState<VersionDifference | IProblem | null>(
    null
  );
  React.useEffect(() => {
    let wanted = true;
    model.api
      .compareVersions(pipeline.name, since, version)
      .catch(asProblem)
      .then(answer => {
        if (wanted) {
          setFound(answer);
        }
      })
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [model, pipeline.name, since, version]);
  return (
    <section
      className="jp-Mlops-changes"
      aria-label={trans.__('From v%1 to v%2', since, version)}
    >
      {earlier.length > 1 && (
        <label>
          {trans.__('Compared with')}{' '}
          <select
            className="jp-mod-styled"
            value={since}
            onChange={event => props.onSince(Number(event.target.value))}
          >
            {earlier.map(other => (
              <option key={other} value={other}>
                {`v${other}`}
              </option>
            ))}
          </select>
        </label>
      )}
      {sources[0] !== sources[1] && !sources.includes('') && (
        <button
          className="jp-Mlops-link"
          onClick={() =>
            void commands.execute(CommandIds.compareRuns, { run_ids: sources })
          }
        >
          {trans.__('Compare the runs they came from')}
        </button>
      )}
      {found === null ? (
        <p className="jp-Mlops-quiet">{trans.__('Comparing…')}</p>
      ) : 'message' in found ? (
        <p className="jp-Mlops-error" role="alert">
          {found.message} {found.hint}
        </p>
      ) : (
        <Difference difference={found} trans={trans} />
      )}
    </section>
  );
}

function Difference(props: {
  difference: VersionDifference;
  trans: TranslationBundle;
}): JSX.Element {
  const { difference, trans } = props;
  const { changes, metrics } = difference;
  const titles: Record<string, string> = {
    config: trans.__('Configuration'),
    'data contract': trans.__('Data contract'),
    code: trans.__('Code'),
    metrics: trans.__('Metrics'),
    environment: trans.__('Environment')
  };
  if (changes.length === 0) {
    return <p>{trans.__('Nothing that is kept of them differs.')}</p>;
  }
  return (
    <>
      {SECTIONS.map(section => {
        const here = changes.filter(change => change.section === section);
        const isMetrics = section === 'metrics' && metrics.length > 0;
        return (
          (here.length > 0 || isMetrics) && (
            <React.Fragment key={section}>
              <h4>{titles[section]}</h4>
              {isMetrics ? (
                <Metrics {...props} metrics={metrics} />
              ) : (
                here.map((change, index) => (
                  <Change key={index} change={change} trans={trans} />
                ))
              )}
            </React.Fragment>
          )
        );
      })}
    </>
  );
}

function Change(props: {
  change: VersionChange;
  trans: TranslationBundle;
}): JSX.Element {
  const { change, trans } = props;
  return (
    <div className="jp-Mlops-diff">
      <span>
        <b>{change.name}</b> <Layer layer={change.layer} trans={trans} />
      </span>
      <pre tabIndex={0} aria-label={change.name}>
        {change.lines
          .filter(line => !line.startsWith('@@'))
          .map((line, index) => (
            <span key={index} data-side={sideOf(line)}>
              {line || ' '}
            </span>
          ))}
      </pre>
    </div>
  );
}

function sideOf(line: string): string {
  return line.startsWith('+')
    ? 'added'
    : line.startsWith('-')
      ? 'removed'
      : 'both';
}

/**
 * What a change belongs to.
 */
function Layer(props: {
  layer: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { layer, trans } = props;
  const names: Record<string, [string, string]> = {
    run: [trans.__('run'), trans.__('Its settings and numbers')],
    pipeline: [
      trans.__('pipeline'),
      trans.__('Which steps there are, and what goes between them')
    ],
    component: [trans.__('component'), trans.__('What one step does')],
    infrastructure: [
      trans.__('infrastructure'),
      trans.__('Python, packages, and what is the same in every pipeline')
    ]
  };
  const [name, meaning] = names[layer] ?? [layer, ''];
  return (
    <span className="jp-Mlops-layer" title={meaning}>
      {name}
    </span>
  );
}

function Metrics(props: {
  difference: VersionDifference;
  metrics: readonly MetricChange[];
  trans: TranslationBundle;
}): JSX.Element {
  const { difference, metrics, trans } = props;
  return (
    <table className="jp-Mlops-proof">
      <caption className="jp-Mlops-unseen">
        {trans.__('Metrics of both versions')}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Metric')}</th>
          <th scope="col">{`v${difference.first}`}</th>
          <th scope="col">{`v${difference.second}`}</th>
        </tr>
      </thead>
      <tbody>
        {metrics.map(({ name, first, second }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <ValueCells values={[first, second]} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
