import { Token } from '@lumino/coreutils';
import { ISignal } from '@lumino/signaling';

import type { IOrder } from './columns';
import type {
  FieldList,
  Run,
  RunGroup,
  RunSummary,
  Sparkline
} from './contract';
import type { Pages } from './pages';

/**
 * Something that went wrong, in one sentence, and what to do about it.
 */
export interface IProblem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * What the panel shows of the runs. Each change makes a new state.
 */
export interface IRunsState {
  /** `loading` until the first answer; `failed` says why in `problem`. */
  readonly connection: 'loading' | 'ready' | 'failed';
  readonly problem: IProblem | null;
  /** The runs that are here of those the filter finds, in order, and how many it finds in all. */
  readonly runs: readonly RunSummary[];
  readonly count: number;
  readonly pages: Pages;
  readonly experiments: readonly string[];
  readonly experiment: string | null;
  readonly filter: string;
  /** The order; newest first when it is null. */
  readonly order: IOrder | null;
  /** What the list is grouped by, as a filter spells it. */
  readonly groupBy: string | null;
  readonly groups: readonly RunGroup[] | null;
  /** Keys of the groups that are folded. */
  readonly folded: ReadonlySet<string>;
  /** Columns somebody chose; null until then. */
  readonly columns: readonly string[] | null;
  /** Widths of columns somebody changed, in pixels. */
  readonly widths: Readonly<Record<string, number>>;
  /** What a filter can ask for. */
  readonly fields: FieldList;
  /** The pinned baselines, one an experiment at most. */
  readonly baselines: readonly RunSummary[];
  /** The children of the runs that are unfolded. */
  readonly children: ReadonlyMap<string, readonly RunSummary[]>;
  readonly sparklines: ReadonlyMap<string, Sparkline>;
  /** What is wrong with the filter, while the list still shows the last good one. */
  readonly filterProblem: IProblem | null;
  /** Run ids, oldest selection first. */
  readonly selected: readonly string[];
  readonly expanded: ReadonlySet<string>;
  readonly details: ReadonlyMap<string, Run | IProblem>;
}

/**
 * What of the state is kept when the page is left.
 */
export type IKeptState = Pick<
  IRunsState,
  | 'filter'
  | 'experiment'
  | 'order'
  | 'groupBy'
  | 'folded'
  | 'columns'
  | 'widths'
  | 'selected'
>;

/**
 * The experiment runs of this server's store, kept up to date while watched.
 */
export interface IRunsModel {
  readonly state: IRunsState;
  readonly stateChanged: ISignal<IRunsModel, IRunsState>;
  /** A run that has been listed in this session, listed now or not. */
  find(runId: string): RunSummary | undefined;
  /** Ask the server now; resolves when its answer is in `state`. */
  refresh(): Promise<void>;
  select(runId: string, selected: boolean): void;
}

export const IRunsModel = new Token<IRunsModel>(
  'jupyter-mlops:IRunsModel',
  'The experiment runs of the server, as the Experiment runs panel lists them.'
);
