import { TranslationBundle } from '@jupyterlab/translation';
import { caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { AliasMove, Pipeline, PipelineVersion } from '../contract';
import { leadingVersions } from '../excerpt';
import { formatAgo } from '../format';
import { IMove, IRefusal } from '../pipelines';
import { VersionChanges } from './changes';
import { OpenScriptButton, VerdictMark } from './export';
import { MoreButton } from './more';
import { IPanelContext } from './panel';
import { Proof } from './proof';
import { ProtectedRows } from './protected';
import { useModelState, useNow } from './signals';

/** How many versions of a pipeline are shown at first. */
const VERSIONS = 3;
const ALIASES = ['candidate', 'shadow', 'champion'];

/**
 * The exported pipelines: their versions, verdicts and aliases. What went wrong
 * stands above the list, where it is seen wherever the list is scrolled to.
 */
export function PipelinesSection(context: IPanelContext): JSX.Element {
  const { model, trans } = context;
  const state = useModelState(model.pipelines);
  const listId = React.useId();
  return (
    <section
      className="jp-Mlops-pipelines"
      aria-label={trans.__('Pipelines')}
      data-folded={state.folded}
    >
      <h3>
        <button
          aria-expanded={!state.folded}
          aria-controls={listId}
          onClick={() => model.pipelines.fold(!state.folded)}
        >
          <caretRightIcon.react tag="span" aria-hidden="true" />
          {trans.__('Pipelines')}{' '}
          <span className="jp-Mlops-quiet">
            {state.known && state.pipelines.length}
          </span>
        </button>
      </h3>
      {state.problem !== null && (
        <p className="jp-Mlops-error" role="alert">
          {state.problem.message} {state.problem.hint}
        </p>
      )}
      {state.refused !== null && (
        <Refused {...context} refusal={state.refused} />
      )}
      <div role="status">
        {state.moved !== null && <Moved {...context} move={state.moved} />}
      </div>
      <div id={listId} hidden={state.folded}>
        {state.known && state.pipelines.length === 0 && (
          <p className="jp-Mlops-quiet">
            {trans.__('None yet. Select a run and export it.')}
          </p>
        )}
        {state.pipelines.map(pipeline => (
          <PipelineItem key={pipeline.name} {...context} pipeline={pipeline} />
        ))}
      </div>
    </section>
  );
}

/**
 * Why an alias was not moved, and the way to move it all the same.
 */
function Refused(props: IPanelContext & { refusal: IRefusal }): JSX.Element {
  const { model, trans, refusal } = props;
  const { pipeline, alias, version, reason } = refusal;
  return (
    <div className="jp-Mlops-error" role="alert">
      {reason}{' '}
      <button
        className="jp-Mlops-link"
        onClick={() =>
          void model.pipelines.moveAlias(pipeline, alias, version, true)
        }
      >
        {trans.__('Promote it all the same')}
      </button>
      {' · '}
      <button
        className="jp-Mlops-link"
        onClick={() => model.pipelines.keepRefusal()}
      >
        {trans.__('Leave it')}
      </button>
    </div>
  );
}

/**
 * What an alias was moved to, and the way back.
 */
function Moved(props: IPanelContext & { move: IMove }): JSX.Element {
  const { model, trans, move } = props;
  const { pipeline, alias, from, to } = move;
  return (
    <p className="jp-Mlops-moved">
      <span>
        {to === null
          ? trans.__('%1 of %2 was taken off v%3.', alias, pipeline, from ?? '')
          : from === null
            ? trans.__('%1 of %2 is v%3 now.', alias, pipeline, to)
            : trans.__(
                '%1 of %2 is v%3 now, no longer v%4.',
                alias,
                pipeline,
                to,
                from
              )}
      </span>{' '}
      <button
        className="jp-Mlops-link"
        onClick={() => void model.pipelines.takeMoveBack()}
      >
        {trans.__('Undo')}
      </button>
      <button
        className="jp-Mlops-iconButton"
        title={trans.__('Close')}
        aria-label={trans.__('Close')}
        onClick={() => model.pipelines.keepMove()}
      >
        ×
      </button>
    </p>
  );
}

function PipelineItem(
  props: IPanelContext & { pipeline: Pipeline }
): JSX.Element {
  const { model, trans, pipeline } = props;
  const [all, setAll] = React.useState(false);
  const { versions } = pipeline;
  const leading = leadingVersions(
    versions,
    [...Object.values(pipeline.aliases), ...Object.values(pipeline.rollbacks)],
    VERSIONS
  );
  const others = versions.length - leading.length;
  return (
    <details className="jp-Mlops-pipeline" open>
      <summary>
        <strong>{pipeline.name}</strong>{' '}
        <span className="jp-Mlops-quiet">
          {trans._n('%1 version', '%1 versions', pipeline.versions.length)}
        </span>
      </summary>
      <ul>
        {(all ? versions : leading).map(version => (
          <VersionItem key={version.version} {...props} version={version} />
        ))}
      </ul>
      {others > 0 && (
        <MoreButton all={all} others={others} onAll={setAll} trans={trans} />
      )}
      {Object.entries(pipeline.rollbacks).map(([alias, version]) => (
        <button
          key={alias}
          className="jp-Mlops-link"
          title={trans.__(
            'Move %1 back to v%2, where it stood',
            alias,
            version
          )}
          onClick={() => void model.pipelines.rollbackAlias(pipeline, alias)}
        >
          {trans.__('Roll back %1 to v%2', alias, version)}
        </button>
      ))}
      <ProtectedRows {...props} />
      {pipeline.log.length > 0 && <MoveLog {...props} />}
    </details>
  );
}

/**
 * How the aliases moved, the newest move first.
 */
function MoveLog(props: IPanelContext & { pipeline: Pipeline }): JSX.Element {
  const { trans, language, pipeline } = props;
  const now = useNow();
  return (
    <details className="jp-Mlops-log">
      <summary>{trans._n('%1 move', '%1 moves', pipeline.log.length)}</summary>
      <ol>
        {pipeline.log.map((move, index) => (
          <li key={index}>
            <span className="jp-Mlops-alias">{move.alias}</span>{' '}
            {isRollback(move) && <b>{trans.__('rolled back')} </b>}
            {moveText(move, trans)}
            {move.reason !== '' &&
              !isRollback(move) &&
              ` – ${move.reason}`}{' '}
            <span
              className="jp-Mlops-when"
              title={new Date(move.moved_at).toLocaleString()}
            >
              {formatAgo(move.moved_at, now, language)}
            </span>
          </li>
        ))}
      </ol>
    </details>
  );
}

/**
 * Whether an alias went back to where it stood: the store says so in its reason.
 */
function isRollback(move: AliasMove): boolean {
  return move.reason === 'rollback';
}

function moveText(move: AliasMove, trans: TranslationBundle): string {
  const { from_version, to_version } = move;
  if (to_version === null) {
    return trans.__('taken off v%1', from_version ?? '');
  }
  return from_version === null
    ? trans.__('to v%1', to_version)
    : trans.__('v%1 → v%2', from_version, to_version);
}

function VersionItem(
  props: IPanelContext & { pipeline: Pipeline; version: PipelineVersion }
): JSX.Element {
  const { model, trans, pipeline, version } = props;
  const [open, setOpen] = React.useState(false);
  const [since, setSince] = React.useState<number | null>(null);
  const now = useNow();
  // The version before it first.
  const earlier = pipeline.versions
    .map(other => other.version)
    .filter(other => other < version.version)
    .sort((one, other) => other - one);
  const title = `v${version.version}`;
  const aliases = Object.keys(pipeline.aliases).filter(
    alias => pipeline.aliases[alias] === version.version
  );
  return (
    <li className="jp-Mlops-version">
      <div>
        <button
          className="jp-Mlops-link"
          aria-expanded={open}
          aria-label={trans.__('Proof of %1 %2', pipeline.name, title)}
          onClick={() => setOpen(!open)}
        >
          {title}
        </button>
        <VerdictMark status={version.status} trans={trans} />
        {aliases.map(alias => (
          <span key={alias} className="jp-Mlops-alias">
            {alias}
            <button
              title={trans.__('Take %1 off %2', alias, title)}
              aria-label={trans.__('Take %1 off %2', alias, title)}
              onClick={() =>
                void model.pipelines.moveAlias(pipeline, alias, null)
              }
            >
              ×
            </button>
          </span>
        ))}
        <span
          className="jp-Mlops-when"
          title={new Date(version.created_at).toLocaleString()}
        >
          {trans.__('from #%1', version.run_number)},{' '}
          {formatAgo(version.created_at, now, props.language)}
        </span>
      </div>
      <div>
        <OpenScriptButton {...props} brief />
        {earlier.length > 0 && (
          <button
            className="jp-Mlops-link"
            aria-expanded={since !== null}
            aria-label={trans.__(
              'What %1 %2 changes since v%3',
              pipeline.name,
              title,
              since ?? earlier[0]
            )}
            onClick={() => setSince(since === null ? earlier[0] : null)}
          >
            {trans.__('Since v%1', since ?? earlier[0])}
          </button>
        )}
        {version.status === 'validated' && (
          <select
            className="jp-Mlops-promote"
            aria-label={trans.__('Promote %1 %2', pipeline.name, title)}
            value=""
            onChange={event => {
              const alias = event.target.value;
              void model.pipelines.moveAlias(pipeline, alias, version.version);
            }}
          >
            <option value="" disabled>
              {trans.__('Promote to…')}
            </option>
            {ALIASES.filter(alias => !aliases.includes(alias)).map(alias => (
              <option key={alias} value={alias}>
                {alias}
              </option>
            ))}
          </select>
        )}
      </div>
      {since !== null && (
        <VersionChanges
          {...props}
          earlier={earlier}
          since={since}
          onSince={setSince}
        />
      )}
      {open && <Proof version={version} trans={trans} />}
    </li>
  );
}
