import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { CommandIds } from '../commands';
import { Kept } from '../comparison/kept';
import { getArtifact } from '../comparison/requests';
import { spellText } from '../completion';
import {
  Artifact,
  Dataset,
  Failure,
  Run,
  RunSummary,
  RunWarning
} from '../contract';
import {
  formatDuration,
  formatNumber,
  formatValue,
  referenceOf,
  toNumber
} from '../format';
import { IProblem } from '../tokens';
import { NoteField, TagList } from './annotations';
import { LongText, useFirst } from './more';
import { IPanelContext } from './panel';
import { Sparklines } from './sparkline';
import { statusText } from './status';

/** How many metrics, or parameters, are shown at first. */
const FACTS = 15;
const FIGURES = 3;

export interface IDetailsProps extends IPanelContext {
  run: RunSummary;
  details: Run | IProblem | undefined;
}

/**
 * What is known about a run, and what can be done with it.
 */
export function RunDetails(props: IDetailsProps): JSX.Element {
  const { trans, details } = props;
  if (details === undefined) {
    return <p className="jp-Mlops-quiet">{trans.__('Fetching details…')}</p>;
  }
  if ('message' in details) {
    return (
      <p className="jp-Mlops-error" role="alert">
        {details.message} {details.hint}
      </p>
    );
  }
  return (
    <>
      <p className="jp-Mlops-quiet">{oneLine(props, details)}</p>
      {details.hypothesis && (
        <p>
          <span className="jp-Mlops-quiet">{trans.__('Hypothesis:')}</span>{' '}
          <LongText trans={trans}>{details.hypothesis}</LongText>
        </p>
      )}
      <NoteField key={details.note} {...props} note={details.note} />
      {details.failure !== null && (
        <FailureText failure={details.failure} trans={trans} />
      )}
      <WarningList warnings={details.warnings} />
      <Facts
        trans={trans}
        title={trans.__('Metrics')}
        facts={Object.entries(details.metrics).map(([name, value]) => [
          name,
          formatNumber(value, 6),
          String(toNumber(value))
        ])}
      />
      <Sparklines {...props} run={details} />
      <Facts
        trans={trans}
        title={trans.__('Parameters')}
        facts={Object.entries(details.params).map(([name, value]) => [
          name,
          formatValue(value),
          formatValue(value)
        ])}
      />
      <DataList {...props} datasets={details.datasets} />
      <KeptFiles {...props} artifacts={details.artifacts} />
      <TagList {...props} tags={details.tags} />
      <RunActions {...props} />
    </>
  );
}

function oneLine({ run, trans }: IDetailsProps, details: Run): string {
  const parts = [statusText(run, trans), details.experiment];
  if (details.duration !== null) {
    parts.push(formatDuration(details.duration));
  }
  return parts.join(' · ');
}

/**
 * Warnings of a run: what was seen and what to do about it.
 */
export function WarningList(props: {
  warnings: readonly RunWarning[];
}): JSX.Element | null {
  if (props.warnings.length === 0) {
    return null;
  }
  return (
    <ul className="jp-Mlops-warnings">
      {props.warnings.map((warning, index) => (
        <li key={index} data-severity={warning.severity}>
          {warning.message}{' '}
          <span className="jp-Mlops-quiet">{warning.hint}</span>
        </li>
      ))}
    </ul>
  );
}

/**
 * What broke the run: the error, and on demand where it came from.
 */
function FailureText(props: {
  failure: Failure;
  trans: TranslationBundle;
}): JSX.Element {
  const { failure, trans } = props;
  return (
    <>
      <p className="jp-Mlops-error">
        <LongText trans={trans}>
          {[
            failure.line === null ? '' : trans.__('Line %1.', failure.line),
            `${failure.kind}: ${failure.message}`
          ]
            .filter(Boolean)
            .join(' ')}
        </LongText>
      </p>
      {failure.traceback !== '' && (
        <details className="jp-Mlops-log">
          <summary>{trans.__('Traceback')}</summary>
          <pre
            className="jp-Mlops-traceback"
            tabIndex={0}
            aria-label={trans.__('Traceback')}
          >
            {failure.traceback}
          </pre>
        </details>
      )}
    </>
  );
}

/**
 * Names with their values; the full value is the tooltip.
 */
function Facts(props: {
  title: string;
  facts: [string, string, string][];
  trans: TranslationBundle;
}): JSX.Element | null {
  const [facts, more] = useFirst(props.facts, FACTS, props.trans);
  if (props.facts.length === 0) {
    return null;
  }
  return (
    <>
      <h4>{props.title}</h4>
      <dl>
        {facts.map(([name, value, full]) => (
          <React.Fragment key={name}>
            <dt title={name}>{breakable(name)}</dt>
            <dd title={full}>{breakable(value)}</dd>
          </React.Fragment>
        ))}
      </dl>
      {more}
    </>
  );
}

/**
 * A name that may break where it nests, `model__step__setting`, or where a new
 * word begins, `RandomForest`. Its end, which tells such names apart, is always to
 * be seen.
 */
function breakable(name: string): React.ReactNode[] {
  return name.split(/(?<=__)|(?<=[a-z])(?=[A-Z])/).map((piece, index) => (
    <React.Fragment key={index}>
      {index > 0 && <wbr />}
      {piece}
    </React.Fragment>
  ));
}

/**
 * The data a run read, each with the way to the other runs that read it.
 */
function DataList(
  props: IDetailsProps & { datasets: readonly Dataset[] }
): JSX.Element | null {
  const { model, trans, datasets } = props;
  if (datasets.length === 0) {
    return null;
  }
  return (
    <>
      <h4>{trans.__('Data')}</h4>
      <ul className="jp-Mlops-dataList">
        {datasets.map((data, index) => (
          <li key={index}>
            <span
              title={[data.location, data.fingerprint]
                .filter(Boolean)
                .join('\n')}
            >
              {data.location || data.name}
            </span>{' '}
            <span className="jp-Mlops-quiet">
              {trans._n('%1 row', '%1 rows', data.rows)}, {data.role}
            </span>{' '}
            <button
              className="jp-Mlops-link"
              aria-label={trans.__('Runs that read %1', data.name)}
              title={trans.__('List the runs that read the very same data')}
              onClick={() =>
                void model.setFilter(
                  `dataset.hash = ${spellText(data.fingerprint)}`
                )
              }
            >
              {trans.__('Runs that read it')}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/**
 * The figures and small tables it kept, a confusion matrix for one.
 */
function KeptFiles(
  props: IDetailsProps & { artifacts: readonly Artifact[] }
): JSX.Element | null {
  const { model, run, trans } = props;
  const [files, more] = useFirst(
    props.artifacts.filter(({ kind }) => kind === 'figure' || kind === 'table'),
    FIGURES,
    trans
  );
  if (files.length === 0) {
    return null;
  }
  return (
    <>
      <h4>{trans.__('Figures and tables')}</h4>
      {files.map(artifact => (
        <figure key={artifact.path}>
          <figcaption className="jp-Mlops-quiet" title={artifact.path}>
            {artifact.path.split('/').pop()}
          </figcaption>
          <Kept
            artifact={artifact}
            runId={run.run_id}
            label={trans.__('%1 of run %2', artifact.path, referenceOf(run))}
            trans={trans}
            fetch={(runId, digest) => getArtifact(model.api, runId, digest)}
          />
        </figure>
      ))}
      {more}
    </>
  );
}

function RunActions(props: IDetailsProps): JSX.Element {
  const { commands, model, run, trans } = props;
  const pinned = model.state.baselines.some(
    other => other.run_id === run.run_id
  );
  const actions: [string, string][] = [
    [CommandIds.goToCell, trans.__('Go to cell')],
    [CommandIds.openAsNotebook, trans.__('Open as notebook')],
    [CommandIds.exportRun, trans.__('Export')],
    [
      CommandIds.pinBaseline,
      pinned ? trans.__('Unpin baseline') : trans.__('Pin as baseline')
    ],
    [CommandIds.renameRun, trans.__('Rename')],
    [CommandIds.deleteRun, trans.__('Delete')]
  ];
  return (
    <div className="jp-Mlops-rowActions">
      {actions.map(([command, label]) => (
        <button
          key={command}
          className="jp-Mlops-link"
          onClick={() => void commands.execute(command, { run_id: run.run_id })}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
