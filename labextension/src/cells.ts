import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';

import { RunCell } from './contract';

const SEEN_MILLISECONDS = 1600;
const FOUND = 'jp-mod-mlopsFound';

/**
 * Open the notebook of a run and scroll to the cell that made it.
 *
 * @returns Whether the cell was found: by its id, else by what it held.
 */
export async function revealCell(
  cell: RunCell,
  commands: CommandRegistry,
  notebooks: INotebookTracker
): Promise<boolean> {
  const panel = await openNotebook(cell, commands, notebooks);
  if (panel === undefined) {
    return false;
  }
  await panel.context.ready;
  await panel.revealed;
  const { content } = panel;
  const cells = content.widgets.map(widget => widget.model);
  const byId = cells.findIndex(
    model => cell.cell_id !== '' && model.id === cell.cell_id
  );
  const index =
    byId >= 0
      ? byId
      : cells.findIndex(
          model =>
            model.type === 'code' &&
            bare(model.sharedModel.getSource()) === bare(cell.source)
        );
  if (index < 0) {
    return false;
  }
  content.deselectAll();
  content.activeCellIndex = index;
  await content.scrollToItem(index, 'smart');
  const { node } = content.widgets[index];
  node.classList.add(FOUND);
  setTimeout(() => node.classList.remove(FOUND), SEEN_MILLISECONDS);
  return true;
}

/**
 * The panel of a run's notebook: the one that is open, or a new one.
 */
async function openNotebook(
  cell: RunCell,
  commands: CommandRegistry,
  notebooks: INotebookTracker
): Promise<NotebookPanel | undefined> {
  const path = cell.contents_path;
  if (path === null) {
    return undefined;
  }
  const find = (): NotebookPanel | undefined =>
    notebooks.find(panel => panel.context.path === path);
  const open = find();
  if (open !== undefined) {
    await commands.execute('docmanager:open', { path });
    return open;
  }
  // A front end with one document a page opens another page, and gives nothing back.
  await commands.execute('docmanager:open', { path });
  return find();
}

/**
 * A cell's source without its marker line, which may have been changed since.
 */
function bare(source: string): string {
  return source.replace(/^%%track\b[^\n]*\n?/, '').trim();
}
