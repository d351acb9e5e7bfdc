import * as React from 'react';

import { asProblem } from '../api';
import { Artifact, FigureRow } from '../contract';
import { RunName } from './run_name';
import { ISectionProps, labelOf, Section } from './section';
import { rowsOf } from './small_table';

const LARGEST = 1600;
const TABLE = 'text/csv';
const ROWS = 31;
const DRAWABLE = ['image/png', 'image/jpeg'];

/**
 * The figures of the runs, side by side.
 */
export function Figures(props: ISectionProps): JSX.Element | null {
  const { comparison, trans } = props;
  if (comparison.figures.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Figures')}>
      {comparison.figures.map(row => (
        <Row key={row.name} {...props} row={row} />
      ))}
    </Section>
  );
}

function Row(props: ISectionProps & { row: FigureRow }): JSX.Element {
  const { comparison, row, trans } = props;
  const runs = comparison.runs.filter(run => run.run_id in row.figures);
  return (
    <>
      <h3>
        {row.name}
        {row.same && (
          <span className="jp-Mlops-quiet"> {trans.__('the same')}</span>
        )}
      </h3>
      <div className="jp-Mlops-figures">
        {(row.same ? runs.slice(0, 1) : runs).map(run => (
          <figure key={run.run_id}>
            <figcaption>
              <RunName {...props} run={run} />
            </figcaption>
            <Shown
              {...props}
              runId={run.run_id}
              artifact={row.figures[run.run_id]}
              label={trans.__('%1 of run %2', row.name, labelOf(run))}
            />
          </figure>
        ))}
      </div>
    </>
  );
}

interface IShownProps extends ISectionProps {
  runId: string;
  artifact: Artifact;
  label: string;
}

function Shown(props: IShownProps): JSX.Element {
  return props.artifact.media_type === TABLE ? (
    <Table {...props} />
  ) : (
    <Drawing {...props} />
  );
}

/**
 * A small table kept as CSV, such as a confusion matrix: its first row and
 * column are heads.
 */
function Table(props: IShownProps): JSX.Element {
  const { actions, artifact, label, runId, trans } = props;
  const [rows, setRows] = React.useState<string[][]>([]);
  const [problem, setProblem] = React.useState('');

  React.useEffect(() => {
    let gone = false;
    const read = async (): Promise<void> => {
      const data = await actions.getArtifact(runId, artifact.digest);
      const text = await data.text();
      if (!gone) {
        setRows(rowsOf(text).slice(0, ROWS));
      }
    };
    read().catch(reason => !gone && setProblem(asProblem(reason).message));
    return () => {
      gone = true;
    };
  }, [artifact.digest, runId]);

  if (problem !== '') {
    return (
      <p className="jp-Mlops-quiet">
        {trans.__('The table cannot be shown: %1', problem)}
      </p>
    );
  }
  const [head = [], ...body] = rows;
  return (
    <table className="jp-Mlops-smallTable" aria-label={label}>
      <thead>
        <tr>
          {head.slice(0, ROWS).map((cell, column) => (
            <th key={column} scope="col">
              {cell}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {body.map(([first = '', ...cells], place) => (
          <tr key={place}>
            <th scope="row">{first}</th>
            {cells.slice(0, ROWS).map((cell, column) => (
              <td key={column}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/**
 * A figure on a canvas of our own: its pixels, and nothing else of the file,
 * reach the page. It is fetched when it comes into view.
 */
function Drawing(props: IShownProps): JSX.Element {
  const { actions, artifact, label, runId, trans } = props;
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const [problem, setProblem] = React.useState('');
  const drawable = DRAWABLE.includes(artifact.media_type);

  React.useEffect(() => {
    const node = canvas.current;
    if (node === null || !drawable) {
      return;
    }
    let gone = false;
    const draw = async (): Promise<void> => {
      const data = await actions.getArtifact(runId, artifact.digest);
      const picture = await createImageBitmap(
        new Blob([data], { type: artifact.media_type })
      );
      if (!gone) {
        const scale = Math.min(1, LARGEST / picture.width);
        node.width = Math.round(picture.width * scale);
        node.height = Math.round(picture.height * scale);
        node
          .getContext('2d')
          ?.drawImage(picture, 0, 0, node.width, node.height);
      }
      picture.close();
    };
    const observer = new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) {
        observer.disconnect();
        draw().catch(reason => !gone && setProblem(asProblem(reason).message));
      }
    });
    observer.observe(node);
    return () => {
      gone = true;
      observer.disconnect();
    };
  }, [artifact.digest, runId]);

  if (!drawable || problem !== '') {
    return (
      <p className="jp-Mlops-quiet">
        {problem !== ''
          ? trans.__('The figure cannot be drawn: %1', problem)
          : trans.__(
              'A figure of kind %1, kept as %2.',
              artifact.media_type,
              artifact.path
            )}
      </p>
    );
  }
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={label}
      width={320}
      height={200}
    />
  );
}
