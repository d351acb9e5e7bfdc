import { ReactWidget } from '@jupyterlab/apputils';
import { Message } from '@lumino/messaging';
import * as React from 'react';

import type { IPanelContext } from './panel';

/**
 * A view of the runs.
 *
 * #### Notes
 * While it is hidden its model asks the server nothing, and what it shows is
 * loaded when it is first seen.
 */
export class RunsView extends ReactWidget {
  constructor(
    context: Omit<IPanelContext, 'view'>,
    private readonly _content: React.ComponentType<IPanelContext>
  ) {
    super();
    this._context = { ...context, view: this };
    this.addClass('jp-Mlops-panel');
  }

  protected override render(): JSX.Element {
    const Content = this._content;
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
