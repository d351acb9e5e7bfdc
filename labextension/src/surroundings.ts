import { Api, asProblem } from './api';
import { FieldList, RunSummary } from './contract';
import { IRunsState } from './tokens';

const SPARKLINES_AT_ONCE = 60;
const FIELDS_MILLISECONDS = 30000;

/** The tag that marks the run which others are held against. */
export const BASELINE = 'baseline';

/**
 * Who holds the state that is filled.
 */
export interface IHolder {
  readonly api: Api;
  readonly state: IRunsState;
  readonly isDisposed: boolean;
  /** Whether anybody looks; nothing is asked while nobody does. */
  readonly isWatched: boolean;
  /** Change the state. */
  change(change: Partial<IRunsState>): void;
  /** Know runs by their ids from now on. */
  know(runs: readonly RunSummary[]): void;
}

/**
 * What stands around the list and is fetched apart from it: details and children
 * of runs, small curves, baselines, and the names a filter can ask for.
 */
export class Surroundings {
  constructor(private readonly _holder: IHolder) {}

  /**
   * Bring all that is shown up to date, since the store has changed; false when
   * that was broken off because nobody looks any more.
   */
  async refresh(): Promise<boolean> {
    const { api, state } = this._holder;
    const [baselines, ...unfolded] = await Promise.all([
      this._fetchBaselines(),
      ...[...state.children.keys()].map(async runId => {
        const runs = await this.fetchChildren(runId);
        return [runId, runs ?? []] as const;
      }),
      ...[...state.expanded].map(runId => this.fetchDetails(runId))
    ]);
    if (this._holder.isDisposed) {
      return true;
    }
    const known = unfolded.filter(pair => pair !== undefined);
    const still = known.filter(([id]) => this._holder.state.children.has(id));
    this._holder.change({ baselines, children: new Map(still) });
    if (!this._holder.isWatched) {
      return false;
    }
    const now = Date.now();
    if (now - this._named > FIELDS_MILLISECONDS) {
      // To look through all names takes a while, so that it is done now and then;
      // those of runs that are listed are known at once.
      this._named = now;
      const fields = await api.listFields().catch(() => null);
      if (fields !== null && !this._holder.isDisposed) {
        this._holder.change({ fields });
      }
    }
    return true;
  }

  /**
   * The fields of the state with those of runs that have arrived.
   */
  withNames(runs: readonly RunSummary[]): FieldList {
    const { fields } = this._holder.state;
    const metrics = joined(fields.metrics, runs, 'metrics');
    const params = joined(fields.params, runs, 'params');
    const tags = joined(fields.tags, runs, 'tags');
    if (metrics !== fields.metrics) {
      this._named = 0; // which way a new one is good has to be asked
    }
    const same =
      metrics === fields.metrics &&
      params === fields.params &&
      tags === fields.tags;
    return same ? fields : { ...fields, metrics, params, tags };
  }

  /**
   * The children of a run; null when they could not be had.
   */
  async fetchChildren(parentId: string): Promise<readonly RunSummary[] | null> {
    try {
      const { runs } = await this._holder.api.listRuns({
        filter: '',
        experiment: null,
        limit: 1000,
        parentId
      });
      this._holder.know(runs);
      return this._holder.isDisposed ? null : runs;
    } catch {
      return null;
    }
  }

  async fetchDetails(runId: string): Promise<void> {
    let details;
    try {
      details = await this._holder.api.getRun(runId);
    } catch (reason) {
      details = asProblem(reason);
    }
    if (!this._holder.isDisposed) {
      const all = new Map(this._holder.state.details).set(runId, details);
      this._holder.change({ details: all });
    }
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
      const { sparklines } = await this._holder.api.listSparklines(wanted);
      if (!this._holder.isDisposed) {
        const all = new Map(this._holder.state.sparklines);
        sparklines.forEach(line => all.set(line.run_id, line));
        this._holder.change({ sparklines: all });
      }
    } catch {
      // A list is of use without its small curves; they are asked for again later.
      wanted.forEach(runId => this._drawn.delete(runId));
    } finally {
      this._drawing = false;
    }
  }

  /**
   * The curve of a run that still runs has grown: it is drawn again.
   */
  outdate(runId: string): void {
    this._drawn.delete(runId);
  }

  private async _fetchBaselines(): Promise<readonly RunSummary[]> {
    try {
      const filter = `tags.${BASELINE} = 'pinned'`;
      const list = await this._holder.api.listRuns({
        filter,
        experiment: null,
        limit: 100
      });
      this._holder.know(list.runs);
      return list.runs;
    } catch {
      return this._holder.state.baselines;
    }
  }

  private _named = 0;
  private _drawing = false;
  private _drawn = new Set<string>();
}

/**
 * Names in alphabetical order with those that runs have; `names` itself when
 * they have no others.
 */
function joined(
  names: readonly string[],
  runs: readonly RunSummary[],
  kind: 'metrics' | 'params' | 'tags'
): string[] {
  const all = new Set(names);
  runs.forEach(run => Object.keys(run[kind]).forEach(name => all.add(name)));
  return all.size === names.length ? (names as string[]) : [...all].sort();
}
