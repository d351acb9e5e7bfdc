import { RunSummary } from '../contract';
import { toNumber } from '../format';
import { Value } from './scales';
import { ISectionProps } from './section';

/**
 * Something of each run that an axis can hold.
 */
export interface IMeasure {
  readonly key: string;
  readonly label: string;
  of(run: RunSummary): Value;
}

/**
 * Metrics first, then the parameters that differ, then how long a run took.
 */
export function measuresOf({ comparison, trans }: ISectionProps): IMeasure[] {
  const metrics = comparison.metrics.map(row => ({
    key: `m:${row.name}`,
    label: row.name,
    of: (run: RunSummary): Value =>
      run.run_id in row.apart ? undefined : row.values[run.run_id]
  }));
  const params = comparison.params
    .filter(row => row.differs)
    .map(row => ({
      key: `p:${row.name}`,
      label: row.name,
      of: (run: RunSummary): Value => row.values[run.run_id]
    }));
  return [
    ...metrics,
    ...params,
    {
      key: 'duration',
      label: trans.__('duration (s)'),
      of: run => (run.duration === null ? undefined : toNumber(run.duration))
    }
  ];
}
