import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { runsIcon } from '../icons';
import type { RunsModel } from '../model';
import { RunsView } from './view';

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
 */
export class RunsPanel extends RunsView {
  constructor(context: Omit<IPanelContext, 'view'>) {
    super(context, Content);
    const { trans } = context;
    this.id = 'jupyter-mlops-runs';
    this.title.icon = runsIcon;
    this.title.caption = trans.__('Experiment runs');
    this.addClass('jp-Mlops-sidePanel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Experiment runs'));
  }

  protected override onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('input[type="search"]')?.focus();
  }
}
