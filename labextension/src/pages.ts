import { RunSummary } from './contract';

/**
 * How many runs one request brings.
 */
export const PAGE = 60;

/**
 * A long list of which only some pages are here. Each change makes a new one.
 *
 * #### Notes
 * When the store has changed, pages are kept but stale: they are shown until
 * newer ones arrive, so that nothing jumps.
 */
export class Pages {
  constructor(
    readonly count: number,
    private readonly _pages: ReadonlyMap<number, readonly RunSummary[]>,
    private readonly _stale: ReadonlySet<number> = new Set()
  ) {}

  static readonly empty = new Pages(0, new Map());

  /** The run at a place of the whole list, if its page is here. */
  at(place: number): RunSummary | undefined {
    return this._pages.get(Math.floor(place / PAGE))?.[place % PAGE];
  }

  /** Every run that is here, in the order of the list. */
  get runs(): readonly RunSummary[] {
    this._runs ??= [...this._pages.keys()]
      .sort((one, other) => one - other)
      .flatMap(page => this._pages.get(page) ?? []);
    return this._runs;
  }

  /** The place of a run in the whole list, or -1 when it is not here. */
  placeOf(runId: string): number {
    if (this._places === undefined) {
      this._places = new Map();
      for (const [page, runs] of this._pages) {
        for (const [index, run] of runs.entries()) {
          this._places.set(run.run_id, page * PAGE + index);
        }
      }
    }
    return this._places.get(runId) ?? -1;
  }

  /** The pages from `first` to `last`, both of them places, that are not here or stale. */
  missing(first: number, last: number): number[] {
    const end = Math.min(last, this.count - 1);
    const wanted: number[] = [];
    for (let page = Math.floor(Math.max(first, 0) / PAGE); ; page++) {
      if (page * PAGE > end) {
        return wanted;
      }
      if (!this._pages.has(page) || this._stale.has(page)) {
        wanted.push(page);
      }
    }
  }

  /** With a page that has arrived, and the count it came with. */
  with(page: number, runs: readonly RunSummary[], count: number): Pages {
    const pages = new Map(this._pages).set(page, runs);
    const stale = new Set(this._stale);
    stale.delete(page);
    for (const known of pages.keys()) {
      if (known > 0 && known * PAGE >= count) {
        pages.delete(known);
      }
    }
    return new Pages(count, pages, stale);
  }

  /** With every page stale. */
  outdated(): Pages {
    return new Pages(this.count, this._pages, new Set(this._pages.keys()));
  }

  private _runs: readonly RunSummary[] | undefined;
  private _places: Map<string, number> | undefined;
}
