import * as React from 'react';

import { TranslationBundle } from '@jupyterlab/translation';

import { Curve, Run, Sparkline as SmallLine } from '../contract';
import { formatNumber, toNumber } from '../format';
import { IPanelContext } from './panel';

const WIDTH = 100;
const HEIGHT = 24;

interface ICurvesProps extends IPanelContext {
  run: Run;
}

/**
 * The curves of a run, each a line small enough for the panel.
 */
export function Sparklines(props: ICurvesProps): JSX.Element | null {
  const { run, trans } = props;
  if (run.curves.length === 0) {
    return null;
  }
  return (
    <>
      <h4>{trans.__('Curves')}</h4>
      {run.curves.map(metric => (
        <Sparkline key={metric} {...props} metric={metric} />
      ))}
    </>
  );
}

function Sparkline(
  props: ICurvesProps & { metric: string }
): JSX.Element | null {
  const { metric, model, run, trans } = props;
  const [curve, setCurve] = React.useState<Curve | null>(null);

  React.useEffect(() => {
    let wanted = true;
    model.api
      .getCurve(run.run_id, metric)
      .then(curve => wanted && setCurve(curve))
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [metric, model, run]);

  if (curve === null || curve.values.length === 0) {
    return null;
  }
  const words = trans.__(
    '%1 from %2 to %3 in %4 steps',
    metric,
    formatNumber(curve.values[0]),
    formatNumber(curve.values[curve.values.length - 1]),
    curve.count
  );
  return (
    <figure className="jp-Mlops-sparkline" title={words}>
      <figcaption>{metric}</figcaption>
      <svg
        role="img"
        aria-label={words}
        viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
        preserveAspectRatio="none"
      >
        <path d={pathOf(curve)} vectorEffect="non-scaling-stroke" />
      </svg>
    </figure>
  );
}

/**
 * The first curve of a run, as small as a word.
 */
export function SmallCurve(props: {
  sparkline: SmallLine;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { sparkline, trans } = props;
  const { metric, values } = sparkline;
  if (values.length < 2) {
    return null;
  }
  const words = trans.__(
    '%1 from %2 to %3',
    metric,
    formatNumber(values[0]),
    formatNumber(values[values.length - 1])
  );
  const steps = values.map((_, index) => index);
  return (
    <span className="jp-Mlops-smallCurve" title={words}>
      <svg
        role="img"
        aria-label={words}
        viewBox={`0 -1 ${WIDTH} ${HEIGHT + 2}`}
        preserveAspectRatio="none"
      >
        <path d={pathOf({ steps, values })} vectorEffect="non-scaling-stroke" />
      </svg>
    </span>
  );
}

/**
 * The curve as an SVG path; values that are no number leave a gap.
 */
function pathOf(curve: Pick<Curve, 'steps' | 'values'>): string {
  const values = curve.values.map(toNumber);
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const height = Math.max(...finite) - low || 1;
  const first = curve.steps[0];
  const width = curve.steps[curve.steps.length - 1] - first || 1;
  let drawing = false;
  return values
    .map((value, index) => {
      const joined = drawing;
      drawing = Number.isFinite(value);
      if (!drawing) {
        return '';
      }
      const x = ((curve.steps[index] - first) / width) * WIDTH;
      const y = HEIGHT - ((value - low) / height) * HEIGHT;
      return `${joined ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`;
    })
    .join('');
}
