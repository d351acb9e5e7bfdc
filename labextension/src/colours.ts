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
