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
  [8, 3, 2, 3],
  [14, 4],
  [8, 2, 2, 2, 2, 2],
  [3, 6],
  [14, 3, 3, 3]
];

/** Circle, square, diamond, four triangles and a cross, about ten units wide around the origin. */
const SHAPES: string[] = [
  'M-4.6 0a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0 -9.2 0z',
  'M-4.2 -4.2h8.4v8.4h-8.4z',
  'M0 -5.8L5.8 0L0 5.8L-5.8 0z',
  'M0 -5.2L5.4 4.4H-5.4z',
  'M0 5.2L5.4 -4.4H-5.4z',
  'M-1.8 -5.2h3.6v3.4h3.4v3.6h-3.4v3.4h-3.6v-3.4h-3.4v-3.6h3.4z',
  'M-5.2 0L4.4 -5.4V5.4z',
  'M5.2 0L-4.4 -5.4V5.4z'
];

const EDGES = ['solid', 'dashed', 'dotted', 'double'];

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

/**
 * The outline of a style's dots, as an SVG path: a circle, until colours repeat.
 */
export function runShape(style: number): string {
  return SHAPES[Math.floor(style / COLOURS) % SHAPES.length];
}

/**
 * The CSS border style of a style: solid, until colours repeat.
 */
export function runEdge(style: number): string {
  return EDGES[Math.floor(style / COLOURS) % EDGES.length];
}
