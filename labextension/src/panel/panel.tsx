import { ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Message } from '@lumino/messaging';
import * as React from 'react';

import { runsIcon } from '../icons';
import type { RunsModel } from '../model';

/**
 * What every part of the panel is given.
 */
export interface IPanelContext {
  readonly model: RunsModel;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
  /** The interface's language, for times. */
  readonly language: string;
  readonly settings: IPanelSettings;
  /** What the model knows the view by. */
  readonly view: object;
}

/**
 * What people may set about the panel.
 */
export interface IPanelSettings {
  /** How many metrics a row shows. */
  metrics: number;
}

const Content = React.lazy(() => import('./content'));

/**
 * The side panel: search, runs, export, pipelines.
 *
 * #### Notes
 * While it is hidden its model asks the server nothing, and what it shows is
 * loaded when it is first seen.
 */
export class RunsPanel extends ReactWidget {
  constructor(context: Omit<IPanelContext, 'view'>) {
    super();
    this._context = { ...context, view: this };
    const { trans } = context;
    this.id = 'jupyter-mlops-runs';
    this.addClass('jp-Mlops-panel');
    this.title.icon = runsIcon;
    this.title.caption = trans.__('Experiment runs');
    this.addClass('jp-Mlops-sidePanel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Experiment runs'));
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

  protected override onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('input[type="search"]')?.focus();
  }

  private readonly _context: IPanelContext;
}
