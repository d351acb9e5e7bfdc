import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, asProblem } from './api';
import { AliasMove, ExportJob, Pipeline, RunSummary } from './contract';
import { IProblem } from './tokens';

const JOB_MILLISECONDS = 500;
const AWAY_MILLISECONDS = 3000;

/**
 * What an export says of its run.
 */
export type IExportedRun = Pick<
  RunSummary,
  'run_id' | 'number' | 'parent_id' | 'parent_number'
>;

/**
 * An export that was under way when the page was left.
 */
export interface IKeptExport {
  readonly run: IExportedRun;
  readonly job_id: string;
}

/**
 * An export as the panel shows it: a name is asked for, then the job is
 * followed until there is a verdict or a problem.
 */
export interface IExport {
  readonly run: IExportedRun;
  readonly suggestion: string;
  readonly stage: 'naming' | 'working' | 'ended';
  readonly job: ExportJob | null;
  readonly problem: IProblem | null;
}

/**
 * A move of an alias made here, which can be taken back.
 */
export interface IMove {
  readonly pipeline: string;
  readonly alias: string;
  readonly from: number | null;
  readonly to: number | null;
}

/**
 * A promotion that the gate refused, and why.
 */
export interface IRefusal {
  readonly pipeline: Pipeline;
  readonly alias: string;
  readonly version: number;
  readonly reason: string;
}

/**
 * The pipelines of the store, and the export under way.
 */
export interface IPipelinesState {
  readonly pipelines: readonly Pipeline[];
  /** Whether it is known yet which there are. */
  readonly known: boolean;
  readonly problem: IProblem | null;
  readonly export: IExport | null;
  /** The alias that was moved last, until it is taken back or another is moved. */
  readonly moved: IMove | null;
  /** A promotion that the gate refused. */
  readonly refused: IRefusal | null;
  /** Whether the section is folded to its title. */
  readonly folded: boolean;
}

/**
 * Exports runs and moves the aliases of their versions.
 */
export class PipelinesModel implements IDisposable {
  constructor(private readonly _api: Api) {}

  get state(): IPipelinesState {
    return this._state;
  }

  get stateChanged(): ISignal<this, IPipelinesState> {
    return this._stateChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  async refresh(): Promise<void> {
    try {
      const { pipelines } = await this._api.listPipelines();
      this._change({ pipelines, known: true, problem: null });
    } catch (reason) {
      this._change({ problem: asProblem(reason) });
    }
  }

  fold(folded: boolean): void {
    if (folded !== this._state.folded) {
      this._change({ folded });
    }
  }

  /**
   * Ask for a name for the export of `run`.
   */
  beginExport(run: IExportedRun, suggestion: string): void {
    this._follows += 1;
    this._change({
      export: { run, suggestion, stage: 'naming', job: null, problem: null }
    });
  }

  /**
   * Put the export away. A job under way goes on at the server.
   */
  closeExport(): void {
    this._follows += 1;
    this._change({ export: null });
  }

  /**
   * Export under `name`, proved in a new environment if wanted, and follow the
   * job to its end.
   */
  async startExport(name: string, environment = false): Promise<void> {
    const begun = this._state.export;
    if (begun === null) {
      return;
    }
    this._export({ stage: 'working', problem: null, job: null });
    await this._follow(
      this._api.createExport({ run_id: begun.run.run_id, name, environment })
    );
  }

  /**
   * Follow an export again that was begun before the page was loaded.
   */
  async resumeExport({ run, job_id }: IKeptExport): Promise<void> {
    if (this._state.export !== null) {
      return;
    }
    this._change({
      export: {
        run,
        suggestion: '',
        stage: 'working',
        job: null,
        problem: null
      }
    });
    await this._follow(this._api.getExport(job_id));
  }

  private async _follow(first: Promise<ExportJob>): Promise<void> {
    this._follows += 1;
    const follow = this._follows;
    try {
      let job = await first;
      while (!this._abandoned(follow)) {
        const ended = job.state === 'done' || job.state === 'failed';
        this._export({ job, stage: ended ? 'ended' : 'working' });
        if (ended) {
          break;
        }
        await new Promise(resolve => setTimeout(resolve, JOB_MILLISECONDS));
        job = await this._again(job);
      }
    } catch (reason) {
      if (!this._abandoned(follow)) {
        const problem = asProblem(reason);
        const stage = problem.code === 'bad_pipeline_name' ? 'naming' : 'ended';
        this._export({ problem, stage });
      }
    }
    await this.refresh();
  }

  /**
   * How a job stands by now; as it stood while the server does not answer.
   */
  private async _again(job: ExportJob): Promise<ExportJob> {
    try {
      return await this._api.getExport(job.job_id);
    } catch (reason) {
      if (asProblem(reason).code === 'unreachable') {
        await new Promise(resolve => setTimeout(resolve, AWAY_MILLISECONDS));
        return job;
      }
      throw reason;
    }
  }

  /**
   * Point an alias at a version, or at none; `force` moves it although the gate is
   * missed.
   */
  async moveAlias(
    pipeline: Pipeline,
    alias: string,
    version: number | null,
    force = false
  ): Promise<void> {
    const expected = pipeline.aliases[alias] ?? null;
    await this._move(() =>
      this._api.moveAlias(pipeline.name, { alias, version, expected, force })
    );
    const { problem } = this._state;
    if (problem?.code === 'gate_missed' && version !== null) {
      const reason = problem.message;
      this._change({
        problem: null,
        refused: { pipeline, alias, version, reason }
      });
    }
  }

  /**
   * Leave an alias that the gate holds where it stands.
   */
  keepRefusal(): void {
    this._change({ refused: null });
  }

  /**
   * Hold an alias to conditions on rows from now on, or to some no more. The
   * alias stays where it stands.
   */
  async protect(
    pipeline: Pipeline,
    alias: string,
    change: { protect?: string[]; unprotect?: string[] }
  ): Promise<boolean> {
    const version = pipeline.aliases[alias] ?? null;
    return this._then(() =>
      this._api.moveAlias(pipeline.name, {
        alias,
        version,
        expected: version,
        ...change
      })
    );
  }

  async rollbackAlias(pipeline: Pipeline, alias: string): Promise<void> {
    await this._move(() => this._api.rollbackAlias(pipeline.name, alias));
  }

  /**
   * Put the alias that was moved last back to where it stood.
   */
  async takeMoveBack(): Promise<void> {
    const { moved } = this._state;
    if (moved !== null) {
      const { pipeline, alias, from, to } = moved;
      const known = this._state.pipelines.find(({ name }) => name === pipeline);
      const stood = known?.rollbacks[alias];
      const back = { alias, version: from, expected: to, reason: 'taken back' };
      this.keepMove();
      // To where it stood it may always go back, also if that is the worse version.
      await this._then(() =>
        from !== null && stood === from
          ? this._api.rollbackAlias(pipeline, alias)
          : this._api.moveAlias(pipeline, back)
      );
    }
  }

  /**
   * Let the last move stand.
   */
  keepMove(): void {
    this._change({ moved: null });
  }

  private async _move(act: () => Promise<AliasMove>): Promise<void> {
    this.keepMove();
    this.keepRefusal();
    await this._then(async () => {
      const { pipeline, alias, from_version, to_version } = await act();
      const moved = { pipeline, alias, from: from_version, to: to_version };
      this._change({ moved });
    });
  }

  private async _then(act: () => Promise<unknown>): Promise<boolean> {
    let problem: IProblem | null = null;
    try {
      await act();
    } catch (reason) {
      problem = asProblem(reason);
    }
    await this.refresh();
    if (problem !== null) {
      this._change({ problem });
    }
    return problem === null;
  }

  private _abandoned(follow: number): boolean {
    return this._isDisposed || this._follows !== follow;
  }

  private _export(change: Partial<IExport>): void {
    if (this._state.export !== null) {
      this._change({ export: { ...this._state.export, ...change } });
    }
  }

  private _change(change: Partial<IPipelinesState>): void {
    if (!this._isDisposed) {
      this._state = { ...this._state, ...change };
      this._stateChanged.emit(this._state);
    }
  }

  private _state: IPipelinesState = {
    pipelines: [],
    known: false,
    problem: null,
    export: null,
    moved: null,
    refused: null,
    folded: false
  };
  private _stateChanged = new Signal<this, IPipelinesState>(this);
  private _follows = 0;
  private _isDisposed = false;
}
