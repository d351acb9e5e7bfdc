import * as React from 'react';

import { byFrequency, parseColumn, usualOrder } from '../columns';
import { CommandIds } from '../commands';
import { spellField } from '../completion';
import { IRunsState } from '../tokens';
import { tableIcon } from '../icons';
import { describeKeys } from './keys';
import { IPanelContext } from './panel';

/**
 * How the list is put together: of which experiment, in what order, in which
 * groups.
 */
export function Tools(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { model, trans, state } = props;
  return (
    <div className="jp-Mlops-tools" role="group" aria-label={trans.__('List')}>
      {state.experiments.length > 1 && (
        <select
          className="jp-mod-styled jp-Mlops-wideTool"
          aria-label={trans.__('Experiment')}
          title={state.experiment ?? trans.__('All experiments')}
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
      <OrderChoice {...props} />
      <GroupChoice {...props} />
    </div>
  );
}

/**
 * The way to the table, and the keys.
 */
export function ListButtons(props: IPanelContext): JSX.Element {
  const { commands, trans } = props;
  return (
    <>
      <button
        className="jp-Mlops-iconButton"
        title={trans.__('Open all runs as a table')}
        aria-label={trans.__('Open all runs as a table')}
        onClick={() => void commands.execute(CommandIds.openTable)}
      >
        <tableIcon.react tag="span" width="16px" aria-hidden="true" />
      </button>
      <KeyHelp {...props} />
    </>
  );
}

/**
 * By what the runs are ordered, and which way.
 */
function OrderChoice(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { model, trans, state } = props;
  const { order } = state;
  const metrics = useNames(state, 'metrics');
  const params = useNames(state, 'params');
  const known = new Set([
    ...['name', 'duration', 'status', 'start_time', 'experiment'],
    ...metrics,
    ...params
  ]);
  return (
    <span className="jp-Mlops-order">
      <select
        className="jp-mod-styled"
        aria-label={trans.__('Order by')}
        title={trans.__('Order by %1', order?.column ?? trans.__('time'))}
        value={order?.column ?? ''}
        onChange={event => {
          const column = event.target.value;
          void model.setOrder(
            column === ''
              ? null
              : usualOrder(parseColumn(column), state.fields.lower_is_better)
          );
        }}
      >
        <option value="">{trans.__('Newest first')}</option>
        <option value="start_time">{trans.__('Started')}</option>
        <option value="name">{trans.__('Name')}</option>
        <option value="duration">{trans.__('Duration')}</option>
        <option value="status">{trans.__('Status')}</option>
        <option value="experiment">{trans.__('Experiment')}</option>
        {order !== null && !known.has(order.column) && (
          <option value={order.column}>{order.column}</option>
        )}
        <NameOptions label={trans.__('Metrics')} names={metrics} />
        <NameOptions label={trans.__('Parameters')} names={params} />
      </select>
      {order !== null && (
        <button
          className="jp-Mlops-iconButton"
          aria-pressed={order.descending}
          title={
            order.descending
              ? trans.__('Highest first')
              : trans.__('Lowest first')
          }
          aria-label={trans.__('Highest first')}
          onClick={() =>
            void model.setOrder({ ...order, descending: !order.descending })
          }
        >
          {order.descending ? '↓' : '↑'}
        </button>
      )}
    </span>
  );
}

/**
 * By what the runs are grouped.
 */
export function GroupChoice(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { model, trans, state } = props;
  const tags = state.fields.tags.map(name => spellField('tags', name));
  const params = useNames(state, 'params');
  const { groupBy } = state;
  const known = new Set([
    ...['experiment', 'notebook', 'status', 'name', 'data'],
    ...tags,
    ...params
  ]);
  return (
    <select
      className="jp-mod-styled"
      aria-label={trans.__('Group by')}
      title={trans.__('Group by %1', groupBy ?? trans.__('nothing'))}
      value={groupBy ?? ''}
      onChange={event => void model.setGroupBy(event.target.value || null)}
    >
      <option value="">{trans.__('No groups')}</option>
      <option value="experiment">{trans.__('Experiment')}</option>
      <option value="notebook">{trans.__('Notebook')}</option>
      <option value="status">{trans.__('Status')}</option>
      <option value="name">{trans.__('Name')}</option>
      <option value="data">{trans.__('Data they read')}</option>
      {groupBy !== null && !known.has(groupBy) && (
        <option value={groupBy}>{groupBy}</option>
      )}
      <NameOptions label={trans.__('Tags')} names={tags} />
      <NameOptions label={trans.__('Parameters')} names={params} />
    </select>
  );
}

/**
 * A group of names to choose from. Under its label they need no prefix, which
 * would leave no room for them in the closed box.
 */
function NameOptions(props: {
  label: string;
  names: readonly string[];
}): JSX.Element {
  return (
    <optgroup label={props.label}>
      {props.names.map(name => (
        <option key={name} value={name}>
          {parseColumn(name).name}
        </option>
      ))}
    </optgroup>
  );
}

/**
 * Names as filters spell them: those of the listed runs first, then the others.
 */
function useNames(state: IRunsState, kind: 'metrics' | 'params'): string[] {
  return React.useMemo(
    () =>
      [
        ...new Set([...byFrequency(state.runs, kind), ...state.fields[kind]])
      ].map(name => spellField(kind, name)),
    [state.runs, state.fields, kind]
  );
}

/**
 * The keys of the list, told when they are asked for.
 */
function KeyHelp({ trans }: IPanelContext): JSX.Element {
  const [open, setOpen] = React.useState(false);
  const id = React.useId();
  React.useEffect(() => {
    if (!open) {
      return undefined;
    }
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') {
        setOpen(false);
      }
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, [open]);
  return (
    <>
      <button
        className="jp-Mlops-iconButton"
        aria-expanded={open}
        aria-controls={id}
        aria-label={trans.__('Keys')}
        title={trans.__('Keys')}
        onClick={() => setOpen(!open)}
      >
        ?
      </button>
      <dl id={id} className="jp-Mlops-keys" hidden={!open}>
        {describeKeys(trans).map(([key, does]) => (
          <React.Fragment key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </React.Fragment>
        ))}
      </dl>
    </>
  );
}
