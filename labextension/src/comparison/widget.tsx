import { MainAreaWidget, ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { asProblem } from '../api';
import { RunComparison } from '../contract';
import { compareIcon } from '../icons';
import { RunsModel } from '../model';
import { describeProblem } from '../problems';
import { IProblem } from '../tokens';
import { Comparison } from './comparison';
import { getArtifact, getExamples, setDirection } from './requests';
import { IComparisonActions, labelOf } from './section';

/** How many runs a tab's title names. */
const NAMED = 4;

/**
 * What a comparison is made with.
 */
export interface IComparisonOptions {
  readonly runIds: string[];
  readonly model: RunsModel;
  readonly trans: TranslationBundle;
  /** Called when the theme changes; returns what ends that. */
  readonly onThemeChange: (act: () => void) => () => void;
}

/**
 * The main area tab *Compare #12, #14*.
 */
export class ComparisonTab extends MainAreaWidget<ComparisonView> {
  constructor(options: IComparisonOptions) {
    super({ content: new ComparisonView(options) });
    this.id = `jupyter-mlops-compare-${options.runIds.join('-')}`;
    this.addClass('jp-Mlops-comparisonTab');
    this.title.icon = compareIcon;
    this.title.closable = true;
    this.title.className = 'jp-Mlops-comparisonTitle';
    this.toolbar.hide();
    this.content.named = (label, caption) => {
      this.title.label = label;
      this.title.caption = caption;
    };
    void this.content.load();
  }

  get runIds(): string[] {
    return this.content.runIds;
  }
}

/**
 * Fetches a comparison and shows it; fetches it again while one of its runs is
 * still running and whenever another reference is chosen.
 */
export class ComparisonView extends ReactWidget {
  constructor(private readonly _options: IComparisonOptions) {
    super();
    this.addClass('jp-Mlops-comparison');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    _options.model.stateChanged.connect(this._onRunsChanged, this);
    this._endThemeWatch = _options.onThemeChange(() => {
      this._theme += 1;
      this.update();
    });
  }

  /** Told how this comparison is called. */
  named: (label: string, caption: string) => void = () => undefined;

  get runIds(): string[] {
    return this._options.runIds;
  }

  async load(): Promise<void> {
    this._name();
    try {
      const { model } = this._options;
      const reference = this._reference;
      const comparison = await model.api.compareRuns(this.runIds, reference);
      if (this.isDisposed || reference !== this._reference) {
        return;
      }
      this._comparison = comparison;
      this._problem = null;
    } catch (reason) {
      this._problem = asProblem(reason);
    }
    if (!this.isDisposed) {
      this._name();
      this.update();
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._endThemeWatch();
    this._options.model.stateChanged.disconnect(this._onRunsChanged, this);
    super.dispose();
  }

  protected override render(): JSX.Element {
    const { trans } = this._options;
    if (this._comparison === null) {
      return this._problem === null ? (
        <p className="jp-Mlops-quiet" role="status">
          {trans.__('Comparing…')}
        </p>
      ) : (
        this._renderProblem(this._problem)
      );
    }
    return (
      <Comparison
        comparison={this._comparison}
        problem={this._problem}
        theme={this._theme}
        trans={trans}
        actions={this._actions}
        onReference={runId => {
          this._reference = runId;
          void this.load();
        }}
      />
    );
  }

  private _renderProblem(problem: IProblem): JSX.Element {
    const { trans } = this._options;
    const [title, advice] = describeProblem(problem, trans);
    return (
      <div className="jp-Mlops-state" role="alert">
        <p>
          <strong>{title}</strong>
        </p>
        <p>{advice}</p>
        <button className="jp-mod-styled" onClick={() => void this.load()}>
          {trans.__('Try again')}
        </button>
      </div>
    );
  }

  private _name(): void {
    const { model, trans } = this._options;
    const compared = new Map(
      this._comparison?.runs.map(run => [run.run_id, run])
    );
    const names = this.runIds.map(runId => {
      const run = compared.get(runId) ?? model.find(runId);
      return labelOf(run);
    });
    const label = trans.__('Compare %1', names.join(', '));
    this.node.setAttribute('aria-label', label);
    const many = names.length > NAMED;
    this.named(many ? trans.__('Compare %1 runs', names.length) : label, label);
  }

  private _onRunsChanged(model: RunsModel): void {
    const shown = this._comparison?.runs ?? [];
    const moved = shown.some(
      run =>
        run.status === 'RUNNING' &&
        JSON.stringify(model.find(run.run_id)) !== JSON.stringify(run)
    );
    if (moved && !this._following) {
      this._following = true;
      void this.load().finally(() => {
        this._following = false;
      });
    }
  }

  private readonly _actions: IComparisonActions = {
    setDirection: async (metric, higherIsBetter) => {
      await setDirection(this._options.model.api, metric, higherIsBetter);
      await this.load();
    },
    getExamples: query => getExamples(this._options.model.api, query),
    getArtifact: (runId, digest) =>
      getArtifact(this._options.model.api, runId, digest)
  };

  private _comparison: RunComparison | null = null;
  private _problem: IProblem | null = null;
  private _reference: string | undefined;
  private _theme = 0;
  private _following = false;
  private _endThemeWatch: () => void;
}
