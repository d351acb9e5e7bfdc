import * as React from 'react';

import { TranslationBundle } from '@jupyterlab/translation';

import {
  accept,
  complete,
  ICompletion,
  IOption,
  placeOfProblem
} from '../completion';
import { warningIcon } from '../icons';
import { IProblem, IRunsState } from '../tokens';
import { IPanelContext } from './panel';

const COMPLAIN_MILLISECONDS = 500;

/**
 * The filter box. Plain words are looked for in the names, the rest is the
 * server's language, completed while it is written: arrows choose, Enter or Tab
 * takes. What is wrong stands below the box, with the place, while the list still
 * shows what was found last. It lies over what is below and moves nothing: once one
 * goes on elsewhere a mark in the box stands for it.
 */
export function SearchBox(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { model, trans, state } = props;
  const [text, setText] = React.useState(state.filter);
  const box = React.useRef<HTMLInputElement>(null);
  const problem = useLasting(state.filterProblem, text);
  const id = React.useId();
  const completion = useCompletion(props, text, box);
  const { options, chosen } = completion;

  // The other view of the same runs, or a page that comes back, has set it.
  const applied = React.useRef(state.filter);
  React.useEffect(() => {
    if (state.filter !== applied.current) {
      applied.current = state.filter;
      setText(text => (text.trim() === state.filter ? text : state.filter));
    }
  }, [state.filter]);
  React.useEffect(() => {
    if (text.trim() === applied.current) {
      return;
    }
    const timer = setTimeout(() => {
      applied.current = text.trim();
      void model.setFilter(text.trim());
    }, model.pace.delay);
    return () => clearTimeout(timer);
  }, [text, model]);

  const take = (index: number): void => {
    const taken = accept(text, completion.current, options[index]);
    setText(taken.text);
    completion.follow(taken.text, taken.caret);
    requestAnimationFrame(() => {
      box.current?.setSelectionRange(taken.caret, taken.caret);
    });
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const keys: Record<string, (() => void) | undefined> = {
      ArrowDown: () => completion.choose(chosen + 1),
      ArrowUp:
        options.length > 0 ? () => completion.choose(chosen - 1) : undefined,
      Enter: chosen >= 0 ? () => take(chosen) : undefined,
      Tab: chosen >= 0 ? () => take(chosen) : undefined,
      Escape:
        options.length > 0
          ? () => completion.close()
          : text !== ''
            ? () => setText('')
            : undefined
    };
    const opens = event.key === ' ' && event.ctrlKey;
    const act = opens ? () => completion.choose(0) : keys[event.key];
    if (act !== undefined && !event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  };

  return (
    <div className="jp-Mlops-search" role="search">
      <input
        ref={box}
        type="search"
        className="jp-mod-styled"
        aria-label={trans.__('Filter runs')}
        aria-autocomplete="list"
        aria-controls={options.length > 0 ? `${id}-options` : undefined}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-invalid={problem !== null}
        aria-describedby={problem !== null ? `${id}-problem` : undefined}
        placeholder={trans.__('Words, #12 or metrics.f1 > 0.9')}
        title={problem === null ? text : `${problem.message} ${problem.hint}`}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={event => {
          setText(event.target.value);
          completion.follow(
            event.target.value,
            event.target.selectionStart ?? event.target.value.length
          );
        }}
        onKeyDown={onKeyDown}
        onBlur={() => completion.close()}
      />
      <p className="jp-Mlops-unseen" role="status">
        {options.length > 0 &&
          trans._n('%1 completion', '%1 completions', options.length)}
      </p>
      {options.length > 0 && (
        <ul
          id={`${id}-options`}
          className="jp-Mlops-options"
          role="listbox"
          aria-label={trans.__('Completions')}
        >
          {options.map((option, index) => (
            <li
              key={option.text}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === chosen}
              data-label={labelOf(option, trans)}
              title={option.text}
              onMouseDown={event => {
                event.preventDefault();
                take(index);
              }}
            >
              {option.text}
            </li>
          ))}
        </ul>
      )}
      {problem !== null && (
        <>
          <warningIcon.react
            tag="span"
            className="jp-Mlops-wrong"
            aria-hidden="true"
          />
          {/* It can take the focus, so that it stays while one selects from it. */}
          <div
            id={`${id}-problem`}
            className="jp-Mlops-error"
            role="alert"
            tabIndex={-1}
          >
            <Place text={text.trim()} problem={problem} />
            {shortened(problem.message)} {problem.hint}
          </div>
        </>
      )}
    </div>
  );
}

/**
 * What a completion is, for people; nothing where that is plain.
 */
function labelOf(option: IOption, trans: TranslationBundle): string {
  switch (option.kind) {
    case 'metric':
      return trans.__('metric');
    case 'param':
      return trans.__('parameter');
    case 'tag':
      return trans.__('tag');
    case 'data':
      return trans.__('of its data');
    case 'field':
      return trans.__('of the run');
    default:
      return '';
  }
}

/**
 * The filter with a mark where it is wrong.
 */
function Place(props: { text: string; problem: IProblem }): JSX.Element | null {
  const { text, problem } = props;
  const place = placeOfProblem(problem.message);
  if (place === null || place > text.length) {
    return null;
  }
  const end = /^[\w.]+|^[^\s]/.exec(text.slice(place))?.[0].length ?? 0;
  return (
    <code className="jp-Mlops-place" aria-hidden="true">
      {text.slice(0, place)}
      <mark>{end === 0 ? '\u2002' : text.slice(place, place + end)}</mark>
      {text.slice(place + end)}
    </code>
  );
}

/**
 * The message without the filter, which stands above it.
 */
function shortened(message: string): string {
  const found = /^The filter .* at character \d+: (.*)$/s.exec(message);
  return found === null
    ? message
    : found[1][0].toUpperCase() + found[1].slice(1);
}

/**
 * A problem that has lasted for a moment: what is only half written is not yet
 * wrong.
 */
function useLasting(problem: IProblem | null, text: string): IProblem | null {
  const [lasting, setLasting] = React.useState<IProblem | null>(problem);
  React.useEffect(() => {
    if (problem === null) {
      setLasting(null);
      return;
    }
    const timer = setTimeout(() => setLasting(problem), COMPLAIN_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [problem, text]);
  return problem === null ? null : lasting;
}

interface ICompletionState {
  current: ICompletion;
  options: ICompletion['options'];
  chosen: number;
  follow: (text: string, caret: number) => void;
  choose: (index: number) => void;
  close: () => void;
}

const NOTHING: ICompletion = { start: 0, end: 0, options: [], valuesOf: null };

function useCompletion(
  { model, state }: IPanelContext & { state: IRunsState },
  text: string,
  box: React.RefObject<HTMLInputElement>
): ICompletionState {
  const [at, setAt] = React.useState<{
    text: string;
    caret: number;
    asked: boolean;
  } | null>(null);
  const [chosen, setChosen] = React.useState(-1);
  const [values, setValues] = React.useState(
    new Map<string, readonly string[]>()
  );
  const found =
    at === null || at.text !== text
      ? NOTHING
      : complete(at.text, at.caret, state.fields, values);
  // Unasked, only what has been begun is completed: all else would be in the way.
  const current = at?.asked || found.start < found.end ? found : NOTHING;
  const { valuesOf } = current;

  React.useEffect(() => {
    if (valuesOf === null) {
      return;
    }
    let wanted = true;
    model.api
      .listValues(valuesOf)
      .then(list => list.values)
      .catch(() => [])
      .then(found => {
        if (wanted) {
          setValues(values => new Map(values).set(valuesOf, found));
        }
      })
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [valuesOf, model]);

  const follow = (text: string, caret: number, asked = false): void => {
    setAt({ text, caret, asked });
    setChosen(-1);
  };
  return {
    current,
    options: current.options,
    chosen: chosen < current.options.length ? chosen : -1,
    follow,
    choose: index => {
      if (current.options.length === 0) {
        follow(text, box.current?.selectionStart ?? text.length, true);
      } else {
        const { length } = current.options;
        setChosen((index + length) % length);
      }
    },
    close: () => {
      setAt(null);
      // Values that others add are seen when one comes back.
      setValues(new Map());
    }
  };
}
