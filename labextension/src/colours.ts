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
 * The CSS colour of the run at `place` of a comparison.
 */
export function runColour(place: number): string {
  return `var(${runColourName(place)})`;
}

/**
 * The CSS property that holds the colour of the run at `place`.
 */
export function runColourName(place: number): string {
  return `--jp-mlops-run-${place % COLOURS}`;
}

/**
 * The dash pattern of the run at `place`: solid, until colours repeat.
 */
export function runDash(place: number): number[] {
  return DASHES[Math.floor(place / COLOURS) % DASHES.length];
}
