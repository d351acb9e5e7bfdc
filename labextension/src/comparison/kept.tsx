import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { asProblem } from '../api';
import { Artifact } from '../contract';
import { rowsOf } from './small_table';

const LARGEST = 1600;
const TABLE = 'text/csv';
const ROWS = 31;
const DRAWABLE = ['image/png', 'image/jpeg'];

interface IKeptProps {
  readonly artifact: Artifact;
  readonly runId: string;
  readonly label: string;
  readonly trans: TranslationBundle;
  /** The bytes of a file the run kept. */
  readonly fetch: (runId: string, digest: string) => Promise<Blob>;
}

/**
 * A figure or a small table that a run kept.
 */
export function Kept(props: IKeptProps): JSX.Element {
  return props.artifact.media_type === TABLE ? (
    <Table {...props} />
  ) : (
    <Drawing {...props} />
  );
}

/**
 * A small table kept as CSV, such as a confusion matrix: its first row and
 * column are heads. A wide one is scrolled.
 */
function Table(props: IKeptProps): JSX.Element {
  const { artifact, fetch, label, runId, trans } = props;
  const [rows, setRows] = React.useState<string[][]>([]);
  const [problem, setProblem] = React.useState('');

  React.useEffect(() => {
    let gone = false;
    const read = async (): Promise<void> => {
      const data = await fetch(runId, artifact.digest);
      const text = await data.text();
      if (!gone) {
        setRows(rowsOf(text));
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
  const [head = [], ...body] = rows.slice(0, ROWS);
  const beyond = Math.max(rows.length, rows[0]?.length ?? 0) - ROWS;
  return (
    <>
      <div
        className="jp-Mlops-wide"
        tabIndex={0}
        role="group"
        aria-label={label}
      >
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
                {cells.slice(0, ROWS - 1).map((cell, column) => (
                  <td key={column}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {beyond > 0 && (
        <p className="jp-Mlops-quiet">
          {trans.__(
            'The first %1 rows and columns; all of them are kept as %2.',
            ROWS - 1,
            artifact.path
          )}
        </p>
      )}
    </>
  );
}

/**
 * A figure on a canvas of our own: its pixels, and nothing else of the file,
 * reach the page. It is fetched when it comes into view.
 */
function Drawing(props: IKeptProps): JSX.Element {
  const { artifact, fetch, label, runId, trans } = props;
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
      const data = await fetch(runId, artifact.digest);
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
      className="jp-Mlops-drawing"
      role="img"
      aria-label={label}
      width={320}
      height={200}
    />
  );
}
