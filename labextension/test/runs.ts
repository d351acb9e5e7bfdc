import { RunSummary } from '../src/contract';

/**
 * A run as a list has it; any field can be replaced.
 */
export function aRun(
  number: number,
  fields: Partial<RunSummary> = {}
): RunSummary {
  return {
    run_id: `run${number}`,
    number,
    name: `run ${number}`,
    experiment: 'penguins',
    status: 'FINISHED',
    start_time: '2026-03-02T09:30:00Z',
    status_reason: '',
    duration: 1.5,
    params: {},
    metrics: {},
    tags: {},
    note: '',
    notebook: '',
    cell_id: '',
    parent_id: '',
    curves: [],
    warning_count: 0,
    parent_number: 0,
    children: 0,
    ...fields
  };
}
