import { runStyles } from './colours';
import type { IRunsModel } from './tokens';

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
