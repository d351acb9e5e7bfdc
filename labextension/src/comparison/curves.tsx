import * as React from 'react';

import { Curve } from '../contract';
import { drawCurves, ICurveOptions } from './chart';
import { ISectionProps, Section } from './section';

const SHOWN = 6;

/**
 * The curves, a chart a metric, a line a run; smoothed, on a log scale or over
 * time, as one likes.
 */
export function Curves(
  props: ISectionProps & { theme: number }
): JSX.Element | null {
  const { comparison, trans } = props;
  const [options, setOptions] = React.useState<ICurveOptions>({
    smoothing: 0,
    log: false,
    time: false
  });
  const [all, setAll] = React.useState(false);
  const metrics = Object.entries(comparison.curves).filter(([, curves]) =>
    Object.values(curves).some(curve => curve.values.length > 1)
  );
  if (metrics.length === 0) {
    return null;
  }
  const timed = metrics.some(([, curves]) =>
    Object.values(curves).some(curve => new Set(curve.times).size > 1)
  );
  const shown = all ? metrics : metrics.slice(0, SHOWN);
  return (
    <Section title={trans.__('Curves')}>
      <div className="jp-Mlops-controls">
        <label className="jp-Mlops-toggle">
          {trans.__('Smoothing')}
          <input
            type="range"
            min={0}
            max={0.98}
            step={0.02}
            value={options.smoothing}
            onChange={event =>
              setOptions({ ...options, smoothing: Number(event.target.value) })
            }
          />
          <output>{options.smoothing.toFixed(2)}</output>
        </label>
        <label className="jp-Mlops-toggle">
          <input
            type="checkbox"
            checked={options.log}
            onChange={event =>
              setOptions({ ...options, log: event.target.checked })
            }
          />
          {trans.__('Log scale')}
        </label>
        {timed && (
          <label className="jp-Mlops-toggle">
            <input
              type="checkbox"
              checked={options.time}
              onChange={event =>
                setOptions({ ...options, time: event.target.checked })
              }
            />
            {trans.__('By seconds')}
          </label>
        )}
      </div>
      <div className="jp-Mlops-charts">
        {shown.map(([metric, curves]) => (
          <Chart
            key={metric}
            {...props}
            metric={metric}
            curves={curves}
            options={options}
          />
        ))}
      </div>
      {metrics.length > shown.length && (
        <button className="jp-mod-styled" onClick={() => setAll(true)}>
          {trans._n(
            'Show %1 more curve',
            'Show %1 more curves',
            metrics.length - shown.length
          )}
        </button>
      )}
    </Section>
  );
}

function Chart(
  props: ISectionProps & {
    metric: string;
    curves: { [runId: string]: Curve };
    options: ICurveOptions;
    theme: number;
  }
): JSX.Element {
  const { comparison, metric, curves, options, picked, theme, trans } = props;
  const place = React.useRef<HTMLDivElement>(null);
  const [problem, setProblem] = React.useState('');

  React.useEffect(() => {
    const node = place.current;
    if (node === null) {
      return;
    }
    const drawing = drawCurves(
      node,
      metric,
      comparison,
      curves,
      options,
      picked
    );
    drawing.catch(reason => setProblem(String(reason)));
    return () => {
      drawing.then(end => end()).catch(() => undefined);
    };
  }, [comparison, curves, metric, options, picked, theme]);

  return (
    <figure className="jp-Mlops-chart">
      <figcaption>{metric}</figcaption>
      {problem !== '' && (
        <p className="jp-Mlops-error">
          {trans.__('The chart cannot be drawn: %1', problem)}
        </p>
      )}
      <div ref={place} className="jp-Mlops-canvas" />
    </figure>
  );
}
