import { RunSummary } from './contract';
import { spellField } from './completion';
import {
  decimalsOf,
  formatDuration,
  formatFixed,
  formatValue,
  toNumber
} from './format';

/**
 * A column of the table: what it is called, what it shows of a run and how the
 * server orders by it. Its id is how a filter spells it.
 */
export interface IColumn {
  readonly id: string;
  readonly kind: 'metrics' | 'params' | 'tags' | 'attributes';
  readonly name: string;
}

/**
 * An order: newest first when there is none.
 */
export interface IOrder {
  readonly column: string;
  readonly descending: boolean;
}

/** The attributes that can be columns, in the order they are offered. */
export const ATTRIBUTES = [
  'status',
  'start_time',
  'duration',
  'experiment',
  'notebook',
  'note',
  'number',
  'run_id'
] as const;

const KINDS = ['metrics', 'params', 'tags'] as const;

export function columnOf(kind: IColumn['kind'], name: string): IColumn {
  return {
    id: kind === 'attributes' ? name : spellField(kind, name),
    kind,
    name
  };
}

/**
 * The column of an id, which may have been kept for long.
 */
export function parseColumn(id: string): IColumn {
  const kind = KINDS.find(kind => id.startsWith(`${kind}.`));
  if (kind === undefined) {
    return { id, kind: 'attributes', name: id };
  }
  const name = id.slice(kind.length + 1);
  const quoted = /^`(.*)`$/s.exec(name);
  return { id, kind, name: quoted ? quoted[1].replace(/``/g, '`') : name };
}

/**
 * The value of a run in a column; undefined where it has none.
 */
export function valueIn(run: RunSummary, column: IColumn): unknown {
  if (column.kind !== 'attributes') {
    return (run[column.kind] as Record<string, unknown>)[column.name];
  }
  const value = (run as unknown as Record<string, unknown>)[column.name];
  return value === null || value === '' ? undefined : value;
}

/**
 * Names of metrics or params, those that most runs have first, so that rows
 * show the same ones and can be read as columns.
 */
export function byFrequency(
  runs: readonly RunSummary[],
  kind: 'metrics' | 'params'
): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const name of Object.keys(run[kind])) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([name]) => name);
}

/**
 * The metrics that rows show, by experiment: the one that the list is ordered by,
 * then those of the chosen columns, or else the most common there.
 */
export function keyMetrics(
  runs: readonly RunSummary[],
  {
    order,
    columns
  }: { order: IOrder | null; columns: readonly string[] | null },
  most: number
): Map<string, string[]> {
  const metricsOf = (ids: readonly string[]): string[] =>
    ids
      .map(parseColumn)
      .filter(column => column.kind === 'metrics')
      .map(column => column.name);
  const first = metricsOf(order === null ? [] : [order.column]);
  return new Map(
    [...new Set(runs.map(run => run.experiment))].map(experiment => {
      const own = runs.filter(run => run.experiment === experiment);
      const others =
        columns === null ? byFrequency(own, 'metrics') : metricsOf(columns);
      const names = new Set([...first, ...others]);
      return [experiment, [...names].slice(0, Math.max(most, 0))];
    })
  );
}

/**
 * What tells runs of one name apart: the parameters that differ among them, by
 * `nameKey`, in the order in which the runs have them.
 */
export function differingAmongNamesakes(
  runs: readonly RunSummary[]
): Map<string, readonly string[]> {
  const namesakes = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const key = nameKey(run);
    namesakes.set(key, [...(namesakes.get(key) ?? []), run]);
  }
  return new Map(
    [...namesakes].map(([key, group]) => [
      key,
      [...new Set(group.flatMap(run => Object.keys(run.params)))].filter(
        name =>
          new Set(group.map(run => JSON.stringify(run.params[name]))).size > 1
      )
    ])
  );
}

/**
 * What runs of one name in one experiment have in common.
 */
export function nameKey(run: RunSummary): string {
  return `${run.experiment}\n${run.parent_id}\n${run.name}`;
}

/**
 * The order one means by naming a column: the best first of what measures.
 */
export function usualOrder(
  column: IColumn,
  lowerIsBetter: readonly string[]
): IOrder {
  return {
    column: column.id,
    descending:
      column.kind === 'metrics' && !lowerIsBetter.includes(column.name)
  };
}

/**
 * The columns a table begins with: how each run stands, its most common metrics,
 * and those parameters that differ between the runs.
 */
export function usualColumns(runs: readonly RunSummary[]): string[] {
  const differing = byFrequency(runs, 'params').filter(
    name => new Set(runs.map(run => JSON.stringify(run.params[name]))).size > 1
  );
  const experiments = new Set(runs.map(run => run.experiment));
  return [
    ...(experiments.size > 1 ? ['experiment'] : []),
    'start_time',
    'duration',
    ...byFrequency(runs, 'metrics')
      .slice(0, 5)
      .map(name => spellField('metrics', name)),
    ...differing.slice(0, 5).map(name => spellField('params', name))
  ];
}

/**
 * The order after a click on a column's head: metrics begin with the best, other
 * numbers that measure with the highest, all else with the lowest; the third
 * click ends it.
 */
export function nextOrder(
  order: IOrder | null,
  column: IColumn,
  lowerIsBetter: readonly string[]
): IOrder | null {
  const first =
    usualOrder(column, lowerIsBetter).descending ||
    ['start_time', 'duration', 'number'].includes(column.id);
  if (order?.column !== column.id) {
    return { column: column.id, descending: first };
  }
  return order.descending === first
    ? { column: column.id, descending: !first }
    : null;
}

/**
 * How the server is asked for an order.
 */
export function spellOrder(order: IOrder): string {
  return order.descending ? `${order.column} DESC` : order.column;
}

/**
 * Whether a column's values are numbers, which stand to the right.
 */
export function isNumeric(
  column: IColumn,
  runs: readonly RunSummary[]
): boolean {
  if (column.kind === 'metrics' || ['duration', 'number'].includes(column.id)) {
    return true;
  }
  if (column.kind !== 'params') {
    return false;
  }
  const values = runs
    .map(run => valueIn(run, column))
    .filter(value => value !== undefined && value !== null);
  return values.length > 0 && values.every(value => typeof value === 'number');
}

/**
 * A function that writes a column's values: numbers with the decimals that the
 * values of the column ask for, so that they can be read downwards.
 */
export function writerOf(
  column: IColumn,
  runs: readonly RunSummary[]
): (value: unknown) => string {
  if (column.id === 'duration') {
    return value => formatDuration(value as number);
  }
  if (column.kind === 'attributes') {
    return value => String(value);
  }
  const numbers = runs
    .map(run => valueIn(run, column))
    .filter(value => typeof value === 'number');
  const decimals = decimalsOf(numbers);
  return value =>
    column.kind === 'metrics' || typeof value === 'number'
      ? formatFixed(toNumber(value as number), decimals)
      : formatValue(value);
}
