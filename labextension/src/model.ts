import { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { Api } from './api';
import { IOrder } from './columns';
import { EditRun, RunSummary } from './contract';
import { groupKey } from './layout';
import { Listing } from './listing';
import { Pages } from './pages';
import { PipelinesModel } from './pipelines';
import { TypingPace } from './question';
import { BASELINE, IHolder, Surroundings } from './surroundings';
import { IKeptState, IRunsModel, IRunsState } from './tokens';

const RUNNING_MILLISECONDS = 1000;
const LONGEST_MILLISECONDS = 60000;
const PIPELINES_EVERY = 10;

/**
 * The runs of the store: listed, filtered, ordered, grouped, selected, edited.
 *
 * #### Notes
 * It asks the server only while somebody watches. Runs made by other kernels and on the command line
 * are seen that way too.
 */
export class RunsModel implements IRunsModel, IHolder, IDisposable {
  constructor(readonly api: Api) {
    this.pipelines = new PipelinesModel(api);
    this._surroundings = new Surroundings(this);
    this._listing = new Listing(this, this._surroundings);
    this._poll = new Poll({
      name: 'jupyter-mlops:runs',
      auto: false,
      factory: () => this._ask(),
      frequency: {
        interval: this._interval,
        backoff: true,
        max: LONGEST_MILLISECONDS
      },
      standby: () => (this._listing.isWatched ? 'when-hidden' : true)
    });
  }

  readonly pipelines: PipelinesModel;
  /** How long a filter that is being typed rests. */
  readonly pace = new TypingPace();

  get state(): IRunsState {
    return this._state;
  }

  get stateChanged(): ISignal<this, IRunsState> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get isWatched(): boolean {
    return this._listing.isWatched;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._poll.dispose();
    this.pipelines.dispose();
    Signal.clearData(this);
  }

  /**
   * Begin as a page was left. Nothing is asked before.
   */
  begin(kept: Partial<IKeptState>): void {
    this._begun = true;
    const { selected, ...rest } = kept;
    this.change(rest);
    if (selected !== undefined && selected.length > 0) {
      void this._reselect(selected);
    }
    if (this._listing.isWatched) {
      void this.refresh();
    }
  }

  /**
   * Whether `view` is looked at. Nothing is asked while no view is.
   */
  watch(view: object, watched: boolean): void {
    if (this._listing.watch(view, watched) && watched) {
      void this.refresh();
    }
  }

  /**
   * The places of the list that `view` shows: they are fetched if they are not
   * here.
   */
  want(view: object, first: number, last: number): void {
    this._listing.want(view, first, last);
  }

  /**
   * Milliseconds between two questions while no run is running.
   */
  set interval(milliseconds: number) {
    this._interval = milliseconds;
    this._pace();
  }

  /**
   * A cell began to run here, or ended: runs are to be expected.
   */
  noticeCell(ended: boolean): void {
    this._cells = Math.max(this._cells + (ended ? -1 : 1), 0);
    this._pace();
    if (ended) {
      void this.refresh();
    }
  }

  async refresh(): Promise<void> {
    if (!this._listing.isWatched || !this._begun) {
      return;
    }
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  find(runId: string): RunSummary | undefined {
    return this._known.get(runId);
  }

  know(runs: readonly RunSummary[]): void {
    runs.forEach(run => this._known.set(run.run_id, run));
  }

  setFilter(filter: string): Promise<void> {
    return this._question({ filter });
  }

  setExperiment(experiment: string | null): Promise<void> {
    return this._question({ experiment });
  }

  setOrder(order: IOrder | null): Promise<void> {
    return this._question({ order });
  }

  setGroupBy(groupBy: string | null): Promise<void> {
    return this._question({ groupBy, folded: new Set() });
  }

  foldGroup(key: string, folded: boolean): void {
    const all = new Set(this._state.folded);
    if (folded) {
      all.add(key);
    } else {
      all.delete(key);
    }
    this.change({ folded: all });
  }

  foldAllGroups(folded: boolean): void {
    const keys = folded ? (this._state.groups ?? []).map(groupKey) : [];
    this.change({ folded: new Set(keys) });
  }

  setColumns(columns: readonly string[] | null): void {
    this.change({ columns });
  }

  setWidth(column: string, width: number): void {
    this.change({ widths: { ...this._state.widths, [column]: width } });
  }

  select(runId: string, selected: boolean): void {
    const others = this._state.selected.filter(other => other !== runId);
    this.change({ selected: selected ? [...others, runId] : others });
  }

  selectAll(runIds: readonly string[], selected = true): void {
    const others = this._state.selected.filter(id => !runIds.includes(id));
    this.change({ selected: selected ? [...others, ...runIds] : others });
  }

  clearSelection(): void {
    this.change({ selected: [] });
  }

  /**
   * Show or hide the details of a run, fetching them when they are shown.
   */
  async expand(runId: string, expanded: boolean): Promise<void> {
    const all = new Set(this._state.expanded);
    if (all.has(runId) === expanded) {
      return;
    }
    if (expanded) {
      all.add(runId);
    } else {
      all.delete(runId);
    }
    this.change({ expanded: all });
    if (expanded) {
      await this._surroundings.fetchDetails(runId);
    }
  }

  /**
   * Show or hide the children of a run below it.
   */
  async unfold(runId: string, unfolded: boolean): Promise<void> {
    const children = new Map(this._state.children);
    if (unfolded) {
      const runs = await this._surroundings.fetchChildren(runId);
      if (runs === null) {
        return;
      }
      children.set(runId, runs);
    } else {
      children.delete(runId);
    }
    this.change({ children });
  }

  async editRun(runId: string, change: EditRun): Promise<void> {
    await this.api.editRun(runId, change);
    await this._again(runId);
  }

  async deleteRuns(runIds: readonly string[]): Promise<void> {
    for (const runId of runIds) {
      await this.api.deleteRun(runId);
      this.select(runId, false);
    }
    this._deleted.push([...runIds]);
    await this.refresh();
  }

  /**
   * Bring runs back: those named, else those that were deleted last.
   */
  async restoreRuns(runIds?: readonly string[]): Promise<readonly string[]> {
    const ids = runIds ?? this._deleted[this._deleted.length - 1] ?? [];
    this._deleted = this._deleted.filter(past => past.join() !== ids.join());
    for (const runId of ids) {
      await this.api.restoreRun(runId);
    }
    await this.refresh();
    return ids;
  }

  /**
   * Pin a run as the baseline of its experiment, in place of any other, or
   * unpin it.
   */
  async pinBaseline(run: RunSummary, pinned: boolean): Promise<void> {
    const { baselines } = this._state;
    for (const other of baselines) {
      if (other.experiment === run.experiment && other.run_id !== run.run_id) {
        await this.api.editRun(other.run_id, { tags: { [BASELINE]: null } });
      }
    }
    await this.editRun(run.run_id, {
      tags: { [BASELINE]: pinned ? 'pinned' : null }
    });
  }

  /**
   * The baseline that a run is held against, if its experiment has one.
   */
  baselineOf(run: RunSummary): RunSummary | undefined {
    return this._state.baselines.find(
      other =>
        other.experiment === run.experiment && other.run_id !== run.run_id
    );
  }

  /**
   * Have small curves of these runs in the state, as far as they have any.
   */
  draw(runs: readonly RunSummary[]): Promise<void> {
    return this._surroundings.draw(runs);
  }

  /**
   * Ask something else. It is asked at once and not when the poll's turn comes; an
   * answer that is still awaited is not wanted any more.
   */
  private async _question(change: Partial<IRunsState>): Promise<void> {
    this.change(change);
    this._listing.forget();
    if (!this._listing.isWatched || !this._begun) {
      return;
    }
    const began = performance.now();
    try {
      await this._ask();
      this.pace.note(performance.now() - began);
    } catch {
      // The state says what is wrong, and the poll asks again.
    }
  }

  private async _ask(): Promise<void> {
    const moved = await this._listing.ask();
    this._pace();
    void this._follow(moved);
  }

  /**
   * Bring what depends on the store up to date; pipelines now and then in any
   * case, since the command line may have exported some.
   */
  private async _follow(moved: boolean): Promise<void> {
    this._asked += 1;
    this._isBehind ||= moved;
    if (!this.isWatched) {
      return;
    }
    if (this._isBehind || this._asked % PIPELINES_EVERY === 0) {
      await this.pipelines.refresh();
    }
    if (this._isBehind && this.isWatched && !this._isDisposed) {
      this._isBehind = false;
      this._isBehind = !(await this._surroundings.refresh()) || this._isBehind;
    }
  }

  /**
   * Select runs of an earlier page again, those that are still there.
   */
  private async _reselect(runIds: readonly string[]): Promise<void> {
    try {
      const { runs } = await this.api.listRuns({
        filter: `run_id IN (${runIds.map(id => `'${id}'`).join(', ')})`,
        experiment: null,
        includeChildren: true,
        limit: 1000
      });
      this.know(runs);
      const there = new Set(runs.map(run => run.run_id));
      this.selectAll(runIds.filter(runId => there.has(runId)));
    } catch {
      // Without an answer nothing is selected.
    }
  }

  private async _again(runId: string): Promise<void> {
    await this.refresh();
    if (this._state.details.has(runId)) {
      await this._surroundings.fetchDetails(runId);
    }
  }

  /**
   * Ask more often while something runs, here or elsewhere.
   */
  private _pace(): void {
    const running =
      this._cells > 0 || this._state.runs.some(run => run.status === 'RUNNING');
    const interval = running
      ? Math.min(RUNNING_MILLISECONDS, this._interval)
      : this._interval;
    if (this._poll.frequency.interval !== interval) {
      this._poll.frequency = { ...this._poll.frequency, interval };
    }
  }

  change(change: Partial<IRunsState>): void {
    this._state = { ...this._state, ...change };
    this._stateChanged.emit(this._state);
  }

  private _state: IRunsState = {
    connection: 'loading',
    problem: null,
    runs: [],
    count: 0,
    pages: Pages.empty,
    experiments: [],
    experiment: null,
    filter: '',
    filterProblem: null,
    order: null,
    groupBy: null,
    groups: null,
    folded: new Set(),
    columns: null,
    widths: {},
    fields: { metrics: [], params: [], tags: [], lower_is_better: [] },
    baselines: [],
    children: new Map(),
    sparklines: new Map(),
    selected: [],
    expanded: new Set(),
    details: new Map()
  };
  private _stateChanged = new Signal<this, IRunsState>(this);
  private _poll: Poll;
  private _known = new Map<string, RunSummary>();
  private _interval = 4000;
  private _surroundings: Surroundings;
  private _listing: Listing;
  private _asked = 0;
  private _cells = 0;
  private _begun = false;
  private _deleted: string[][] = [];
  private _isDisposed = false;
  private _isBehind = false;
}
