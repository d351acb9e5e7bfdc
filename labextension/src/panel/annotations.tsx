import * as React from 'react';

import { asProblem } from '../api';
import { EditRun } from '../contract';
import { referenceOf } from '../format';
import { BASELINE } from '../surroundings';
import type { IDetailsProps } from './details';

/**
 * Change something about a run and say what is wrong if that fails.
 */
function useEdit({ model, run }: IDetailsProps): {
  edit: (change: EditRun) => Promise<boolean>;
  problem: string;
} {
  const [problem, setProblem] = React.useState('');
  const edit = async (change: EditRun): Promise<boolean> => {
    try {
      await model.editRun(run.run_id, change);
      setProblem('');
      return true;
    } catch (reason) {
      const { message, hint } = asProblem(reason);
      setProblem(`${message} ${hint}`);
      return false;
    }
  };
  return { edit, problem };
}

/**
 * The note of a run, written in place: it is kept when the field is left, or
 * with Ctrl Enter; Escape leaves it as it was.
 */
export function NoteField(
  props: IDetailsProps & { note: string }
): JSX.Element {
  const { note, run, trans } = props;
  const [text, setText] = React.useState(note);
  const { edit, problem } = useEdit(props);
  const save = (): void => {
    if (text !== note) {
      void edit({ note: text });
    }
  };
  return (
    <>
      <textarea
        className="jp-Mlops-noteField"
        aria-label={trans.__('Note of run %1', referenceOf(run))}
        placeholder={trans.__('Add a note')}
        rows={Math.min(Math.max(text.split('\n').length, 1), 8)}
        value={text}
        onChange={event => setText(event.target.value)}
        onBlur={save}
        onKeyDown={event => {
          event.stopPropagation();
          if (event.key === 'Escape') {
            setText(note);
          } else if (
            event.key === 'Enter' &&
            (event.ctrlKey || event.metaKey)
          ) {
            save();
          }
        }}
      />
      <Complaint problem={problem} />
    </>
  );
}

/**
 * The tags of a run: each can be taken away, and new ones are written as
 * `name=value`.
 */
export function TagList(
  props: IDetailsProps & { tags: { [key: string]: string } }
): JSX.Element {
  const { run, tags, trans } = props;
  const [text, setText] = React.useState('');
  const { edit, problem } = useEdit(props);
  const add = (): void => {
    const [name, ...rest] = text.split('=');
    if (name.trim() !== '') {
      const change = { tags: { [name.trim()]: rest.join('=').trim() } };
      void edit(change).then(done => done && setText(''));
    }
  };
  return (
    <>
      <h4>{trans.__('Tags')}</h4>
      <ul className="jp-Mlops-tags">
        {Object.entries(tags)
          .filter(([name]) => name !== BASELINE)
          .map(([name, value]) => (
            <li key={name} title={`${name} = ${value}`}>
              <span>
                {name}
                {value !== '' && (
                  <>
                    {' '}
                    <b>{value}</b>
                  </>
                )}
              </span>
              <button
                aria-label={trans.__('Remove tag %1', name)}
                onClick={() => void edit({ tags: { [name]: null } })}
              >
                ×
              </button>
            </li>
          ))}
        <li>
          <input
            aria-label={trans.__('New tag of run %1', referenceOf(run))}
            placeholder={trans.__('name=value')}
            size={12}
            spellCheck={false}
            value={text}
            onChange={event => setText(event.target.value)}
            onBlur={add}
            onKeyDown={event => {
              event.stopPropagation();
              if (event.key === 'Enter') {
                add();
              } else if (event.key === 'Escape') {
                setText('');
              }
            }}
          />
        </li>
      </ul>
      <Complaint problem={problem} />
    </>
  );
}

function Complaint({ problem }: { problem: string }): JSX.Element | null {
  return problem === '' ? null : (
    <p className="jp-Mlops-error" role="alert">
      {problem}
    </p>
  );
}
