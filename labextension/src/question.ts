import type { IRunsRequest } from './api';
import { spellOrder } from './columns';
import { PAGE } from './pages';
import type { IRunsState } from './tokens';

/**
 * What is asked of the store: its answer is a list.
 */
export type IQuestion = Pick<
  IRunsState,
  'filter' | 'experiment' | 'order' | 'groupBy'
>;

/**
 * A question as a text: two that are the same have the same.
 */
export function spellQuestion(question: IQuestion): string {
  const { filter, experiment, order, groupBy } = question;
  return JSON.stringify([filter, experiment, order, groupBy]);
}

/**
 * The request for a page of the answer.
 */
export function requestOf(question: IQuestion, page: number): IRunsRequest {
  const { filter, experiment, order, groupBy } = question;
  return {
    filter: asFilter(filter),
    experiment,
    includeChildren: filter !== '',
    limit: PAGE,
    offset: page * PAGE,
    order: [
      ...(groupBy === null ? [] : [groupBy]),
      ...(order === null ? [] : [spellOrder(order)])
    ]
  };
}

/** Where words are looked for. */
const SEARCHED = [
  'name',
  'note',
  'notebook',
  'dataset.name',
  'dataset.location'
] as const;

/**
 * What was typed as a filter: words without any operator are looked for in names,
 * notes, notebooks and data (either side of an `OR`), and `#12` is a number.
 */
export function asFilter(typed: string): string {
  const operator = /[<>=!]|\s(i?like|in|is)(\s|\(|$)/i;
  const field =
    /^[(\s]*((metric|param|parameter|tag|attribute)s?|datasets?)\./i;
  if (typed === '' || operator.test(typed) || field.test(typed)) {
    return typed;
  }
  const number = /^#(\d+)$/.exec(typed);
  if (number !== null) {
    return `number = ${number[1]}`;
  }
  return typed
    .split(/\s+OR\s+/)
    .map(part => `'%${part.trim().replace(/'/g, "''")}%'`)
    .flatMap(words => SEARCHED.map(place => `${place} ILIKE ${words}`))
    .join(' OR ');
}

const QUICKEST_MILLISECONDS = 10;
const SLOWEST_MILLISECONDS = 150;

/**
 * How long a filter rests before it is asked about: half of what answers take, so
 * that a server which answers at once is asked with each key, and one that is busy
 * or far away is not asked what nobody waits for.
 */
export class TypingPace {
  /** In milliseconds. */
  get delay(): number {
    const half = this._usual / 2;
    return Math.min(
      Math.max(half, QUICKEST_MILLISECONDS),
      SLOWEST_MILLISECONDS
    );
  }

  /** An answer took so long. */
  note(milliseconds: number): void {
    this._usual = (this._usual + milliseconds) / 2;
  }

  private _usual = 4 * QUICKEST_MILLISECONDS;
}
