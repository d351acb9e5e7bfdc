import type { TopLevelSpec } from 'vega-lite';

import { runColourName, runDash } from '../colours';
import { Curve, RunSummary } from '../contract';
import { toNumber } from '../format';

const HEIGHT = 200;

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
  runs: readonly RunSummary[],
  curves: { [runId: string]: Curve }
): Promise<() => void> {
  const { default: embed } = await import('vega-embed');
  const style = getComputedStyle(node);
  const { view, finalize } = await embed(
    node,
    curveSpec(metric, runs, curves, style, node.clientWidth),
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
  runs: readonly RunSummary[],
  curves: { [runId: string]: Curve },
  style: CSSStyleDeclaration,
  width: number
): TopLevelSpec {
  const drawn = runs
    .map((run, place) => ({ run, place, curve: curves[run.run_id] }))
    .filter(({ curve }) => curve !== undefined);
  const names = drawn.map(({ run }) => `#${run.number} ${run.name}`.trim());
  const variable = (name: string): string =>
    style.getPropertyValue(name).trim();
  const text = variable('--jp-ui-font-color1');
  const line = variable('--jp-border-color2');
  const legend =
    drawn.length > 1 ? { title: null, orient: 'top' as const } : null;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    description: `${metric}: ${names.join(', ')}`,
    width,
    height: HEIGHT,
    autosize: { type: 'fit', contains: 'padding' },
    background: 'transparent',
    data: {
      values: drawn.flatMap(({ curve }, index) =>
        curve.values.map((value, step) => ({
          run: names[index],
          step: curve.steps[step],
          value: finiteOrNull(toNumber(value))
        }))
      )
    },
    encoding: {
      x: { field: 'step', type: 'quantitative', axis: { tickMinStep: 1 } },
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
        mark: { type: 'line', strokeWidth: 1.8 },
        encoding: { y: valueAxis() }
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
          y: valueAxis(),
          strokeDash: { value: [1, 0] },
          opacity: {
            condition: { param: 'near', empty: false, value: 1 },
            value: 0
          },
          tooltip: [
            { field: 'run', type: 'nominal' },
            { field: 'step', type: 'quantitative' },
            {
              field: 'value',
              type: 'quantitative',
              title: metric,
              format: '.6g'
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
        symbolStrokeWidth: 2
      }
    }
  };
}

function valueAxis(): {
  field: string;
  type: 'quantitative';
  title: null;
  scale: { zero: boolean };
} {
  return {
    field: 'value',
    type: 'quantitative',
    title: null,
    scale: { zero: false }
  };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
