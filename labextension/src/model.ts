import { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, asProblem, IRunsRequest } from './api';
import { runStyles } from './colours';
import { IOrder, spellOrder } from './columns';
import { EditRun, RunSummary } from './contract';
import { groupKey } from './layout';
import { PAGE, Pages } from './pages';
import { PipelinesModel } from './pipelines';
import { IKeptState, IRunsModel, IRunsState } from './tokens';

const RUNNING_MILLISECONDS = 1000;
const LONGEST_MILLISECONDS = 60000;
const PIPELINES_EVERY = 10;
const SPARKLINES_AT_ONCE = 60;

/** The tag that marks the run which others are held against. */
export const BASELINE = 'baseline';

/**
 * Run ids by number, so that the older run is what the newer is compared with.
 */
export function inOrder(
  model: IRunsModel,
  runIds: readonly string[]
): string[] {
  const number = (runId: string): number => model.find(runId)?.number ?? 0;
  return [...runIds].sort((one, other) => number(one) - number(other));
}

/**
 * The style of each selected run that is known: see `runStyles`.
 */
export function stylesOfSelected(
  model: IRunsModel,
  runIds: readonly string[]
): Map<string, number> {
  return runStyles(runIds.flatMap(runId => model.find(runId) ?? []));
}

/**
 * What was typed as a filter: words without any operator are looked for in the
 * names.
 */
export function asFilter(typed: string): string {
  const operator = /[<>=!]|\s(i?like|in|is)(\s|\(|$)/i;
  const field = /^[(\s]*(metric|param|parameter|tag|attribute)s?\./i;
  return typed === '' || operator.test(typed) || field.test(typed)
    ? typed
    : `name ILIKE '%${typed.replace(/'/g, "''")}%'`;
}

/**
 * The runs of the store: listed, filtered, ordered, grouped, selected, edited.
 *
 * #### Notes
 * It asks the server only while somebody watches, and only "has anything
 * changed?": runs are sent when the store's revision moved, and of them just the
 * pages that a view wants. Runs made by other kernels and on the command line
 * are seen that way too.
 */
export class RunsModel implements IRunsModel, IDisposable {
  constructor(readonly api: Api) {
    this.pipelines = new PipelinesModel(api);
    this._poll = new Poll({
      name: 'jupyter-mlops:runs',
      auto: false,
      factory: () => this._ask(),
      frequency: {
        interval: this._interval,
        backoff: true,
        max: LONGEST_MILLISECONDS
      },
      standby: () => (this._watchers.size > 0 ? 'when-hidden' : true)
    });
  }

  readonly pipelines: PipelinesModel;

  get state(): IRunsState {
    return this._state;
  }

  get stateChanged(): ISignal<this, IRunsState> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
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
    this._change(rest);
    if (selected !== undefined && selected.length > 0) {
      void this._reselect(selected);
    }
    if (this._watchers.size > 0) {
      void this.refresh();
    }
  }

  /**
   * Whether `view` is looked at. Nothing is asked while no view is.
   */
  watch(view: object, watched: boolean): void {
    if (this._watchers.has(view) === watched) {
      return;
    }
    if (watched) {
      this._watchers.set(view, [0, 0]);
      void this.refresh();
    } else {
      this._watchers.delete(view);
    }
  }

  /**
   * The places of the list that `view` shows: they are fetched if they are not
   * here.
   */
  want(view: object, first: number, last: number): void {
    if (this._watchers.has(view)) {
      this._watchers.set(view, [first, last]);
      if (this._state.connection === 'ready') {
        void this._fill();
      }
    }
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
    if (this._watchers.size === 0 || !this._begun) {
      return;
    }
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  find(runId: string): RunSummary | undefined {
    return this._known.get(runId);
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
    this._change({ folded: all });
  }

  foldAllGroups(folded: boolean): void {
    const keys = folded ? (this._state.groups ?? []).map(groupKey) : [];
    this._change({ folded: new Set(keys) });
  }

  setColumns(columns: readonly string[] | null): void {
    this._change({ columns });
  }

  setWidth(column: string, width: number): void {
    this._change({ widths: { ...this._state.widths, [column]: width } });
  }

  select(runId: string, selected: boolean): void {
    const others = this._state.selected.filter(other => other !== runId);
    this._change({ selected: selected ? [...others, runId] : others });
  }

  selectAll(runIds: readonly string[]): void {
    const others = this._state.selected.filter(id => !runIds.includes(id));
    this._change({ selected: [...others, ...runIds] });
  }

  clearSelection(): void {
    this._change({ selected: [] });
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
    this._change({ expanded: all });
    if (expanded) {
      await this._fetchDetails(runId);
    }
  }

  /**
   * Show or hide the children of a run below it.
   */
  async unfold(runId: string, unfolded: boolean): Promise<void> {
    const children = new Map(this._state.children);
    if (unfolded) {
      const runs = await this._fetchChildren(runId);
      if (runs === null) {
        return;
      }
      children.set(runId, runs);
    } else {
      children.delete(runId);
    }
    this._change({ children });
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
  async draw(runs: readonly RunSummary[]): Promise<void> {
    const wanted = runs
      .filter(run => run.curves.length > 0 && !this._drawn.has(run.run_id))
      .slice(0, SPARKLINES_AT_ONCE)
      .map(run => run.run_id);
    if (wanted.length === 0 || this._drawing) {
      return;
    }
    this._drawing = true;
    try {
      wanted.forEach(runId => this._drawn.add(runId));
      const { sparklines } = await this.api.listSparklines(wanted);
      if (!this._isDisposed) {
        const all = new Map(this._state.sparklines);
        sparklines.forEach(line => all.set(line.run_id, line));
        this._change({ sparklines: all });
      }
    } catch {
      // A list is of use without its small curves; they are asked for again later.
      wanted.forEach(runId => this._drawn.delete(runId));
    } finally {
      this._drawing = false;
    }
  }

  private async _question(change: Partial<IRunsState>): Promise<void> {
    this._change(change);
    this._watchers.forEach((_, view) => this._watchers.set(view, [0, 0]));
    await this.refresh();
  }

  private _spell(): string {
    const { filter, experiment, order, groupBy } = this._state;
    return JSON.stringify([filter, experiment, order, groupBy]);
  }

  private _request(page: number): IRunsRequest {
    const { filter, experiment, order, groupBy } = this._state;
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

  private async _ask(): Promise<void> {
    const question = this._spell();
    const asked = question === this._answered;
    const since = asked ? this._revision : undefined;
    const [wanted] = this._wanted();
    const page = asked ? Math.floor(wanted / PAGE) : 0;
    let changed = false;
    try {
      const request = this._request(page);
      const { groupBy } = this._state;
      const groups =
        groupBy === null || (asked && since !== undefined)
          ? null
          : this._fetchGroups(request, groupBy);
      const list = await this.api.listRuns({ ...request, since });
      changed = !list.unchanged;
      const grouped =
        groupBy !== null && changed
          ? await (groups ?? this._fetchGroups(request, groupBy))
          : null;
      if (this._isDisposed) {
        return;
      }
      if (question !== this._spell()) {
        return this._ask();
      }
      if (changed) {
        const before = asked ? this._state.pages.outdated() : Pages.empty;
        this._answered = question;
        this._revision = list.revision;
        this._take(before.with(page, list.runs, list.count), list.runs, {
          connection: 'ready',
          problem: null,
          filterProblem: null,
          experiments: list.experiments,
          groups: grouped
        });
        this._pace();
      } else if (
        this._state.connection !== 'ready' ||
        this._state.filterProblem !== null
      ) {
        // Also when a filter that could not be read is taken back.
        this._change({
          connection: 'ready',
          problem: null,
          filterProblem: null
        });
      }
    } catch (reason) {
      if (this._isDisposed) {
        return;
      }
      if (question !== this._spell()) {
        return this._ask();
      }
      const problem = asProblem(reason);
      if (problem.code === 'bad_filter') {
        this._change({ filterProblem: problem, connection: 'ready' });
        return;
      }
      this._change({ connection: 'failed', problem });
      throw reason;
    }
    if (changed) {
      await this._fill();
    }
    void this._follow(changed);
  }

  /**
   * Fetch what the views show and is not here, a page at a time: while somebody
   * scrolls, pages that went by are never asked for.
   */
  private async _fill(): Promise<void> {
    if (this._filling) {
      return;
    }
    this._filling = true;
    try {
      for (;;) {
        const [first, last] = this._wanted();
        const page = this._state.pages.missing(first, last)[0];
        const question = this._spell();
        if (page === undefined || question !== this._answered) {
          return;
        }
        const list = await this.api.listRuns(this._request(page));
        if (this._isDisposed || question !== this._spell()) {
          return;
        }
        this._take(
          this._state.pages.with(page, list.runs, list.count),
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
    for (const run of runs) {
      this._known.set(run.run_id, run);
      if (run.status === 'RUNNING') {
        this._drawn.delete(run.run_id);
      }
    }
    this._change({ ...change, pages, runs: pages.runs, count: pages.count });
  }

  private async _fetchGroups(
    request: IRunsRequest,
    by: string
  ): Promise<IRunsState['groups']> {
    const { groups } = await this.api.listGroups({
      by,
      filter: request.filter,
      experiment: request.experiment,
      includeChildren: request.includeChildren === true
    });
    return groups;
  }

  /**
   * Bring what depends on the list up to date: open details and children, names
   * to filter by, baselines, and pipelines, which others may have exported in the
   * meantime.
   */
  private async _follow(changed: boolean): Promise<void> {
    this._asked += 1;
    if (changed || this._asked % PIPELINES_EVERY === 0) {
      await this.pipelines.refresh();
    }
    if (!changed || this._isDisposed) {
      return;
    }
    const { children, expanded } = this._state;
    const [fields, baselines, ...unfolded] = await Promise.all([
      this.api.listFields().catch(() => this._state.fields),
      this._fetchBaselines(),
      ...[...children.keys()].map(async runId => {
        const runs = await this._fetchChildren(runId);
        return [runId, runs ?? []] as const;
      }),
      ...[...expanded]
        .filter(runId => this._known.has(runId))
        .map(runId => this._fetchDetails(runId))
    ]);
    if (!this._isDisposed) {
      const known = unfolded.filter(pair => pair !== undefined);
      const still = known.filter(([id]) => this._state.children.has(id));
      this._change({ fields, baselines, children: new Map(still) });
    }
  }

  private async _fetchBaselines(): Promise<readonly RunSummary[]> {
    try {
      const filter = `tags.${BASELINE} = 'pinned'`;
      const list = await this.api.listRuns({
        filter,
        experiment: null,
        limit: 100
      });
      list.runs.forEach(run => this._known.set(run.run_id, run));
      return list.runs;
    } catch {
      return this._state.baselines;
    }
  }

  private async _fetchChildren(
    parentId: string
  ): Promise<readonly RunSummary[] | null> {
    try {
      const { runs } = await this.api.listRuns({
        filter: '',
        experiment: null,
        limit: 1000,
        parentId
      });
      runs.forEach(run => this._known.set(run.run_id, run));
      return this._isDisposed ? null : runs;
    } catch {
      return null;
    }
  }

  private async _fetchDetails(runId: string): Promise<void> {
    let details;
    try {
      details = await this.api.getRun(runId);
    } catch (reason) {
      details = asProblem(reason);
    }
    if (!this._isDisposed) {
      const all = new Map(this._state.details).set(runId, details);
      this._change({ details: all });
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
      runs.forEach(run => this._known.set(run.run_id, run));
      const there = new Set(runs.map(run => run.run_id));
      this.selectAll(runIds.filter(runId => there.has(runId)));
    } catch {
      // Without an answer nothing is selected.
    }
  }

  private async _again(runId: string): Promise<void> {
    await this.refresh();
    if (this._state.details.has(runId)) {
      await this._fetchDetails(runId);
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

  private _change(change: Partial<IRunsState>): void {
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
    fields: { metrics: [], params: [], tags: [] },
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
  private _watchers = new Map<object, [number, number]>();
  private _answered = '';
  private _revision = '';
  private _asked = 0;
  private _cells = 0;
  private _begun = false;
  private _filling = false;
  private _drawing = false;
  private _drawn = new Set<string>();
  private _deleted: string[][] = [];
  private _isDisposed = false;
}
