import { IStateDB } from '@jupyterlab/statedb';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';

import { IOrder } from './columns';
import { RunsModel } from './model';
import { IKeptExport } from './pipelines';
import { IKeptState } from './tokens';

const KEY = 'jupyter-mlops:panel';
const SAVE_MILLISECONDS = 300;

/**
 * What is kept, as JSON.
 */
interface IMemory {
  readonly filter: string;
  readonly experiment: string | null;
  readonly order: IOrder | null;
  readonly groupBy: string | null;
  readonly folded: readonly string[];
  readonly columns: readonly string[] | null;
  readonly widths: Readonly<Record<string, number>>;
  readonly selected: readonly string[];
  readonly pipelinesFolded: boolean;
  readonly export: IKeptExport | null;
}

/**
 * Begin as the page was left, and keep from now on how it is left: filter, order,
 * groups, columns, selection, and the export under way.
 *
 * #### Notes
 * The model asks the server nothing before, so that what is listed first is what
 * was listed last.
 */
export async function remember(
  stateDB: IStateDB | null,
  model: RunsModel
): Promise<IDisposable | null> {
  const kept = await stateDB?.fetch(KEY).catch(() => undefined);
  if (model.isDisposed) {
    return null;
  }
  const memory = (kept ?? {}) as Partial<IMemory>;
  model.pipelines.fold(memory.pipelinesFolded === true);
  model.begin(recall(memory));
  if (memory.export) {
    void model.pipelines.resumeExport(memory.export);
  }
  if (stateDB === null) {
    return null;
  }
  let saved = JSON.stringify(record(model));
  const save = new Debouncer(async () => {
    const text = JSON.stringify(record(model));
    if (text !== saved) {
      saved = text;
      await stateDB.save(KEY, JSON.parse(text) as ReadonlyPartialJSONObject);
    }
  }, SAVE_MILLISECONDS);
  const changed = (): void => {
    save.invoke().catch(reason => {
      console.warn('The state of Experiment runs was not kept.', reason);
    });
  };
  model.stateChanged.connect(changed);
  model.pipelines.stateChanged.connect(changed);
  return save;
}

/**
 * What was kept as a state; what does not look like one is left out.
 */
function recall(memory: Partial<IMemory>): Partial<IKeptState> {
  const { filter, experiment, order, groupBy, columns, widths } = memory;
  return {
    ...(typeof filter === 'string' && { filter }),
    ...(typeof experiment === 'string' && { experiment }),
    ...(order && typeof order.column === 'string' && { order }),
    ...(typeof groupBy === 'string' && { groupBy }),
    ...(Array.isArray(columns) && { columns: columns.map(String) }),
    ...(widths && { widths }),
    folded: new Set(memory.folded ?? []),
    selected: memory.selected ?? []
  };
}

function record(model: RunsModel): IMemory {
  const { state, pipelines } = model;
  const current = pipelines.state.export;
  const job = current?.stage === 'naming' ? null : (current?.job ?? null);
  return {
    filter: state.filter,
    experiment: state.experiment,
    order: state.order,
    groupBy: state.groupBy,
    folded: [...state.folded],
    columns: state.columns,
    widths: state.widths,
    selected: state.selected,
    pipelinesFolded: pipelines.state.folded,
    export:
      current === null || job === null
        ? null
        : {
            run: {
              run_id: current.run.run_id,
              number: current.run.number,
              parent_id: current.run.parent_id,
              parent_number: current.run.parent_number
            },
            job_id: job.job_id
          }
  };
}
