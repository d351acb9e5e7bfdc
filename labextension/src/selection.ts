import { runStyles } from './colours';
import { parseColumn, usualOrder } from './columns';
import type { Evaluation, RunSummary } from './contract';
import type { IRunsModel, IRunsState } from './tokens';

/** How many runs can be put side by side. */
export const MOST_COMPARED = 50;

/**
 * Run ids by when they began, so that the older run is what the newer is compared
 * with.
 */
export function inOrder(
  model: IRunsModel,
  runIds: readonly string[]
): string[] {
  const began = (runId: string): number =>
    Date.parse(model.find(runId)?.start_time ?? '');
  return [...runIds].sort((one, other) => began(one) - began(other) || 0);
}

/**
 * The runs at the top of the list that are compared when none is selected. Children
 * stand beside each other only where their parent is not listed.
 */
export function runsOnTop(state: Pick<IRunsState, 'runs'>): RunSummary[] {
  const listed = new Set(state.runs.map(run => run.run_id));
  return state.runs
    .filter(run => !listed.has(run.parent_id))
    .slice(0, MOST_COMPARED);
}

/**
 * The metric by which the list is ordered, the best first; null in any other order.
 */
export function orderingMetric(
  state: Pick<IRunsState, 'order' | 'groupBy' | 'fields'>
): string | null {
  const { order, groupBy, fields } = state;
  if (order === null || groupBy !== null) {
    return null;
  }
  const column = parseColumn(order.column);
  const usual = usualOrder(column, fields.lower_is_better);
  return column.kind === 'metrics' && order.descending === usual.descending
    ? column.name
    : null;
}

/**
 * The run that an order by a metric has put on top; undefined in any other order.
 */
export function bestOnTop(
  state: Pick<IRunsState, 'runs' | 'order' | 'groupBy' | 'fields'>
): RunSummary | undefined {
  const metric = orderingMetric(state);
  const [first] = state.runs;
  return metric !== null && first !== undefined && metric in first.metrics
    ? first
    : undefined;
}

/**
 * What a run tells of how its metrics were scored.
 */
interface IScored {
  metric_details: {
    [metric: string]: {
      evaluation: Pick<
        Evaluation,
        'function' | 'function_hash' | 'target'
      > | null;
    };
  };
}

/** So many runs on top of the list say what most of them were scored on. */
export const JUDGED = 9;

/**
 * Whether a metric of `run` was scored on the rows, and by the function, of more than
 * half of `runs`; also where it is not known, or where no half of them agree.
 */
export function isScoredAsMost(
  run: IScored,
  runs: readonly IScored[],
  metric: string
): boolean {
  const own = scoringOf(run, metric);
  const known = runs.flatMap(other => scoringOf(other, metric) ?? []);
  const agree = (scoring: string): boolean =>
    2 * known.filter(other => other === scoring).length > known.length;
  return own === null || agree(own) || !known.some(agree);
}

function scoringOf(run: IScored, metric: string): string | null {
  const evaluation = run.metric_details[metric]?.evaluation ?? null;
  return evaluation === null || evaluation.target === ''
    ? null
    : JSON.stringify([
        evaluation.function,
        evaluation.function_hash,
        evaluation.target
      ]);
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
