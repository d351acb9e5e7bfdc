import {
  InputDialog,
  Notification,
  showErrorMessage
} from '@jupyterlab/apputils';
import { ICellModel } from '@jupyterlab/cells';
import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Contents } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { asProblem } from './api';
import { revealCell } from './cells';
import { RunSummary } from './contract';
import { referenceOf, toIdentifier } from './format';
import { compareIcon, runsIcon, tableIcon, trackIcon } from './icons';
import { RunsModel } from './model';
import { inOrder, rankingMetric, runsOnTop } from './selection';
import { toggleMarker } from './track';

/** How many runs that were passed over are told by their numbers. */
const NAMED = 5;

/**
 * The ids of our commands.
 */
export namespace CommandIds {
  export const openPanel = 'jupyter-mlops:open-panel';
  export const compareRuns = 'jupyter-mlops:compare-runs';
  export const exportRun = 'jupyter-mlops:export-run';
  export const openAsNotebook = 'jupyter-mlops:open-as-notebook';
  export const openScript = 'jupyter-mlops:open-script';
  export const renameRun = 'jupyter-mlops:rename-run';
  export const deleteRun = 'jupyter-mlops:delete-run';
  export const restoreRun = 'jupyter-mlops:restore-run';
  export const pinBaseline = 'jupyter-mlops:pin-baseline';
  export const goToCell = 'jupyter-mlops:go-to-cell';
  export const openTable = 'jupyter-mlops:open-table';
  export const trackCell = 'jupyter-mlops:track-cell';
}

/**
 * What the commands work on. Only `index.ts` knows the application.
 */
export interface ICommandContext {
  readonly commands: CommandRegistry;
  readonly model: RunsModel;
  readonly contents: Contents.IManager;
  readonly trans: TranslationBundle;
  readonly notebooks: INotebookTracker | null;
  readonly openPanel: () => void;
  readonly openTable: () => Promise<void>;
  readonly openComparison: (runIds: string[]) => Promise<void>;
  /** The id of the run whose row the context menu was opened on. */
  readonly runUnderMenu: () => string | undefined;
}

const RUN_ARGUMENT = {
  type: 'object',
  properties: {
    run_id: {
      type: 'string',
      description: 'The run; by default the one selected in the panel.'
    },
    under_menu: {
      type: 'boolean',
      description: 'Take the run whose row the context menu was opened on.'
    }
  }
};

/**
 * Register every command. The palette and the menus name them by id.
 */
export function addCommands(context: ICommandContext): void {
  const { commands, model, trans } = context;

  commands.addCommand(CommandIds.openPanel, {
    label: trans.__('Show Experiment Runs'),
    caption: trans.__('Show the experiment runs of this project'),
    icon: runsIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => context.openPanel()
  });

  commands.addCommand(CommandIds.openTable, {
    label: trans.__('Show All Experiment Runs as a Table'),
    caption: trans.__('Show all experiment runs with columns of your choice'),
    icon: tableIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => context.openTable()
  });

  commands.addCommand(CommandIds.compareRuns, {
    label: trans.__('Compare Runs'),
    caption: trans.__('Put the selected runs side by side'),
    icon: compareIcon,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          run_ids: {
            type: 'array',
            items: { type: 'string' },
            description:
              'Two or more runs; by default those selected in the panel, or on top of its list.'
          }
        }
      }
    },
    isEnabled: args => runsOf(context, args).length > 1,
    execute: async args => context.openComparison(runsOf(context, args))
  });

  commands.addCommand(CommandIds.exportRun, {
    label: trans.__('Export Run to Pipeline'),
    caption: trans.__('Make a proved pipeline script of a run'),
    describedBy: { args: RUN_ARGUMENT },
    isEnabled: args =>
      runOf(context, args) !== undefined || metricToExportBy(context) !== null,
    execute: async args => {
      await reporting(context, async () => {
        const metric = metricToExportBy(context);
        const chosen = runOf(context, args);
        const run =
          chosen !== undefined
            ? model.find(chosen)
            : metric !== null
              ? await bestOf(context, metric)
              : undefined;
        if (run !== undefined) {
          context.openPanel();
          model.pipelines.beginExport(run, suggestName(model, run));
        }
      });
    }
  });

  commands.addCommand(CommandIds.openAsNotebook, {
    label: trans.__('Open Run as Notebook'),
    caption: trans.__('Make a clean notebook of the cells of a run'),
    describedBy: { args: RUN_ARGUMENT },
    isEnabled: args => runOf(context, args) !== undefined,
    execute: async args => {
      await reporting(context, async () => {
        const run_id = runOf(context, args) ?? '';
        const path = await saveNotebook(context, run_id);
        await commands.execute('docmanager:open', { path });
      });
    }
  });

  commands.addCommand(CommandIds.openScript, {
    label: trans.__('Open Pipeline Script'),
    caption: trans.__('Open pipeline.py of an exported version'),
    describedBy: {
      args: {
        type: 'object',
        required: ['path'],
        properties: {
          path: {
            type: 'string',
            description: 'The folder of the version, as the server has it.'
          }
        }
      }
    },
    execute: async args => {
      const folder = args['path'] as string;
      const path = folder.endsWith('.py')
        ? folder
        : PathExt.join(folder, 'pipeline.py');
      await commands.execute('docmanager:open', { path });
    }
  });

  commands.addCommand(CommandIds.renameRun, {
    label: trans.__('Rename Run…'),
    describedBy: { args: RUN_ARGUMENT },
    isEnabled: args => runOf(context, args) !== undefined,
    execute: async args => {
      const run = model.find(runOf(context, args) ?? '');
      if (run === undefined) {
        return;
      }
      const answer = await InputDialog.getText({
        title: trans.__('Rename run %1', referenceOf(run)),
        label: trans.__('New name'),
        text: run.name,
        okLabel: trans.__('Rename')
      });
      const name = answer.value?.trim();
      if (answer.button.accept && name) {
        await reporting(context, () => model.editRun(run.run_id, { name }));
      }
    }
  });

  commands.addCommand(CommandIds.deleteRun, {
    label: trans.__('Delete Run'),
    describedBy: { args: RUN_ARGUMENT },
    isEnabled: args => runOf(context, args) !== undefined,
    execute: async args => {
      const given = args['run_ids'];
      const runIds = Array.isArray(given)
        ? given.map(String)
        : [runOf(context, args) ?? ''];
      const runs = runIds
        .map(runId => model.find(runId))
        .filter(run => run !== undefined);
      if (runs.length > 0) {
        await reporting(context, () => deleteRuns(context, runs));
      }
    }
  });

  commands.addCommand(CommandIds.restoreRun, {
    label: trans.__('Bring Back Deleted Runs'),
    caption: trans.__('Bring back the runs that were deleted last'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => {
      await reporting(context, async () => {
        await model.restoreRuns();
      });
    }
  });

  commands.addCommand(CommandIds.pinBaseline, {
    label: trans.__('Pin Run as Baseline'),
    caption: trans.__(
      'Hold the other runs of its experiment against it, or no longer'
    ),
    describedBy: { args: RUN_ARGUMENT },
    isEnabled: args => runOf(context, args) !== undefined,
    isToggled: args => isPinned(model, runOf(context, args)),
    execute: async args => {
      const run = model.find(runOf(context, args) ?? '');
      if (run !== undefined) {
        const pinned = isPinned(model, run.run_id);
        await reporting(context, () => model.pinBaseline(run, !pinned));
      }
    }
  });

  commands.addCommand(CommandIds.goToCell, {
    label: trans.__('Go to Cell'),
    caption: trans.__('Go to the notebook cell that made the run'),
    describedBy: { args: RUN_ARGUMENT },
    isEnabled: args => runOf(context, args) !== undefined,
    isVisible: () => context.notebooks !== null,
    execute: async args => {
      const run_id = runOf(context, args) ?? '';
      await reporting(context, () => goToCell(context, run_id));
    }
  });

  commands.addCommand(CommandIds.trackCell, {
    label: trans.__('Track This Cell'),
    caption: trans.__(
      'Put %%track on or off the first line of the active cell'
    ),
    icon: trackIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    isEnabled: () => activeCodeCell(context.notebooks) !== null,
    execute: () => {
      const cell = activeCodeCell(context.notebooks);
      if (cell !== null) {
        cell.setSource(toggleMarker(cell.getSource()));
      }
    }
  });
}

function runsOf(
  { model }: ICommandContext,
  args: ReadonlyPartialJSONObject
): string[] {
  const given = args['run_ids'];
  if (Array.isArray(given)) {
    return given.map(String);
  }
  const { selected } = model.state;
  const only = selected.length === 1 ? model.find(selected[0]) : undefined;
  const baseline = only && model.baselineOf(only);
  if (baseline !== undefined) {
    return [baseline.run_id, selected[0]];
  }
  const runIds =
    selected.length > 0
      ? selected
      : runsOnTop(model.state).map(run => run.run_id);
  return inOrder(model, runIds);
}

function runOf(
  { model, runUnderMenu }: ICommandContext,
  args: ReadonlyPartialJSONObject
): string | undefined {
  const { selected } = model.state;
  if (typeof args['run_id'] === 'string') {
    return args['run_id'];
  }
  if (args['under_menu'] === true) {
    return runUnderMenu();
  }
  return selected.length === 1 ? selected[0] : undefined;
}

/**
 * Without a choice the best run is exported, if the list's order says by what.
 */
function metricToExportBy({ model }: ICommandContext): string | null {
  return model.state.selected.length === 0 ? rankingMetric(model.state) : null;
}

/**
 * The best of the runs that the list asks for, by the metric it is ordered by; told
 * are those it has passed over.
 */
async function bestOf(
  { model, trans }: ICommandContext,
  metric: string
): Promise<RunSummary> {
  const { filter, experiment } = model.state;
  const best = await model.api.getBest(metric, filter, experiment);
  model.know([best.run]);
  const passed = best.passed_over;
  if (passed.length > 0) {
    const named = passed.slice(0, NAMED).map(referenceOf).join(', ');
    Notification.info(
      trans._n(
        '%2 was passed over: its %3 was scored on other rows, or by another function, than those of most runs.',
        '%2 were passed over: their %3 was scored on other rows, or by another function, than those of most runs.',
        passed.length,
        passed.length > NAMED
          ? trans.__('%1 and %2 more', named, passed.length - NAMED)
          : named,
        metric
      ),
      { autoClose: 10000 }
    );
  }
  return best.run;
}

/**
 * The pipeline this experiment was exported to last, or the experiment's name.
 */
function suggestName(model: RunsModel, run: RunSummary): string {
  const versions = model.pipelines.state.pipelines
    .flatMap(pipeline => pipeline.versions)
    .filter(version => version.experiment === run.experiment)
    .sort((one, other) => other.created_at.localeCompare(one.created_at));
  return versions[0]?.name ?? toIdentifier(run.experiment);
}

/**
 * Save the notebook made of a run beside the notebook it ran in, or in the
 * root where that one lies elsewhere.
 */
async function saveNotebook(
  { model, contents }: ICommandContext,
  runId: string
): Promise<string> {
  const { content, contents_folder } = await model.api.getNotebook(runId);
  const name = `run-${model.find(runId)?.number ?? runId}.ipynb`;
  const wanted = PathExt.join(contents_folder, name);
  const { path } = await contents.save(await freePath(contents, wanted), {
    type: 'notebook',
    format: 'json',
    content
  });
  return path;
}

/**
 * `path`, or with a number behind it when there is such a file already.
 */
async function freePath(
  contents: Contents.IManager,
  path: string
): Promise<string> {
  const extension = PathExt.extname(path);
  const stem = path.slice(0, path.length - extension.length);
  let free = path;
  for (let count = 1; await exists(contents, free); count++) {
    free = `${stem}-${count}${extension}`;
  }
  return free;
}

async function exists(
  contents: Contents.IManager,
  path: string
): Promise<boolean> {
  try {
    await contents.get(path, { content: false });
    return true;
  } catch {
    return false;
  }
}

/**
 * Go to the cell of a run; where that is gone, say so and offer the notebook
 * that can be made of the run.
 */
async function goToCell(
  context: ICommandContext,
  runId: string
): Promise<void> {
  const { commands, model, notebooks, trans } = context;
  if (notebooks === null) {
    return;
  }
  const cell = await model.api.getCell(runId);
  if (await revealCell(cell, commands, notebooks)) {
    return;
  }
  const message =
    cell.notebook === ''
      ? trans.__('The run does not know which notebook it was made in.')
      : cell.contents_path === null
        ? trans.__('The notebook %1 is not there any more.', cell.notebook)
        : notebooks.find(panel => panel.context.path === cell.contents_path) ===
            undefined
          ? trans.__('The run was made in %1.', cell.contents_path)
          : trans.__(
              'The cell that made the run is not in %1 any more.',
              cell.contents_path
            );
  Notification.info(message, {
    autoClose: 10000,
    actions: [
      {
        label: trans.__('Open run as notebook'),
        callback: () => {
          void commands.execute(CommandIds.openAsNotebook, { run_id: runId });
        }
      }
    ]
  });
}

function isPinned(model: RunsModel, runId: string | undefined): boolean {
  return model.state.baselines.some(run => run.run_id === runId);
}

async function deleteRuns(
  context: ICommandContext,
  runs: readonly RunSummary[]
): Promise<void> {
  const { model, trans } = context;
  const runIds = runs.map(run => run.run_id);
  await model.deleteRuns(runIds);
  const message =
    runs.length === 1
      ? trans.__('Run %1 was deleted.', referenceOf(runs[0]))
      : trans._n('%1 run was deleted.', '%1 runs were deleted.', runs.length);
  Notification.info(message, {
    autoClose: 10000,
    actions: [
      {
        label: trans.__('Undo'),
        callback: () => {
          void reporting(context, async () => {
            await model.restoreRuns(runIds);
          });
        }
      }
    ]
  });
}

/**
 * Do something that may fail, and say what is wrong if it does.
 */
async function reporting(
  { trans }: ICommandContext,
  act: () => Promise<void>
): Promise<void> {
  try {
    await act();
  } catch (reason) {
    const { message, hint } = asProblem(reason);
    void showErrorMessage(trans.__('That did not work'), `${message} ${hint}`);
  }
}

function activeCodeCell(
  notebooks: INotebookTracker | null
): ICellModel['sharedModel'] | null {
  const cell = notebooks?.activeCell;
  return cell?.model.type === 'code' ? cell.model.sharedModel : null;
}
