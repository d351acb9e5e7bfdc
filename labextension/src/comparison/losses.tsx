import * as React from 'react';

import { asProblem } from '../api';
import { Examples, Losses as ILosses, Slice } from '../contract';
import { formatAlike, formatChange, formatNumber } from '../format';
import { IProblem } from '../tokens';
import { RunName } from './run_name';
import { ISectionProps, Section, labelOf } from './section';

const PAGE = 20;

/**
 * Where a run gains and loses against the reference: kinds of outcome, slices,
 * and the rows themselves, one click away.
 */
export function Losses(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  const [chosen, setChosen] = React.useState('');
  const losses =
    comparison.losses.find(found => found.run_id === chosen) ??
    comparison.losses[0];
  if (losses === undefined) {
    return null;
  }
  return (
    <Section
      title={trans.__('Where it gains and loses')}
      note={trans._n(
        'over %1 row that both runs predicted',
        'over %1 rows that both runs predicted',
        losses.rows
      )}
    >
      {comparison.losses.length > 1 && (
        <label className="jp-Mlops-reference">
          {trans.__('Run')}{' '}
          <select
            className="jp-mod-styled"
            value={losses.run_id}
            onChange={event => setChosen(event.target.value)}
          >
            {comparison.losses.map(found => {
              const run = comparison.runs.find(
                other => other.run_id === found.run_id
              );
              return (
                <option key={found.run_id} value={found.run_id}>
                  {`${labelOf(run)} ${run?.name}`}
                </option>
              );
            })}
          </select>
        </label>
      )}
      <LossesOfRun key={losses.run_id} {...props} losses={losses} />
    </Section>
  );
}

function LossesOfRun(props: ISectionProps & { losses: ILosses }): JSX.Element {
  const { actions, comparison, losses, trans } = props;
  const [query, setQuery] = React.useState('');
  const [asked, setAsked] = React.useState<string | null>(null);
  const [examples, setExamples] = React.useState<Examples | null>(null);
  const [problem, setProblem] = React.useState<IProblem | null>(null);
  const latest = React.useRef(0);
  const rows = React.useRef<HTMLDivElement>(null);
  const [answers, setAnswers] = React.useState(0);
  // Rows that were asked for are below what asks for them, out of sight perhaps.
  React.useEffect(() => {
    rows.current?.scrollIntoView({ block: 'nearest' });
  }, [answers]);

  const ask = (where: string, offset = 0): void => {
    const request = ++latest.current;
    setQuery(where);
    setAsked(where);
    actions
      .getExamples({
        reference: comparison.reference,
        run_id: losses.run_id,
        metric: losses.metric,
        where,
        limit: PAGE,
        offset
      })
      .then(found => {
        if (request === latest.current) {
          setProblem(null);
          setExamples(before =>
            offset > 0 && before !== null
              ? { ...found, rows: [...before.rows, ...found.rows] }
              : found
          );
          setAnswers(count => (offset > 0 ? count : count + 1));
        }
      })
      .catch(reason => {
        if (request === latest.current) {
          setProblem(asProblem(reason));
        }
      });
  };
  const run = comparison.runs.find(other => other.run_id === losses.run_id);
  const reference = comparison.runs.find(
    other => other.run_id === comparison.reference
  );
  const names = [reference, run].map(
    named => named && <RunName {...props} run={named} short />
  );
  // One below the other, with as many decimals.
  const texts = formatAlike(
    losses.slices.flatMap(slice => [slice.reference, slice.run])
  );
  return (
    <>
      <p>{losses.sentence}</p>
      <div className="jp-Mlops-columns">
        <QueryTable
          caption={trans.__('Kinds of outcome')}
          heads={[trans.__('Rows'), ...names]}
          rows={losses.buckets.map(bucket => ({
            ...bucket,
            cells: (
              <>
                <td>{bucket.reference}</td>
                <td>{bucket.run}</td>
              </>
            )
          }))}
          asked={asked}
          onAsk={ask}
        />
        {losses.slices.length > 0 && (
          <QueryTable
            caption={trans.__(
              'Slices where they differ most, by %1',
              losses.measure
            )}
            heads={[
              trans.__('Slice'),
              trans.__('Rows'),
              ...names,
              trans.__('Change')
            ]}
            rows={losses.slices.map((slice, index) => ({
              ...slice,
              cells: (
                <SliceCells
                  {...props}
                  slice={slice}
                  texts={texts.slice(2 * index, 2 * index + 2)}
                />
              )
            }))}
            asked={asked}
            onAsk={ask}
          />
        )}
      </div>
      <form
        className="jp-Mlops-query"
        onSubmit={event => {
          event.preventDefault();
          ask(query);
        }}
      >
        <label>
          {trans.__('Rows where')}{' '}
          <input
            className="jp-mod-styled"
            type="search"
            spellCheck={false}
            list={`jp-Mlops-columns-${losses.run_id}`}
            placeholder={placeholder(losses)}
            value={query}
            aria-invalid={problem !== null}
            onChange={event => setQuery(event.target.value)}
          />
        </label>
        <datalist id={`jp-Mlops-columns-${losses.run_id}`}>
          {losses.columns.map(column => (
            <option key={column} value={quoted(column)} />
          ))}
        </datalist>
        <button className="jp-mod-styled" type="submit">
          {trans.__('Show rows')}
        </button>
      </form>
      {problem !== null && (
        <p className="jp-Mlops-error" role="alert">
          {problem.message} {problem.hint}
        </p>
      )}
      {examples !== null && (
        <div ref={rows} role="status">
          <ExampleRows
            {...props}
            examples={examples}
            onMore={() => ask(examples.query, examples.rows.length)}
          />
        </div>
      )}
    </>
  );
}

/**
 * A table whose rows stand for rows of the data: a click asks for those.
 */
function QueryTable(props: {
  caption: string;
  heads: React.ReactNode[];
  rows: { name: string; query: string; cells: JSX.Element }[];
  asked: string | null;
  onAsk: (query: string) => void;
}): JSX.Element {
  const { caption, heads, rows, asked, onAsk } = props;
  return (
    <table className="jp-Mlops-table">
      <caption>{caption}</caption>
      <thead>
        <tr>
          {heads.map((head, index) => (
            <th key={index} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, query, cells }) => (
          <tr key={name} data-current={asked === query}>
            <th scope="row">
              <button className="jp-Mlops-link" onClick={() => onAsk(query)}>
                {name}
              </button>
            </th>
            {cells}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function SliceCells(
  props: ISectionProps & { slice: Slice; texts: string[] }
): JSX.Element {
  const { slice, texts, trans } = props;
  return (
    <>
      <td>{slice.rows}</td>
      <td title={String(slice.reference)}>{texts[0]}</td>
      <td title={String(slice.run)}>{texts[1]}</td>
      <td
        data-sure={slice.sure}
        title={trans.__('%1, widened for all slices looked at', slice.interval)}
      >
        {formatChange(slice.change)}
        {!slice.sure && (
          <span className="jp-Mlops-noise">{trans.__('noise')}</span>
        )}
      </td>
    </>
  );
}

/**
 * The rows of a slice, those on which the runs disagree first.
 */
function ExampleRows(
  props: ISectionProps & { examples: Examples; onMore: () => void }
): JSX.Element {
  const { examples, onMore, trans } = props;
  const { slice } = examples;
  const words: Record<string, string> = {
    row: trans.__('row'),
    truth: trans.__('truth'),
    reference: trans.__('reference'),
    run: trans.__('this run')
  };
  return (
    <>
      <p>
        {trans._n('%1 row', '%1 rows', examples.count)}{' '}
        <code>{examples.query}</code>
        {slice !== null && (
          <span className="jp-Mlops-quiet">
            {' '}
            {`${formatNumber(slice.reference)} → ${formatNumber(slice.run)} (${formatChange(slice.change)}, `}
            {trans.__('interval %1', slice.interval)})
          </span>
        )}
      </p>
      {examples.rows.length > 0 && (
        <div
          className="jp-Mlops-wide jp-mod-tall"
          tabIndex={0}
          role="group"
          aria-label={trans.__('Rows')}
        >
          <table className="jp-Mlops-table jp-mod-runs jp-mod-text">
            <thead>
              <tr>
                {examples.columns.map(column => (
                  <th key={column} scope="col">
                    {words[column] ?? column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {examples.rows.map((row, place) => (
                <tr key={place}>
                  {row.map((cell, column) => (
                    <td
                      key={column}
                      data-wrong={
                        (column === 2 || column === 3) && cell !== row[1]
                      }
                    >
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {examples.rows.length < examples.count && (
        <button className="jp-mod-styled" onClick={onMore}>
          {trans.__('More rows')}
        </button>
      )}
    </>
  );
}

function placeholder(losses: ILosses): string {
  const told = ['truth', 'reference', 'run'];
  const column = losses.columns.find(name => !told.includes(name)) ?? 'truth';
  return `${quoted(column)} > 3`;
}

function quoted(column: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(column) ? column : `\`${column}\``;
}
