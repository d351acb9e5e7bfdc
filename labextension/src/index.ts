import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  IThemeManager,
  IToolbarWidgetRegistry,
  WidgetTracker
} from '@jupyterlab/apputils';
import {
  INotebookTracker,
  NotebookActions,
  NotebookPanel
} from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { addCommands, CommandIds } from './commands';
import type { ComparisonTab } from './comparison/widget';
import { remember } from './memory';
import { RunsModel } from './model';
import { IPanelSettings, RunsPanel } from './panel/panel';
import type { RunTable } from './table/widget';
import { IRunsModel } from './tokens';
import { TrackButtons } from './track';

export * from './tokens';

const DOMAIN = 'jupyter_mlops';
const ROW = 'jp-Mlops-row';

/**
 * The panel *Experiment runs*, the comparisons opened from it, and the
 * commands of both.
 */
const runsPlugin: JupyterFrontEndPlugin<IRunsModel> = {
  id: 'jupyter-mlops:runs',
  description: 'Lists experiment runs live, compares and exports them.',
  autoStart: true,
  provides: IRunsModel,
  optional: [
    ITranslator,
    ISettingRegistry,
    ILayoutRestorer,
    ICommandPalette,
    INotebookTracker,
    IThemeManager,
    ILabShell,
    IStateDB
  ],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    settingRegistry: ISettingRegistry | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    themes: IThemeManager | null,
    labShell: ILabShell | null,
    stateDB: IStateDB | null
  ): IRunsModel => {
    const { commands, serviceManager, shell } = app;
    const language = (translator ?? nullTranslator).languageCode;
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const model = new RunsModel(new Api(serviceManager.serverSettings));
    const settings: IPanelSettings = { metrics: 3 };
    const panel = new RunsPanel({ commands, language, model, settings, trans });
    const comparisons = new WidgetTracker<ComparisonTab>({
      namespace: 'jupyter-mlops-comparisons'
    });

    const openComparison = async (runIds: string[]): Promise<void> => {
      const { ComparisonTab } = await import('./comparison/widget');
      const open = comparisons.find(
        tab => tab.runIds.join() === runIds.join() && !tab.isDisposed
      );
      if (open !== undefined) {
        shell.activateById(open.id);
        return;
      }
      const tab = new ComparisonTab({
        model,
        onThemeChange: act => {
          themes?.themeChanged.connect(act);
          return () => themes?.themeChanged.disconnect(act);
        },
        runIds,
        trans
      });
      shell.add(tab, labShell === null ? 'right' : 'main');
      await comparisons.add(tab);
      shell.activateById(tab.id);
    };

    let table: RunTable | null = null;
    const tables = new WidgetTracker<RunTable>({
      namespace: 'jupyter-mlops-table'
    });
    const openTable = async (): Promise<void> => {
      const { RunTable } = await import('./table/widget');
      if (table === null || table.isDisposed) {
        table = new RunTable({ commands, language, model, settings, trans });
        shell.add(table, labShell === null ? 'right' : 'main');
        await tables.add(table);
      }
      shell.activateById(table.id);
    };

    addCommands({
      commands,
      contents: serviceManager.contents,
      model,
      notebooks,
      openComparison,
      openTable,
      openPanel: () => shell.activateById(panel.id),
      runUnderMenu: () =>
        app.contextMenuHitTest(node => node.classList.contains(ROW))?.dataset[
          'runId'
        ],
      trans
    });

    shell.add(panel, 'left', { rank: 600 });
    restorer?.add(panel, panel.id);
    if (restorer !== null) {
      void restorer.restore(comparisons, {
        command: CommandIds.compareRuns,
        args: tab => ({ run_ids: tab.runIds }),
        name: tab => tab.id
      });
      void restorer.restore(tables, {
        command: CommandIds.openTable,
        name: () => 'table'
      });
    }

    const category = trans.__('Experiment Runs');
    for (const command of [
      CommandIds.openPanel,
      CommandIds.openTable,
      CommandIds.compareRuns,
      CommandIds.exportRun,
      CommandIds.goToCell,
      CommandIds.openAsNotebook,
      CommandIds.pinBaseline,
      CommandIds.restoreRun,
      CommandIds.trackCell
    ]) {
      palette?.addItem({ command, category });
    }

    model.stateChanged.connect(() => {
      commands.notifyCommandChanged(CommandIds.compareRuns);
      commands.notifyCommandChanged(CommandIds.exportRun);
      commands.notifyCommandChanged(CommandIds.pinBaseline);
    });
    NotebookActions.executionScheduled.connect(() => model.noticeCell(false));
    NotebookActions.executed.connect(() => model.noticeCell(true));

    if (settingRegistry !== null) {
      // The panel has its defaults until then; nothing waits for these.
      void app.restored.then(() =>
        applySettings(settingRegistry, model, panel, settings)
      );
    }
    void remember(stateDB, model);
    return model;
  }
};

/**
 * The toggle *Track every run* of the notebook's toolbar.
 */
const trackPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:track',
  description: 'Adds the toggle "Track every run" to the notebook toolbar.',
  autoStart: true,
  requires: [IToolbarWidgetRegistry],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    toolbars: IToolbarWidgetRegistry,
    translator: ITranslator | null
  ): void => {
    const buttons = new TrackButtons(
      (translator ?? nullTranslator).load(DOMAIN)
    );
    toolbars.addFactory<NotebookPanel>('Notebook', 'track-every-run', panel =>
      buttons.create(panel)
    );
    NotebookActions.executed.connect((_, { notebook, cell }) =>
      buttons.notice(notebook, cell)
    );
  }
};

/**
 * Follow the settings: now and whenever they change.
 */
async function applySettings(
  registry: ISettingRegistry,
  model: RunsModel,
  panel: RunsPanel,
  settings: IPanelSettings
): Promise<void> {
  try {
    const loaded = await registry.load(runsPlugin.id);
    const apply = (): void => {
      model.interval = 1000 * Number(loaded.get('refreshSeconds').composite);
      settings.metrics = Number(loaded.get('metrics').composite);
      panel.update();
    };
    loaded.changed.connect(apply);
    apply();
  } catch (reason) {
    console.error('The settings of jupyter-mlops could not be read.', reason);
  }
}

export default [runsPlugin, trackPlugin];
