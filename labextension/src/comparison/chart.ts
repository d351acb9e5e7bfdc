import type { TopLevelSpec } from 'vega-lite';

import { runColourName, runDash } from '../colours';
import { Curve, RunComparison } from '../contract';
import { toNumber } from '../format';
import { smooth, thin } from './points';
import { labelOf } from './section';

const HEIGHT = 200;
const POINTS = 400;
const NAMED = 12;

/**
 * How curves are drawn.
 */
export interface ICurveOptions {
  /** From 0 (none) to just below 1. */
  readonly smoothing: number;
  readonly log: boolean;
  /** Over seconds since the run began instead of steps. */
  readonly time: boolean;
}

/**
 * Draw one metric's curves into `node`, as wide as it is, for as long as the
 * answer is not called.
 *
 * #### Notes
 * Expressions are interpreted, not compiled, so that a server whose content
 * security policy forbids `eval` shows charts too. The library is loaded with
 * the first chart, from this server.
 */
export async function drawCurves(
  node: HTMLElement,
  metric: string,
  comparison: RunComparison,
  curves: { [runId: string]: Curve },
  options: ICurveOptions,
  picked: ReadonlySet<string> | null
): Promise<() => void> {
  const { default: embed } = await import('vega-embed');
  const style = getComputedStyle(node);
  const { view, finalize } = await embed(
    node,
    curveSpec(
      metric,
      comparison,
      curves,
      options,
      picked,
      style,
      node.clientWidth
    ),
    { ast: true, actions: false, renderer: 'svg', mode: 'vega-lite' }
  );
  const observer = new ResizeObserver(() => {
    if (node.clientWidth > 0) {
      void view.width(node.clientWidth).runAsync();
    }
  });
  observer.observe(node);
  return () => {
    observer.disconnect();
    finalize();
  };
}

/**
 * The chart in Vega-Lite, in the colours of the theme.
 */
function curveSpec(
  metric: string,
  comparison: RunComparison,
  curves: { [runId: string]: Curve },
  options: ICurveOptions,
  picked: ReadonlySet<string> | null,
  style: CSSStyleDeclaration,
  width: number
): TopLevelSpec {
  const drawn = comparison.runs
    .map(run => ({
      run,
      place: comparison.styles[run.run_id] ?? 0,
      curve: curves[run.run_id]
    }))
    .filter(
      ({ run, curve }) =>
        curve !== undefined && (picked === null || picked.has(run.run_id))
    );
  const names = drawn.map(({ run }) => `${labelOf(run)} ${run.name}`.trim());
  const variable = (name: string): string =>
    style.getPropertyValue(name).trim();
  const text = variable('--jp-ui-font-color1');
  const line = variable('--jp-border-color2');
  // Beyond a dozen runs a legend takes more room than the chart; hovering tells.
  const legend =
    drawn.length > 1 && drawn.length <= NAMED
      ? { title: null, orient: 'top' as const, columns: 3 }
      : null;
  const across = options.time ? 'seconds' : 'step';
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: `${metric}: ${names.join(', ')}`,
    width,
    height: HEIGHT,
    autosize: { type: 'fit', contains: 'padding' },
    background: 'transparent',
    data: {
      values: drawn.flatMap(({ curve }, index) => {
        const values = curve.values.map(toNumber);
        const smoothed = smooth(values, options.smoothing);
        return thin(smoothed, POINTS).map(step => ({
          run: names[index],
          step: options.time ? toNumber(curve.times[step]) : curve.steps[step],
          value: plottable(smoothed[step], options.log),
          raw: plottable(values[step], options.log)
        }));
      })
    },
    encoding: {
      x: {
        field: 'step',
        type: 'quantitative',
        title: across,
        axis: options.time ? {} : { tickMinStep: 1 }
      },
      color: {
        field: 'run',
        type: 'nominal',
        legend,
        scale: {
          domain: names,
          range: drawn.map(({ place }) => variable(runColourName(place)))
        }
      },
      strokeDash: {
        field: 'run',
        type: 'nominal',
        legend,
        scale: {
          domain: names,
          range: drawn.map(({ place }) => runDash(place))
        }
      }
    },
    layer: [
      {
        mark: {
          type: 'line',
          strokeWidth: 0.8,
          opacity: options.smoothing > 0 ? 0.3 : 0
        },
        encoding: { y: valueAxis('raw', options.log) }
      },
      {
        mark: { type: 'line', strokeWidth: 1.8 },
        encoding: { y: valueAxis('value', options.log) }
      },
      {
        params: [
          {
            name: 'near',
            select: {
              type: 'point',
              on: 'pointerover',
              nearest: true,
              clear: 'pointerout'
            }
          }
        ],
        mark: { type: 'point', filled: true, size: 55 },
        encoding: {
          y: valueAxis('value', options.log),
          strokeDash: { value: [1, 0] },
          opacity: {
            condition: { param: 'near', empty: false, value: 1 },
            value: 0
          },
          tooltip: [
            { field: 'run', type: 'nominal' },
            { field: 'step', type: 'quantitative', title: across },
            {
              field: 'raw',
              type: 'quantitative',
              title: metric,
              format: '.17~g'
            }
          ]
        }
      }
    ],
    config: {
      font: variable('--jp-ui-font-family'),
      view: { stroke: null },
      axis: {
        labelColor: text,
        titleColor: text,
        titleFontWeight: 'normal',
        domainColor: line,
        tickColor: line,
        gridColor: line,
        gridOpacity: 0.5
      },
      legend: {
        labelColor: text,
        labelLimit: 240,
        symbolType: 'stroke',
        symbolOpacity: 1,
        symbolStrokeWidth: 2
      }
    }
  };
}

function valueAxis(
  field: string,
  log: boolean
): {
  field: string;
  type: 'quantitative';
  title: null;
  scale: { zero: boolean; type: 'log' | 'linear' };
} {
  return {
    field,
    type: 'quantitative',
    title: null,
    scale: { zero: false, type: log ? 'log' : 'linear' }
  };
}

function plottable(value: number, log: boolean): number | null {
  return Number.isFinite(value) && (!log || value > 0) ? value : null;
}
