import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { CommandIds } from '../commands';
import { PipelineVersion } from '../contract';
import { referenceOf } from '../format';
import { failedIcon, finishedIcon } from '../icons';
import { IExport } from '../pipelines';
import { IPanelContext } from './panel';
import { Proof } from './proof';
import { useModelState } from './signals';

interface IExportProps extends IPanelContext {
  current: IExport;
}

/**
 * The export of a run: a name is asked for, then progress, then the verdict.
 */
export function ExportSection(context: IPanelContext): JSX.Element | null {
  const { model, trans } = context;
  const current = useModelState(model.pipelines).export;
  if (current === null) {
    return null;
  }
  const props = { ...context, current };
  return (
    <section
      className="jp-Mlops-export"
      aria-label={trans.__('Export of run %1', referenceOf(current.run))}
      onKeyDown={event => {
        if (event.key === 'Escape' && current.stage !== 'working') {
          event.stopPropagation();
          model.pipelines.closeExport();
        }
      }}
    >
      <h3>
        {trans.__('Export run %1 to a pipeline', referenceOf(current.run))}
      </h3>
      {current.stage === 'naming' ? (
        <NameForm key={current.run.run_id} {...props} />
      ) : (
        <>
          <Progress {...props} />
          {current.stage === 'ended' && <Outcome {...props} />}
        </>
      )}
    </section>
  );
}

function NameForm({ model, trans, current }: IExportProps): JSX.Element {
  const [name, setName] = React.useState(
    current.job?.name || current.suggestion
  );
  const [touched, setTouched] = React.useState(false);
  const [environment, setEnvironment] = React.useState(false);
  const field = React.useRef<HTMLInputElement>(null);
  const helpId = React.useId();
  const valid = /^[A-Za-z][A-Za-z0-9_]*$/.test(name);
  const existing = model.pipelines.state.pipelines.find(
    pipeline => pipeline.name === name
  );

  React.useEffect(() => field.current?.select(), []);

  const help = !valid
    ? trans.__(
        'Use letters, digits and underscores, beginning with a letter: churn_model.'
      )
    : existing !== undefined
      ? trans.__(
          'Becomes version %1 of %2.',
          Math.max(...existing.versions.map(item => item.version), 0) + 1,
          name
        )
      : trans.__('Becomes version 1 of a new pipeline.');
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        setTouched(true);
        if (valid) {
          void model.pipelines.startExport(name, environment);
        }
      }}
    >
      <label>
        <span>{trans.__('Pipeline name')}</span>
        <input
          ref={field}
          className="jp-mod-styled"
          value={name}
          spellCheck={false}
          autoComplete="off"
          aria-invalid={!valid}
          aria-describedby={helpId}
          onChange={event => setName(event.target.value)}
        />
      </label>
      <p
        id={helpId}
        className={valid ? 'jp-Mlops-quiet' : 'jp-Mlops-error'}
        role={touched && !valid ? 'alert' : undefined}
      >
        {current.problem !== null
          ? `${current.problem.message} ${current.problem.hint}`
          : help}
      </p>
      <label
        className="jp-Mlops-choice"
        title={trans.__(
          'A virtual environment made from the version’s requirements.lock alone'
        )}
      >
        <input
          type="checkbox"
          checked={environment}
          onChange={event => setEnvironment(event.target.checked)}
        />{' '}
        {trans.__('Prove it in a new environment (slower)')}
      </label>
      <div className="jp-Mlops-buttons">
        <button
          type="submit"
          className="jp-mod-styled jp-mod-accept"
          disabled={!valid}
        >
          {trans.__('Export')}
        </button>
        <button
          type="button"
          className="jp-mod-styled"
          onClick={() => model.pipelines.closeExport()}
        >
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}

function Progress({ current, trans }: IExportProps): JSX.Element {
  const working = current.stage === 'working';
  const sentences = current.job?.progress ?? [];
  return (
    <ol
      className="jp-Mlops-progress"
      aria-label={trans.__('Progress')}
      aria-live="polite"
      aria-busy={working}
    >
      {sentences.map((sentence, index) => (
        <li
          key={index}
          data-current={working && index === sentences.length - 1}
        >
          {sentence}
        </li>
      ))}
      {sentences.length === 0 && working && (
        <li data-current={true}>{trans.__('Waiting for the server…')}</li>
      )}
    </ol>
  );
}

function Outcome(props: IExportProps): JSX.Element {
  const { model, trans, current } = props;
  const version = current.job?.version ?? null;
  const error = current.problem ?? current.job?.error ?? null;
  return (
    <div role="status">
      {version !== null ? (
        <Verdict {...props} version={version} />
      ) : (
        <p className="jp-Mlops-error">
          {trans.__('There is no new version.')} {error?.message} {error?.hint}
        </p>
      )}
      <div className="jp-Mlops-buttons">
        {version !== null && (
          <OpenScriptButton {...props} version={version} accept />
        )}
        <button
          className="jp-mod-styled"
          onClick={() => model.pipelines.closeExport()}
        >
          {trans.__('Close')}
        </button>
      </div>
    </div>
  );
}

function Verdict(
  props: IExportProps & { version: PipelineVersion }
): JSX.Element {
  const { trans, version } = props;
  return (
    <>
      <p className="jp-Mlops-verdictLine">
        <VerdictMark status={version.status} trans={trans} />{' '}
        <strong>{trans.__('%1 v%2', version.name, version.version)}</strong>
      </p>
      <Proof version={version} trans={trans} />
    </>
  );
}

/**
 * The verdict on a version: an icon and the word.
 */
export function VerdictMark(props: {
  status: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { status, trans } = props;
  const validated = status === 'validated';
  const Mark = validated ? finishedIcon.react : failedIcon.react;
  return (
    <span className="jp-Mlops-verdict" data-verdict={status}>
      <Mark tag="span" width="14px" height="14px" aria-hidden="true" />
      {validated ? trans.__('validated') : trans.__('rejected')}
    </span>
  );
}

/**
 * Opens the version's script in the editor; says where it lies when the
 * server's root does not hold it.
 */
export function OpenScriptButton(
  props: IPanelContext & {
    version: PipelineVersion;
    accept?: boolean;
    brief?: boolean;
  }
): JSX.Element {
  const { commands, trans, version, accept } = props;
  const path = version.contents_path;
  return (
    <button
      className={accept ? 'jp-mod-styled jp-mod-accept' : 'jp-Mlops-link'}
      disabled={path === null}
      title={
        path === null
          ? trans.__('It lies outside the server’s root: %1', version.path)
          : trans.__(
              'Open pipeline.py of %1 v%2',
              version.name,
              version.version
            )
      }
      aria-label={trans.__('Open script')}
      onClick={() => void commands.execute(CommandIds.openScript, { path })}
    >
      {props.brief ? trans.__('Script') : trans.__('Open script')}
    </button>
  );
}
