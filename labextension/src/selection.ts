import { runStyles } from './colours';
import { parseColumn, usualOrder } from './columns';
import type { RunSummary } from './contract';
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
 * The metric by which the list is ordered, the best first, if any of its runs has it;
 * null in any other order. In groups each has its runs in that order.
 */
export function rankingMetric(
  state: Pick<IRunsState, 'runs' | 'order' | 'fields'>
): string | null {
  const { order, fields } = state;
  if (order === null) {
    return null;
  }
  const column = parseColumn(order.column);
  const usual = usualOrder(column, fields.lower_is_better);
  return column.kind === 'metrics' &&
    order.descending === usual.descending &&
    state.runs.some(run => column.name in run.metrics)
    ? column.name
    : null;
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
