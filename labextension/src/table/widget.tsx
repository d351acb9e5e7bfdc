import { MainAreaWidget, ReactWidget } from '@jupyterlab/apputils';
import { Message } from '@lumino/messaging';
import * as React from 'react';

import { tableIcon } from '../icons';
import type { IPanelContext } from '../panel/panel';

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
 * What the tab holds. While it is hidden it asks the server nothing.
 */
export class RunTableView extends ReactWidget {
  constructor(context: Omit<IPanelContext, 'view'>) {
    super();
    this._context = { ...context, view: this };
    this.addClass('jp-Mlops-panel');
    this.addClass('jp-Mlops-tableTab');
    this.node.tabIndex = -1;
  }

  protected override render(): JSX.Element {
    return (
      <React.Suspense fallback={null}>
        <Content {...this._context} />
      </React.Suspense>
    );
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._context.model.watch(this, this.isVisible);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._context.model.watch(this, true);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._context.model.watch(this, false);
  }

  protected override onBeforeDetach(message: Message): void {
    this._context.model.watch(this, false);
    super.onBeforeDetach(message);
  }

  private readonly _context: IPanelContext;
}
