import { Token } from '@lumino/coreutils';
import { ISignal } from '@lumino/signaling';

import { Run, RunSummary } from './contract';

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
  /** The runs the filter finds, newest first, and how many there are in all. */
  readonly runs: readonly RunSummary[];
  readonly count: number;
  readonly experiments: readonly string[];
  readonly experiment: string | null;
  readonly filter: string;
  /** What is wrong with the filter, while the list still shows the last good one. */
  readonly filterProblem: IProblem | null;
  /** Run ids, oldest selection first. */
  readonly selected: readonly string[];
  readonly expanded: ReadonlySet<string>;
  readonly details: ReadonlyMap<string, Run | IProblem>;
}

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
