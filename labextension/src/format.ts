import type { Num, RunSummary } from './contract';

/**
 * A number of the wire as a number: `"NaN"`, `"Infinity"` and integers too
 * large for JSON travel as strings.
 */
export function toNumber(value: Num): number {
  return typeof value === 'number' ? value : Number(value);
}

/**
 * A number with up to `digits` significant digits, without losing any digit
 * before the decimal point.
 */
export function formatNumber(value: Num, digits = 4): string {
  const number = toNumber(value);
  if (Number.isNaN(number)) {
    return 'NaN';
  }
  if (!Number.isFinite(number)) {
    return number > 0 ? '∞' : '−∞';
  }
  const size = Math.abs(number);
  const rounded =
    Number.isInteger(number) && size < 1e15
      ? String(number)
      : size !== 0 && (size < 1e-4 || size >= 1e9)
        ? number.toExponential(Math.max(digits - 1, 0))
        : String(
            Number(
              number.toPrecision(
                Math.max(digits, Math.floor(Math.log10(size || 1)) + 1)
              )
            )
          );
  return rounded.replace(/^-/, '−');
}

/**
 * Numbers to be read side by side: equal decimals, just as many as tell them
 * apart, as `compare/wording.py` does.
 */
export function formatAlike(values: Num[]): string[] {
  const numbers = values.map(toNumber);
  const sizes = numbers
    .filter(number => Number.isFinite(number) && number !== 0)
    .map(Math.abs);
  if (
    sizes.length > 0 &&
    !numbers.every(Number.isInteger) &&
    Math.min(...sizes) >= 1e-4 &&
    Math.max(...sizes) < 1e9
  ) {
    const ordered = [...new Set(numbers.filter(Number.isFinite))].sort(
      (one, two) => one - two
    );
    const gaps = ordered.slice(1).map((value, place) => value - ordered[place]);
    let decimals = decimalsFor(Math.max(...sizes), 4);
    if (gaps.length > 0) {
      const telling = decimalsFor(Math.min(...gaps), 1);
      decimals = Math.max(decimals, Math.min(telling, decimals + 3));
    }
    return numbers.map(number =>
      Number.isFinite(number)
        ? number.toFixed(decimals).replace(/^-/, '−')
        : formatNumber(number)
    );
  }
  const distinct = new Set(values.map(toNumber)).size;
  for (let digits = 4; digits < 17; digits++) {
    const texts = values.map(value => formatNumber(value, digits));
    if (new Set(texts).size === distinct) {
      return texts;
    }
  }
  return values.map(value => formatNumber(value, 17));
}

function decimalsFor(size: number, digits: number): number {
  return Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
}

/**
 * How many decimals tell numbers of one column apart: four significant digits
 * of the largest, none for integers; null where one rounding does not suit all.
 */
export function decimalsOf(values: readonly number[]): number | null {
  const finite = values.filter(Number.isFinite);
  if (finite.every(Number.isInteger)) {
    return finite.every(value => Math.abs(value) < 1e12) ? 0 : null;
  }
  const largest = Math.max(...finite.map(Math.abs));
  const decimals = 3 - Math.floor(Math.log10(largest));
  return largest < 1e-4 || largest >= 1e9
    ? null
    : Math.min(Math.max(decimals, 0), 7);
}

/**
 * A number with so many decimals; with as many digits as it needs where they
 * would show nothing of it.
 */
export function formatFixed(number: number, decimals: number | null): string {
  const lost =
    decimals === null ||
    !Number.isFinite(number) ||
    (!Number.isInteger(number) && Math.abs(number) < 10 ** (1 - decimals));
  return lost
    ? formatNumber(number)
    : number.toFixed(decimals).replace(/^-/, '−');
}

/**
 * A difference with its sign, rounded as `compare/wording.py` does: two
 * significant digits, from a hundred on three.
 */
export function formatChange(value: Num): string {
  const number = toNumber(value);
  if (number === 0) {
    return '±0';
  }
  const size = Math.abs(number);
  if (!Number.isFinite(size)) {
    return formatNumber(number);
  }
  const digits = size < 100 ? 2 : 3;
  const rounded = Number(size.toPrecision(digits)); // 0.00998 is 0.010
  const text = Number.isInteger(number)
    ? formatNumber(size)
    : size < 1e-4 || size >= 1e9
      ? size.toExponential(digits - 2).replace('e+', 'e')
      : size.toFixed(Math.max(digits - 1 - Math.floor(Math.log10(rounded)), 0));
  return `${number > 0 ? '+' : '−'}${text}`;
}

const PYTHON_WORDS = new Map<unknown, string>([
  [null, 'None'],
  [true, 'True'],
  [false, 'False']
]);

/**
 * A value of any kind on one line, as the notebook has it.
 */
export function formatValue(value: unknown): string {
  if (typeof value === 'number') {
    return formatNumber(value, 6);
  }
  if (typeof value === 'string') {
    return value;
  }
  return PYTHON_WORDS.get(value) ?? JSON.stringify(value);
}

/**
 * How people refer to a run: `#14`, or `#14.2` for the second child of that.
 */
export function referenceOf(
  run: Pick<RunSummary, 'number' | 'parent_id' | 'parent_number'>
): string {
  return run.parent_id !== '' && run.parent_number > 0
    ? `#${run.parent_number}.${run.number}`
    : `#${run.number}`;
}

/**
 * How long something took.
 */
export function formatDuration(seconds: Num): string {
  const number = toNumber(seconds);
  if (number < 1) {
    return `${Math.round(number * 1000)} ms`;
  }
  if (number < 60) {
    return `${number.toFixed(number < 10 ? 1 : 0)} s`;
  }
  const minutes = Math.floor(number / 60);
  return minutes < 60
    ? `${minutes} min ${Math.floor(number % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1]
];

/**
 * How long ago `time` was, in the language of the interface; the date when it
 * was more than a month ago.
 */
export function formatAgo(time: string, now: number, language: string): string {
  const locale = language.replace('_', '-') || 'en';
  const seconds = Math.max((now - Date.parse(time)) / 1000, 0);
  if (seconds > 30 * 86400) {
    return new Date(time).toLocaleDateString(locale);
  }
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS[3];
  return new Intl.RelativeTimeFormat(locale, {
    numeric: 'auto',
    style: 'narrow'
  }).format(-Math.floor(seconds / size), unit);
}

/**
 * A pipeline's name made of any text: letters, digits and underscores.
 */
export function toIdentifier(text: string): string {
  const name = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return name === '' ? 'pipeline' : /^[a-z]/.test(name) ? name : `run_${name}`;
}

/**
 * A long name without its middle: the ends of nested names tell them apart.
 */
export function cutInside(text: string, length: number): string {
  const head = Math.floor((length - 1) / 3);
  return text.length <= length
    ? text
    : `${text.slice(0, head)}…${text.slice(head + 1 - length)}`;
}
