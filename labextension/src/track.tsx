import {
  ISessionContext,
  Notification,
  ReactWidget
} from '@jupyterlab/apputils';
import { Cell, CodeCell, ICodeCellModel } from '@jupyterlab/cells';
import { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { Kernel } from '@jupyterlab/services';
import { ToolbarButtonComponent } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { trackIcon, trackingIcon } from './icons';

const MARKER = /^%%track\b[^\n]*\n?/;
const SWITCH = /^%track[ \t]+(on|off)\b/gm;
const ATTACH = '%load_ext jupyter_mlops';
const IS_ON =
  'get_ipython()._jupyter_mlops_attached.watcher.track_every is True';

/**
 * A cell's source with `%%track` on its first line, or without it.
 */
export function toggleMarker(source: string): string {
  return MARKER.test(source)
    ? source.replace(MARKER, '')
    : `%%track\n${source}`;
}

/**
 * What a cell's `%track on` and `%track off` leave switched, if it has any.
 */
export function switchedBy(source: string): boolean | undefined {
  const last = [...source.matchAll(SWITCH)].pop();
  return last === undefined ? undefined : last[1] === 'on';
}

/**
 * The notebook toolbar's toggle *Track every run*.
 *
 * #### Notes
 * It runs `%track on` in the notebook's kernel, silently, so that neither
 * history nor the execution count know of it. A kernel that was there before
 * the page is asked whether it is on; a restarted one has forgotten it, so it
 * is told again.
 */
export class TrackButton extends ReactWidget {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-ToolbarButton');
    const { sessionContext } = _panel;
    sessionContext.kernelChanged.connect(this._onKernelChanged, this);
    sessionContext.statusChanged.connect(this._onStatusChanged, this);
    void this._ask();
  }

  get pressed(): boolean {
    return this._pressed;
  }

  /**
   * What a run cell said itself about tracking.
   */
  noticeCell(cell: ICodeCellModel): void {
    const switched = switchedBy(cell.sharedModel.getSource());
    if (switched !== undefined && switched !== this._pressed) {
      this._show(switched);
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    const { sessionContext } = this._panel;
    sessionContext.kernelChanged.disconnect(this._onKernelChanged, this);
    sessionContext.statusChanged.disconnect(this._onStatusChanged, this);
    super.dispose();
  }

  protected override render(): JSX.Element {
    const kernel = this._panel.sessionContext.session?.kernel;
    return (
      <ToolbarButtonComponent
        className="jp-Mlops-track"
        icon={this._pressed ? trackingIcon : trackIcon}
        tooltip={this._trans.__('Track every run')}
        pressed={this._pressed}
        enabled={!this._switching && kernel !== null && kernel !== undefined}
        onClick={() => void this._switch(!this._pressed)}
      />
    );
  }

  private async _ask(): Promise<void> {
    const kernel = this._panel.sessionContext.session?.kernel;
    if (!kernel) {
      return;
    }
    const on = await evaluateSilently(kernel, IS_ON).catch(() => undefined);
    if (!this.isDisposed && !this._switching) {
      this._show(on === 'True');
    }
  }

  private async _switch(on: boolean): Promise<void> {
    const kernel = this._panel.sessionContext.session?.kernel;
    if (!kernel || this._switching) {
      return;
    }
    const before = this._pressed;
    this._switching = true;
    this._show(on);
    let problem: string | null;
    try {
      problem = await runSilently(
        kernel,
        `${ATTACH}\n%track ${on ? 'on' : 'off'}`
      );
    } catch {
      // The kernel went away; when there is another, it is asked.
      problem = null;
      on = false;
    }
    this._switching = false;
    if (this.isDisposed) {
      return;
    }
    this._show(problem === null ? on : before);
    if (problem !== null) {
      Notification.error(
        this._trans.__(
          'This notebook’s kernel cannot track runs: %1 Install jupyter_mlops where the kernel runs.',
          problem
        ),
        { autoClose: 10000 }
      );
    }
  }

  private _show(pressed: boolean): void {
    this._pressed = pressed;
    this.update();
  }

  private _onKernelChanged(): void {
    this._show(false);
    void this._ask();
  }

  private _onStatusChanged(_: ISessionContext, status: Kernel.Status): void {
    this.update();
    const restarts = status === 'restarting' || status === 'autorestarting';
    if (restarts && this._pressed) {
      // The connection drops what it has to send, then keeps what it is given
      // until the kernel is back: so this comes before any cell.
      void Promise.resolve().then(() => this._switch(true));
    }
  }

  private _pressed = false;
  private _switching = false;
}

/**
 * Run `code` unseen; the kernel's complaint if it has one.
 */
async function runSilently(
  kernel: Kernel.IKernelConnection,
  code: string
): Promise<string | null> {
  const future = kernel.requestExecute({
    code,
    silent: true,
    store_history: false,
    stop_on_error: false
  });
  const { content } = await future.done;
  return content.status === 'error'
    ? `${content.ename}: ${content.evalue}`
    : null;
}

/**
 * How the kernel writes the value of `expression`; undefined if it has none.
 */
async function evaluateSilently(
  kernel: Kernel.IKernelConnection,
  expression: string
): Promise<unknown> {
  const future = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    user_expressions: { value: expression }
  });
  const { content } = await future.done;
  if (content.status !== 'ok') {
    return undefined;
  }
  const answer = content.user_expressions?.['value'] as
    { data?: Record<string, unknown> } | undefined;
  return answer?.data?.['text/plain'];
}

/**
 * Makes the toggle of each notebook and tells it of the cells that were run.
 */
export class TrackButtons {
  constructor(private readonly _trans: TranslationBundle) {}

  create(panel: NotebookPanel): TrackButton {
    const button = new TrackButton(panel, this._trans);
    this._buttons.set(panel.content, button);
    return button;
  }

  notice(notebook: Notebook, cell: Cell): void {
    if (cell instanceof CodeCell) {
      this._buttons.get(notebook)?.noticeCell(cell.model);
    }
  }

  private _buttons = new WeakMap<Notebook, TrackButton>();
}
