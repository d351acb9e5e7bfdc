import * as React from 'react';

import { Curve } from '../contract';
import { drawCurves } from './chart';
import { ISectionProps } from './comparison';

/**
 * The curves, a chart a metric, a line a run.
 */
export function Curves(
  props: ISectionProps & { theme: number }
): JSX.Element | null {
  const { comparison, trans } = props;
  const metrics = Object.entries(comparison.curves).filter(
    ([, curves]) => Object.keys(curves).length > 0
  );
  if (metrics.length === 0) {
    return null;
  }
  return (
    <section aria-label={trans.__('Curves')}>
      <h2>{trans.__('Curves')}</h2>
      <div className="jp-Mlops-charts">
        {metrics.map(([metric, curves]) => (
          <Chart key={metric} {...props} metric={metric} curves={curves} />
        ))}
      </div>
    </section>
  );
}

function Chart(
  props: ISectionProps & {
    metric: string;
    curves: { [runId: string]: Curve };
    theme: number;
  }
): JSX.Element {
  const { comparison, metric, curves, theme, trans } = props;
  const place = React.useRef<HTMLDivElement>(null);
  const [problem, setProblem] = React.useState('');

  React.useEffect(() => {
    const node = place.current;
    if (node === null) {
      return;
    }
    const drawing = drawCurves(node, metric, comparison.runs, curves);
    drawing.catch(reason => setProblem(String(reason)));
    return () => {
      drawing.then(end => end()).catch(() => undefined);
    };
  }, [comparison, curves, metric, theme]);

  return (
    <figure className="jp-Mlops-chart">
      <figcaption>{metric}</figcaption>
      {problem !== '' && (
        <p className="jp-Mlops-error">
          {trans.__('The chart cannot be drawn: %1', problem)}
        </p>
      )}
      <div ref={place} />
    </figure>
  );
}
