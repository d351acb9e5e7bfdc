import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ATTRIBUTES, columnOf, IColumn, parseColumn } from '../columns';
import { IPanelContext } from '../panel/panel';
import { IRunsState } from '../tokens';

/**
 * What a column is called in its head.
 */
export function columnTitle(column: IColumn, trans: TranslationBundle): string {
  switch (column.kind === 'attributes' ? column.name : '') {
    case 'status':
      return trans.__('Status');
    case 'start_time':
      return trans.__('Started');
    case 'duration':
      return trans.__('Duration');
    case 'experiment':
      return trans.__('Experiment');
    case 'notebook':
      return trans.__('Notebook');
    case 'note':
      return trans.__('Note');
    case 'number':
      return trans.__('Number');
    case 'run_id':
      return trans.__('Run id');
    default:
      return column.name;
  }
}

/**
 * Which columns the table has: a list that can be searched, in the order in
 * which they will stand.
 */
export function ColumnChooser(
  props: IPanelContext & { state: IRunsState; columns: readonly string[] }
): JSX.Element {
  const { model, trans, state, columns } = props;
  const [open, setOpen] = React.useState(false);
  const [sought, setSought] = React.useState('');
  const id = React.useId();
  const root = React.useRef<HTMLDivElement>(null);
  const button = React.useRef<HTMLButtonElement>(null);

  const sections: [string, IColumn[]][] = [
    [trans.__('Metrics'), namesOf('metrics', state)],
    [trans.__('Parameters'), namesOf('params', state)],
    [trans.__('Tags'), namesOf('tags', state)],
    [trans.__('Run'), ATTRIBUTES.map(name => columnOf('attributes', name))]
  ];
  const toggle = (column: IColumn, chosen: boolean): void => {
    const others = columns.filter(other => other !== column.id);
    model.setColumns(chosen ? [...others, column.id] : others);
  };
  return (
    <div
      ref={root}
      className="jp-Mlops-chooser"
      onKeyDown={event => {
        if (event.key === 'Escape' && open) {
          event.stopPropagation();
          setOpen(false);
          button.current?.focus();
        }
      }}
      onBlur={event => {
        if (!root.current?.contains(event.relatedTarget)) {
          setOpen(false);
        }
      }}
    >
      <button
        ref={button}
        className="jp-mod-styled"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        {trans.__('Columns')}
      </button>
      {open && (
        <div
          id={id}
          className="jp-Mlops-choices"
          role="group"
          aria-label={trans.__('Columns of the table')}
          tabIndex={-1}
        >
          <input
            className="jp-mod-styled"
            type="search"
            autoFocus
            aria-label={trans.__('Find a column')}
            placeholder={trans.__('Find a column')}
            value={sought}
            onChange={event => setSought(event.target.value)}
          />
          <div className="jp-Mlops-choiceList" tabIndex={-1}>
            {sections.map(([title, all]) => {
              const found = all.filter(column =>
                columnTitle(column, trans)
                  .toLowerCase()
                  .includes(sought.toLowerCase())
              );
              return (
                found.length > 0 && (
                  <fieldset key={title}>
                    <legend>{title}</legend>
                    {found.map(column => (
                      <label key={column.id} title={column.id}>
                        <input
                          type="checkbox"
                          checked={columns.includes(column.id)}
                          onChange={event =>
                            toggle(column, event.target.checked)
                          }
                        />
                        <span>{columnTitle(column, trans)}</span>
                      </label>
                    ))}
                  </fieldset>
                )
              );
            })}
          </div>
          <button
            className="jp-Mlops-link"
            disabled={state.columns === null}
            onClick={() => model.setColumns(null)}
          >
            {trans.__('Back to the usual columns')}
          </button>
        </div>
      )}
    </div>
  );
}

/**
 * The columns there could be of a kind: of all names, and those chosen before
 * even if no run has them any more.
 */
function namesOf(
  kind: 'metrics' | 'params' | 'tags',
  state: IRunsState
): IColumn[] {
  const chosen = (state.columns ?? [])
    .map(parseColumn)
    .filter(column => column.kind === kind)
    .map(column => column.name);
  return [...new Set([...state.fields[kind], ...chosen])].map(name =>
    columnOf(kind, name)
  );
}
