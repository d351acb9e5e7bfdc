import * as React from 'react';

import { CommandIds } from '../commands';
import { RunSummary } from '../contract';
import { inOrder } from '../model';
import { IRunsState } from '../tokens';
import { IPanelContext } from './panel';
import { RunRow } from './row';
import { useNow } from './signals';

/**
 * The runs, newest first, child runs under their parent: a grid walked with
 * the arrow keys. Space selects, Enter shows details, F2 renames, Delete
 * deletes.
 */
export function RunList(
  props: IPanelContext & { state: IRunsState }
): JSX.Element {
  const { commands, model, settings, trans, state } = props;
  const now = useNow();
  const grid = React.useRef<HTMLDivElement>(null);
  const [current, setCurrent] = React.useState<string | null>(null);
  const ordered = React.useMemo(() => underParents(state.runs), [state.runs]);
  const metrics = React.useMemo(() => byFrequency(state.runs), [state.runs]);
  const chosen = inOrder(model, state.selected);
  const stop = ordered.some(({ run }) => run.run_id === current)
    ? current
    : ordered[0].run.run_id;

  const focus = (index: number): void => {
    const bounded = Math.min(Math.max(index, 0), ordered.length - 1);
    setCurrent(ordered[bounded].run.run_id);
    grid.current
      ?.querySelectorAll<HTMLElement>('[role="row"]')
      [bounded]?.focus();
  };

  const onKeyDown = (event: React.KeyboardEvent, run: RunSummary): void => {
    if (event.target !== event.currentTarget) {
      return;
    }
    const index = ordered.findIndex(item => item.run.run_id === run.run_id);
    const run_id = run.run_id;
    const keys: Record<string, () => void> = {
      ArrowDown: () => focus(index + 1),
      ArrowUp: () => focus(index - 1),
      Home: () => focus(0),
      End: () => focus(ordered.length - 1),
      ' ': () => model.select(run_id, !state.selected.includes(run_id)),
      Enter: () => void model.expand(run_id, !state.expanded.has(run_id)),
      ArrowRight: () => void model.expand(run_id, true),
      ArrowLeft: () => void model.expand(run_id, false),
      F2: () => void commands.execute(CommandIds.renameRun, { run_id }),
      Delete: () => void commands.execute(CommandIds.deleteRun, { run_id })
    };
    const act = keys[event.key];
    if (act !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      act();
    }
  };

  return (
    <>
      <div
        ref={grid}
        className="jp-Mlops-list"
        role="grid"
        aria-label={trans.__('Runs')}
        aria-multiselectable="true"
        aria-rowcount={state.count}
      >
        {ordered.map(({ run, child }) => (
          <RunRow
            key={run.run_id}
            {...props}
            run={run}
            child={child}
            now={now}
            metrics={metrics.slice(0, Math.max(settings.metrics, 0))}
            focusable={run.run_id === stop}
            selected={state.selected.includes(run.run_id)}
            place={chosen.indexOf(run.run_id)}
            expanded={state.expanded.has(run.run_id)}
            details={state.details.get(run.run_id)}
            showExperiment={
              state.experiments.length > 1 && state.experiment === null
            }
            onFocus={() => setCurrent(run.run_id)}
            onKeyDown={event => onKeyDown(event, run)}
          />
        ))}
      </div>
      {state.runs.length < state.count && (
        <button
          className="jp-mod-styled jp-Mlops-more"
          onClick={() => void model.showMore()}
        >
          {trans.__('Show more runs')}
        </button>
      )}
    </>
  );
}

/**
 * The runs in their order, but each child run after its parent if that is
 * listed too.
 */
function underParents(
  runs: readonly RunSummary[]
): { run: RunSummary; child: boolean }[] {
  const listed = new Set(runs.map(run => run.run_id));
  const children = new Map<string, RunSummary[]>();
  for (const run of runs) {
    if (listed.has(run.parent_id)) {
      const siblings = children.get(run.parent_id) ?? [];
      children.set(run.parent_id, [run, ...siblings]);
    }
  }
  return runs
    .filter(run => !listed.has(run.parent_id))
    .flatMap(run => [
      { run, child: false },
      ...(children.get(run.run_id) ?? []).map(run => ({ run, child: true }))
    ]);
}

/**
 * Names of metrics, those that most runs have first, so that rows show the
 * same ones and can be read as columns.
 */
function byFrequency(runs: readonly RunSummary[]): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const name of Object.keys(run.metrics)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([name]) => name);
}
