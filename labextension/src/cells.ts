import {
  INotebookTracker,
  Notebook,
  NotebookPanel
} from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';

import { RunCell } from './contract';

const SEEN_MILLISECONDS = 1600;
const TRIES = 80;
const PAUSE_MILLISECONDS = 120;
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
  await bringIntoView(content, index);
  const { node } = content.widgets[index];
  node.classList.add(FOUND);
  setTimeout(() => node.classList.remove(FOUND), SEEN_MILLISECONDS);
  return true;
}

/**
 * Scroll to a cell, again while the notebook takes shape: one that has just been
 * opened does not know yet how high its cells are, and loses its place when their
 * outputs come. Whoever scrolls in the meantime is left alone.
 */
async function bringIntoView(content: Notebook, index: number): Promise<void> {
  let left = false;
  const leave = (): void => {
    left = true;
  };
  const acts = ['wheel', 'pointerdown', 'keydown'];
  acts.forEach(act => content.node.addEventListener(act, leave));
  for (let seen = 0, tries = 0; seen < 3 && tries < TRIES && !left; tries++) {
    if (isInView(content, index)) {
      seen += 1;
    } else {
      seen = 0;
      await content.scrollToItem(index, 'smart').catch(() => undefined);
    }
    await new Promise(resolve => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
  acts.forEach(act => content.node.removeEventListener(act, leave));
}

function isInView(content: Notebook, index: number): boolean {
  const { node } = content.widgets[index];
  if (!node.isConnected) {
    return false;
  }
  const [cell, view] = [node, content.node].map(element =>
    element.getBoundingClientRect()
  );
  return cell.top < view.bottom - 20 && cell.bottom > view.top + 20;
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
