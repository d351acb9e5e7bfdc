import { asProblem, IRunsRequest } from './api';
import { RunSummary } from './contract';
import { PAGE, Pages } from './pages';
import { requestOf, spellQuestion } from './question';
import { IHolder, Surroundings } from './surroundings';
import { IRunsState } from './tokens';

/**
 * The list of the runs that are asked for, a page at a time: those pages that the
 * views which are looked at want.
 */
export class Listing {
  constructor(
    private readonly _holder: IHolder,
    private readonly _surroundings: Surroundings
  ) {}

  /** Whether any view is looked at. */
  get isWatched(): boolean {
    return this._watchers.size > 0;
  }

  /**
   * Whether `view` is looked at. Returns whether that is news.
   */
  watch(view: object, watched: boolean): boolean {
    if (this._watchers.has(view) === watched) {
      return false;
    }
    if (watched) {
      this._watchers.set(view, [0, 0]);
    } else {
      this._watchers.delete(view);
    }
    return true;
  }

  /**
   * The places that `view` shows.
   */
  want(view: object, first: number, last: number): void {
    if (this._watchers.has(view)) {
      this._watchers.set(view, [first, last]);
      if (this._holder.state.connection === 'ready') {
        void this.fill();
      }
    }
  }

  /**
   * Something else is asked: views begin at the top, and an answer that is still
   * awaited is not wanted any more.
   */
  forget(): void {
    this._watchers.forEach((_, view) => this._watchers.set(view, [0, 0]));
    this._awaited?.abort();
  }

  /**
   * Ask the server what is asked now: only "has anything changed?" if it was asked
   * before. Whether the store has changed is returned; what went wrong is thrown.
   */
  async ask(): Promise<boolean> {
    const question = spellQuestion(this._holder.state);
    const asked = question === this._answered;
    const since = asked ? this._revision : undefined;
    const [wanted] = this._wanted();
    const page = asked ? Math.floor(wanted / PAGE) : 0;
    const request = requestOf(this._holder.state, page);
    const { groupBy } = this._holder.state;
    const awaited = (this._awaited = new AbortController());
    const turn = ++this._turn;
    let list;
    let groups: IRunsState['groups'] = null;
    try {
      const grouping =
        groupBy === null || asked ? null : this._fetchGroups(request, groupBy);
      // What is wrong with the filter is wrong with both, and said of the list.
      grouping?.catch(() => undefined);
      list = await this._holder.api.listRuns(
        { ...request, since },
        awaited.signal
      );
      if (groupBy !== null && !list.unchanged) {
        groups = await (grouping ?? this._fetchGroups(request, groupBy));
      }
    } catch (reason) {
      if (this._isOutdated(question, turn)) {
        return false;
      }
      const problem = asProblem(reason);
      if (problem.code === 'bad_filter') {
        this._holder.change({ filterProblem: problem, connection: 'ready' });
        return false;
      }
      this._holder.change({ connection: 'failed', problem });
      throw reason;
    }
    if (this._isOutdated(question, turn)) {
      return false;
    }
    this._taken = turn;
    const good = { problem: null, filterProblem: null } as const;
    const { connection, filterProblem } = this._holder.state;
    const moved = list.unchanged ? false : list.revision !== this._revision;
    if (!list.unchanged) {
      const before = asked ? this._holder.state.pages.outdated() : Pages.empty;
      this._answered = question;
      this._revision = list.revision;
      this._take(before.with(page, list.runs, list.count), list.runs, {
        ...good,
        connection: 'ready',
        experiments: list.experiments,
        groups
      });
      await this.fill();
    } else if (connection !== 'ready' || filterProblem !== null) {
      // Also when a filter that could not be read is taken back.
      this._holder.change({ ...good, connection: 'ready' });
    }
    return moved;
  }

  /**
   * Whether something else is asked by now, or a later answer is here.
   */
  private _isOutdated(question: string, turn: number): boolean {
    return (
      this._holder.isDisposed ||
      turn < this._taken ||
      question !== spellQuestion(this._holder.state)
    );
  }

  /**
   * Fetch what the views show and is not here, a page at a time: while somebody
   * scrolls, pages that went by are never asked for.
   */
  async fill(): Promise<void> {
    if (this._filling) {
      return;
    }
    this._filling = true;
    try {
      for (;;) {
        const [first, last] = this._wanted();
        const page = this._holder.state.pages.missing(first, last)[0];
        const question = spellQuestion(this._holder.state);
        if (page === undefined || question !== this._answered) {
          return;
        }
        const list = await this._holder.api.listRuns(
          requestOf(this._holder.state, page)
        );
        if (
          this._holder.isDisposed ||
          question !== spellQuestion(this._holder.state)
        ) {
          return;
        }
        this._take(
          this._holder.state.pages.with(page, list.runs, list.count),
          list.runs,
          {}
        );
      }
    } catch {
      // The poll says what is wrong, and asks again.
    } finally {
      this._filling = false;
    }
  }

  private _wanted(): [number, number] {
    const ranges = [...this._watchers.values()];
    return [
      Math.min(...ranges.map(([first]) => first)),
      Math.max(...ranges.map(([, last]) => last))
    ];
  }

  private _take(
    pages: Pages,
    runs: readonly RunSummary[],
    change: Partial<IRunsState>
  ): void {
    this._holder.know(runs);
    for (const run of runs) {
      if (run.status === 'RUNNING') {
        this._surroundings.outdate(run.run_id);
      }
    }
    this._holder.change({
      ...change,
      pages,
      runs: pages.runs,
      count: pages.count,
      fields: this._surroundings.withNames(runs)
    });
  }

  private async _fetchGroups(
    request: IRunsRequest,
    by: string
  ): Promise<IRunsState['groups']> {
    const { groups } = await this._holder.api.listGroups({
      by,
      filter: request.filter,
      experiment: request.experiment,
      includeChildren: request.includeChildren === true
    });
    return groups;
  }

  private _watchers = new Map<object, [number, number]>();
  private _awaited: AbortController | null = null;
  private _answered = '';
  private _revision = '';
  private _turn = 0;
  private _taken = 0;
  private _filling = false;
}
