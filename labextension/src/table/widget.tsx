import { MainAreaWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import { tableIcon } from '../icons';
import type { IPanelContext } from '../panel/panel';
import { RunsView } from '../panel/view';

const Content = React.lazy(() => import('./content'));

/**
 * The main area tab *All runs*: every run the filter finds, with columns of
 * choice. It shows the same list as the side panel: filter, order, groups and
 * selection are one.
 */
export class RunTable extends MainAreaWidget<RunTableView> {
  constructor(context: Omit<IPanelContext, 'view'>) {
    super({ content: new RunTableView(context) });
    const { trans } = context;
    this.id = 'jupyter-mlops-table';
    this.title.icon = tableIcon;
    this.title.label = trans.__('All runs');
    this.title.caption = trans.__('All experiment runs');
    this.title.closable = true;
    this.toolbar.hide();
    // It names what it holds itself.
    this.content.node.setAttribute('aria-label', trans.__('All runs'));
  }
}

/**
 * What the tab holds.
 */
export class RunTableView extends RunsView {
  constructor(context: Omit<IPanelContext, 'view'>) {
    super(context, Content);
    this.addClass('jp-Mlops-tableTab');
    this.node.tabIndex = -1;
  }
}
