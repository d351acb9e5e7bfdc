import { toNumber } from '../format';

/**
 * A value of a run's parameter or metric, to be placed on an axis.
 */
export type Value = unknown;

/**
 * An axis that holds numbers, or words one beside the other.
 */
export interface IScale {
  /** From 0 to 1, or null for a value that has no place. */
  place(value: Value): number | null;
  readonly ticks: { readonly at: number; readonly label: string }[];
}

/**
 * An axis for these values: numbers if all are, else their words in order.
 */
export function scaleFor(values: readonly Value[]): IScale {
  const present = values.filter(value => value !== undefined);
  const numbers = present.map(asNumber);
  if (present.length > 0 && numbers.every(number => number !== null)) {
    return numberScale(numbers);
  }
  const words = [...new Set(present.map(asWord))].sort((one, two) =>
    one.localeCompare(two, undefined, { numeric: true })
  );
  const at = (place: number): number =>
    words.length < 2 ? 0.5 : 0.04 + (0.92 * place) / (words.length - 1);
  return {
    place: value => {
      const place = words.indexOf(asWord(value));
      return value === undefined || place === -1 ? null : at(place);
    },
    ticks: words.map((label, place) => ({ at: at(place), label }))
  };
}

function numberScale(numbers: number[]): IScale {
  const finite = numbers.filter(Number.isFinite);
  let low = Math.min(...finite);
  let high = Math.max(...finite);
  if (finite.length === 0) {
    [low, high] = [0, 1];
  }
  if (low === high) {
    const around = Math.abs(low) / 10 || 0.5;
    [low, high] = [low - around, high + around];
  }
  // Numbers over many powers of ten, as learning rates are.
  const log = low > 0 && high / low >= 100;
  const bend = (value: number): number => (log ? Math.log10(value) : value);
  const [from, to] = [bend(low), bend(high)];
  const place = (number: number): number =>
    0.04 + (0.92 * (bend(number) - from)) / (to - from);
  return {
    place: value => {
      const number = value === undefined ? null : asNumber(value);
      return number === null || !Number.isFinite(number) ? null : place(number);
    },
    ticks: roundNumbers(low, high, log).map(number => ({
      at: place(number),
      label: tickLabel(number)
    }))
  };
}

function roundNumbers(low: number, high: number, log: boolean): number[] {
  if (log) {
    const found: number[] = [];
    for (let power = Math.ceil(Math.log10(low)); 10 ** power <= high; power++) {
      found.push(10 ** power);
    }
    return found;
  }
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    power * ([1, 2, 5, 10].find(factor => factor * power >= rough) ?? 10);
  const found: number[] = [];
  for (let turn = Math.ceil(low / step); turn * step <= high; turn++) {
    found.push(turn * step);
  }
  return found;
}

function tickLabel(number: number): string {
  const size = Math.abs(number);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6)
      ? number.toExponential(0)
      : String(Number(number.toPrecision(6)));
  return text.replace('-', '−');
}

function asNumber(value: Value): number | null {
  if (typeof value === 'number') {
    return value;
  }
  return typeof value === 'string' &&
    ['NaN', 'Infinity', '-Infinity'].includes(value)
    ? toNumber(value as 'NaN')
    : null;
}

function asWord(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
