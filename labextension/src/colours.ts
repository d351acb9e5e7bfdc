import { RunSummary } from './contract';

/**
 * How many colours `style/base.css` names, `--jp-mlops-run-0` and on: those of
 * `compare/palette.py`, so that a run looks the same in a notebook and here.
 */
const COLOURS = 7;

const DASHES: number[][] = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3]
];

/**
 * The style of each run that is selected, by the rule of `compare/palette.py`: the
 * colour of its own number, or, where another has taken that, the next free one.
 * So a run is marked here in the colour that comparing the same runs gives it.
 */
export function runStyles(
  runs: readonly Pick<RunSummary, 'run_id' | 'number'>[]
): Map<string, number> {
  const taken = new Set<number>();
  const styles = new Map<string, number>();
  const inOrder = [...runs].sort(
    (one, other) =>
      one.number - other.number || (one.run_id < other.run_id ? -1 : 1)
  );
  for (const { run_id, number } of inOrder) {
    const first = Math.floor(taken.size / COLOURS) * COLOURS;
    let wanted = (Math.max(number, 1) - 1) % COLOURS;
    while (taken.has(first + wanted)) {
      wanted = (wanted + 1) % COLOURS;
    }
    taken.add(first + wanted);
    styles.set(run_id, first + wanted);
  }
  return styles;
}

/**
 * The CSS colour of a run by its style, as the comparison gives it.
 */
export function runColour(style: number): string {
  return `var(${runColourName(style)})`;
}

/**
 * The CSS property that holds the colour of a style.
 */
export function runColourName(style: number): string {
  return `--jp-mlops-run-${style % COLOURS}`;
}

/**
 * The dash pattern of a style: solid, until colours repeat.
 */
export function runDash(style: number): number[] {
  return DASHES[Math.floor(style / COLOURS) % DASHES.length];
}
