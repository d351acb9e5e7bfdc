import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { runColour, runDash, runShape } from '../colours';
import {
  Examples,
  ExamplesQuery,
  RunComparison,
  RunSummary
} from '../contract';

/**
 * What a comparison can do beyond showing itself.
 */
export interface IComparisonActions {
  /** Say which way a metric is good; null lets its code or name decide. */
  setDirection(metric: string, higherIsBetter: boolean | null): Promise<void>;
  getExamples(query: ExamplesQuery): Promise<Examples>;
  /** The bytes of a file a run kept. */
  getArtifact(runId: string, digest: string): Promise<Blob>;
}

/**
 * What every section of a comparison is given.
 */
export interface ISectionProps {
  readonly comparison: RunComparison;
  readonly trans: TranslationBundle;
  readonly actions: IComparisonActions;
  /** The runs picked out by brushing or pointing; null when none are. */
  readonly picked: ReadonlySet<string> | null;
  readonly onPick: (picked: ReadonlySet<string> | null) => void;
}

/**
 * From this many runs on, runs are rows: a page scrolls down more gladly than
 * sideways.
 */
export const MANY_RUNS = 7;

/**
 * Whether a table with a column for each run needs the whole width.
 */
export function isBroad({ runs }: RunComparison): boolean {
  return runs.length > 3;
}

/**
 * Whether a run stands out now: nothing is picked, or it is.
 */
export function isPicked(
  picked: ReadonlySet<string> | null,
  runId: string
): boolean {
  return picked === null || picked.has(runId);
}

/**
 * How people refer to a run: `#14`, or `#14.2` for its second child.
 */
export function labelOf(
  run: Pick<RunSummary, 'number' | 'parent_id' | 'parent_number'> | undefined
): string {
  if (run === undefined) {
    return '#…';
  }
  return run.parent_id !== '' && run.parent_number > 0
    ? `#${run.parent_number}.${run.number}`
    : `#${run.number}`;
}

/**
 * Runs in their order, three or more in a row as `#4 to #19`: see `join_labels` in
 * Python.
 */
export function joinLabels(
  labels: readonly string[],
  trans: TranslationBundle
): string {
  const rows: string[][] = [];
  for (const label of labels) {
    const row = rows[rows.length - 1];
    if (row !== undefined && follows(row[row.length - 1], label)) {
      row.push(label);
    } else {
      rows.push([label]);
    }
  }
  return rows
    .flatMap(row =>
      row.length > 2 ? [trans.__('%1 to %2', row[0], row[row.length - 1])] : row
    )
    .join(', ');
}

function follows(label: string, next: string): boolean {
  const [one, other] = [label, next].map(text => /^#(\d+)$/.exec(text)?.[1]);
  return one !== undefined && Number(one) + 1 === Number(other);
}

/**
 * A run's colour: the same in every table, legend and chart, and mostly the
 * same in every comparison.
 */
export function colourOf(comparison: RunComparison, runId: string): string {
  return runColour(comparison.styles[runId] ?? 0);
}

/**
 * A run's dash pattern, which tells runs apart once colours repeat.
 */
export function dashOf(comparison: RunComparison, runId: string): number[] {
  return runDash(comparison.styles[runId] ?? 0);
}

/**
 * The outline of a run's dots, which tells runs apart once colours repeat.
 */
export function shapeOf(comparison: RunComparison, runId: string): string {
  return runShape(comparison.styles[runId] ?? 0);
}

/**
 * A section with its heading, which folds. Where there is room, two stand side by
 * side, unless one is broad.
 */
export function Section(props: {
  title: string;
  note?: string;
  broad?: boolean;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <section aria-label={props.title} data-broad={props.broad === true}>
      <details open className="jp-Mlops-fold">
        <summary>
          <h2>{props.title}</h2>
          {props.note !== undefined && (
            <span className="jp-Mlops-quiet">{props.note}</span>
          )}
        </summary>
        {props.children}
      </details>
    </section>
  );
}
