import { TranslationBundle } from '@jupyterlab/translation';

import { CommandIds } from '../commands';
import { RunSummary } from '../contract';
import { IPanelContext } from './panel';

/**
 * What a key does to the run it is pressed on; undefined if nothing.
 */
export function actOnRun(
  { commands, model }: IPanelContext,
  run: RunSummary,
  event: React.KeyboardEvent
): (() => void) | undefined {
  const { state } = model;
  const { run_id } = run;
  const execute =
    (command: string, args = {}) =>
    (): void =>
      void commands.execute(command, { run_id, ...args });
  const among = state.selected.includes(run_id);
  if (event.ctrlKey || event.metaKey) {
    return event.key.toLowerCase() === 'z'
      ? () => void commands.execute(CommandIds.restoreRun)
      : undefined;
  }
  const keys: Record<string, () => void> = {
    ' ': () => model.select(run_id, !among),
    Escape: () => model.clearSelection(),
    F2: execute(CommandIds.renameRun),
    Delete: execute(
      CommandIds.deleteRun,
      among ? { run_ids: [...state.selected] } : {}
    ),
    c: () => void commands.execute(CommandIds.compareRuns),
    e: execute(CommandIds.exportRun),
    g: execute(CommandIds.goToCell),
    o: execute(CommandIds.openAsNotebook),
    b: execute(CommandIds.pinBaseline)
  };
  return event.altKey ? undefined : keys[event.key];
}

/**
 * The keys of the list with what they do, for people.
 */
export function describeKeys(trans: TranslationBundle): [string, string][] {
  return [
    ['↑ ↓', trans.__('Go to another run')],
    [trans.__('Space'), trans.__('Select it')],
    ['⇧ ↑ ↓', trans.__('Select it and the next')],
    [trans.__('⇧ click'), trans.__('Select all as far as here')],
    [trans.__('Ctrl click'), trans.__('Select it, too')],
    [trans.__('Enter, click'), trans.__('Show its details')],
    ['→ ←', trans.__('Unfold and fold what is below it')],
    ['C', trans.__('Compare the selected runs')],
    ['E', trans.__('Export it to a pipeline')],
    ['G', trans.__('Go to the cell that made it')],
    ['O', trans.__('Open it as a notebook')],
    ['B', trans.__('Pin it as the baseline')],
    ['F2', trans.__('Rename it')],
    [trans.__('Delete'), trans.__('Delete it')],
    ['Ctrl Z', trans.__('Bring back what was deleted')],
    ['/', trans.__('Go to the filter')],
    ['Esc', trans.__('Clear the selection')]
  ];
}
