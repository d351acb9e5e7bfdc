import { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, asProblem } from './api';
import { EditRun, RunSummary } from './contract';
import { PipelinesModel } from './pipelines';
import { IRunsModel, IRunsState } from './tokens';

const PAGE = 100;
const RUNNING_MILLISECONDS = 1000;
const LONGEST_MILLISECONDS = 60000;
const PIPELINES_EVERY = 10;

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
 * The runs of the store: listed, filtered, selected, edited.
 *
 * #### Notes
 * It asks the server only while somebody watches, and only "has anything
 * changed?": the whole list is sent when the store's revision moved. Runs made
 * by other kernels and on the command line are seen that way too.
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
      standby: () => (this._watched ? 'when-hidden' : true)
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
   * Whether somebody looks at the list. Nothing is asked while nobody does.
   */
  set watched(watched: boolean) {
    if (this._watched === watched) {
      return;
    }
    this._watched = watched;
    if (watched) {
      void this.refresh();
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
    await this._poll.refresh();
    await this._poll.tick.catch(() => undefined);
  }

  find(runId: string): RunSummary | undefined {
    return this._known.get(runId);
  }

  setFilter(filter: string): Promise<void> {
    this._limit = PAGE;
    this._change({ filter });
    return this.refresh();
  }

  setExperiment(experiment: string | null): Promise<void> {
    this._limit = PAGE;
    this._change({ experiment });
    return this.refresh();
  }

  showMore(): Promise<void> {
    this._limit = Math.min(this._limit + PAGE, 1000);
    return this.refresh();
  }

  select(runId: string, selected: boolean): void {
    const others = this._state.selected.filter(other => other !== runId);
    this._change({ selected: selected ? [...others, runId] : others });
  }

  clearSelection(): void {
    this._change({ selected: [] });
  }

  /**
   * Show or hide the details of a run, fetching them when they are shown.
   */
  async expand(runId: string, expanded: boolean): Promise<void> {
    const all = new Set(this._state.expanded);
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

  async editRun(runId: string, change: EditRun): Promise<void> {
    await this.api.editRun(runId, change);
    await this.refresh();
  }

  async deleteRun(runId: string): Promise<void> {
    await this.api.deleteRun(runId);
    this.select(runId, false);
    await this.refresh();
  }

  async restoreRun(runId: string): Promise<void> {
    await this.api.restoreRun(runId);
    await this.refresh();
  }

  private async _ask(): Promise<void> {
    const { filter, experiment } = this._state;
    const question = JSON.stringify([filter, experiment, this._limit]);
    const since = question === this._answered ? this._revision : undefined;
    let changed = false;
    try {
      const limit = this._limit;
      const list = await this.api.listRuns({
        filter: asFilter(filter),
        experiment,
        limit,
        since
      });
      if (this._isDisposed) {
        return;
      }
      if (this._outdated(question)) {
        return this._ask();
      }
      changed = !list.unchanged;
      if (changed) {
        this._answered = question;
        this._revision = list.revision;
        list.runs.forEach(run => this._known.set(run.run_id, run));
        this._change({
          connection: 'ready',
          problem: null,
          filterProblem: null,
          runs: list.runs,
          count: list.count,
          experiments: list.experiments
        });
        this._pace();
      } else if (this._state.connection !== 'ready') {
        this._change({ connection: 'ready', problem: null });
      }
    } catch (reason) {
      if (this._isDisposed) {
        return;
      }
      if (this._outdated(question)) {
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
    await this._follow(changed);
  }

  /**
   * Whether something else is asked by now, so that the answer is of no use.
   */
  private _outdated(question: string): boolean {
    const { filter, experiment } = this._state;
    return question !== JSON.stringify([filter, experiment, this._limit]);
  }

  /**
   * Bring what depends on the list up to date: open details and pipelines,
   * which others may have exported in the meantime.
   */
  private async _follow(changed: boolean): Promise<void> {
    this._asked += 1;
    if (changed || this._asked % PIPELINES_EVERY === 0) {
      await this.pipelines.refresh();
    }
    if (changed && !this._isDisposed) {
      const listed = new Set(this._state.runs.map(run => run.run_id));
      const open = [...this._state.expanded].filter(id => listed.has(id));
      await Promise.all(open.map(runId => this._fetchDetails(runId)));
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
    experiments: [],
    experiment: null,
    filter: '',
    filterProblem: null,
    selected: [],
    expanded: new Set(),
    details: new Map()
  };
  private _stateChanged = new Signal<this, IRunsState>(this);
  private _poll: Poll;
  private _known = new Map<string, RunSummary>();
  private _interval = 4000;
  private _limit = PAGE;
  private _answered = '';
  private _revision = '';
  private _asked = 0;
  private _cells = 0;
  private _watched = false;
  private _isDisposed = false;
}
