import { IScale } from './scales';

/** How wide a character is about, and how far apart labels have to be that stand aslant, in units. */
const CHARACTER = 6.4;
const ASLANT = 13;
/** A longer label has no room around the ends of an axis: it stands inside of them. */
const NARROW = 8;

/** So many characters of a label are shown aslant: they reach as far down as there is room. */
export const LONGEST = 16;

/**
 * How the labels of an axis that lies across are laid: level where all have room
 * beside each other, else aslant, those left out that have no room even so.
 *
 * @param room - How long the axis is, in units.
 */
export function layLabels(
  ticks: IScale['ticks'],
  room: number
): { ticks: readonly IScale['ticks'][number][]; aslant: boolean } {
  const longest = Math.max(...ticks.map(({ label }) => label.length), 0);
  const wide = (longest + 1) * CHARACTER;
  const places = ticks.map(({ at }) => at * room);
  const apart = Math.min(
    ...places.slice(1).map((place, before) => place - places[before])
  );
  const needed =
    ticks.length < 2 ? 0 : longest <= NARROW ? 1 : ticks.length > 2 ? 1.5 : 2;
  if (needed * wide <= apart && wide <= room) {
    return { ticks, aslant: false };
  }
  return { ticks: thinned(ticks, Math.floor(room / ASLANT)), aslant: true };
}

/**
 * From where a level label is written, so that it does not cross the ends of the axis.
 */
export function anchorOf(
  label: string,
  at: number
): 'start' | 'middle' | 'end' {
  return label.length <= NARROW || (at > 0.1 && at < 0.9)
    ? 'middle'
    : at < 0.5
      ? 'start'
      : 'end';
}

/**
 * So much higher is a plot whose labels stand aslant.
 */
export function heightBelow(aslant: boolean): number {
  return aslant ? 52 : 0;
}

/**
 * At most so many, evenly spaced.
 */
export function thinned<T>(ticks: readonly T[], most: number): readonly T[] {
  const step = Math.ceil(ticks.length / most);
  return ticks.filter((_, place) => place % step === 0);
}
