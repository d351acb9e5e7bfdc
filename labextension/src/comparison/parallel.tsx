import * as React from 'react';

import { cutInside, formatValue } from '../format';
import { thinned } from './labels';
import { IMeasure } from './measures';
import { scaleFor } from './scales';
import { colourOf, dashOf, isPicked, ISectionProps, labelOf } from './section';

type Range = [number, number];

/**
 * Each run a line over several axes; drag along an axis to pick runs by it.
 */
export function Parallel(
  props: ISectionProps & { measures: readonly IMeasure[] }
): JSX.Element {
  const { comparison, measures, onPick, picked, trans } = props;
  const svg = React.useRef<SVGSVGElement>(null);
  const [ranges, setRanges] = React.useState<Record<string, Range>>({});
  const [drag, setDrag] = React.useState<[string, number, number] | null>(null);
  const height = 280;
  const gap = 118;
  const width = Math.max(gap * (measures.length - 1) + 116, 320);
  const scales = measures.map(measure =>
    scaleFor(comparison.runs.map(measure.of))
  );
  const top = 34;
  const bottom = height - 14;
  const xOf = (place: number): number => 56 + place * gap;
  const yOf = (share: number): number => bottom - share * (bottom - top);

  React.useEffect(() => {
    if (picked === null && Object.keys(ranges).length > 0) {
      setRanges({});
    }
  }, [picked]);

  const apply = (next: Record<string, Range>): void => {
    setRanges(next);
    if (Object.keys(next).length === 0) {
      onPick(null);
      return;
    }
    const inside = comparison.runs.filter(run =>
      measures.every((measure, place) => {
        const range = next[measure.key];
        const share = scales[place].place(measure.of(run));
        return (
          range === undefined ||
          (share !== null && share >= range[0] && share <= range[1])
        );
      })
    );
    onPick(new Set(inside.map(run => run.run_id)));
  };
  const shareAt = (event: React.PointerEvent): number => {
    const area = (svg.current as SVGSVGElement).getBoundingClientRect();
    const y = ((event.clientY - area.top) * height) / area.height;
    return (bottom - y) / (bottom - top);
  };
  return (
    <div
      className="jp-Mlops-wide"
      tabIndex={0}
      role="group"
      aria-label={trans.__('Parallel coordinates')}
    >
      <svg
        ref={svg}
        className="jp-Mlops-plot jp-mod-parallel"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="xMinYMid meet"
        style={{ minWidth: 66 * measures.length }}
        onPointerMove={event =>
          drag !== null && setDrag([drag[0], drag[1], shareAt(event)])
        }
        onPointerUp={() => {
          if (drag === null) {
            return;
          }
          const [key, from, to] = drag;
          setDrag(null);
          const next = { ...ranges };
          delete next[key];
          if (Math.abs(to - from) > 0.015) {
            next[key] = [Math.min(from, to), Math.max(from, to)];
          }
          apply(next);
        }}
      >
        {comparison.runs.map(run => {
          const points = measures.map((measure, place) => {
            const share = scales[place].place(measure.of(run));
            return share === null ? null : [xOf(place), yOf(share)];
          });
          return (
            <path
              key={run.run_id}
              className="jp-Mlops-line"
              data-faded={!isPicked(picked, run.run_id)}
              data-reference={run.run_id === comparison.reference}
              d={lineThrough(points)}
              style={{
                stroke: colourOf(comparison, run.run_id),
                strokeDasharray: dashOf(comparison, run.run_id).join(' ')
              }}
            >
              <title>
                {[
                  `${labelOf(run)} ${run.name}`,
                  ...measures.map(
                    measure =>
                      `${measure.label} ${formatValue(measure.of(run))}`
                  )
                ].join('\n')}
              </title>
            </path>
          );
        })}
        {measures.map((measure, place) => {
          const x = xOf(place);
          const range: Range | undefined =
            drag?.[0] === measure.key
              ? [Math.min(drag[1], drag[2]), Math.max(drag[1], drag[2])]
              : ranges[measure.key];
          return (
            <g key={measure.key} className="jp-Mlops-axes">
              <text x={x} y={16} textAnchor="middle" className="jp-mod-title">
                {cutInside(measure.label, 15)}
                <title>{measure.label}</title>
              </text>
              <path className="jp-mod-line" d={`M${x} ${top}V${bottom}`} />
              {thinned(scales[place].ticks, 6).map(({ at, label }) => (
                <text
                  key={label}
                  x={x - 5}
                  y={yOf(at) + 4}
                  textAnchor="end"
                  className="jp-mod-tick"
                >
                  {cutInside(label, 8)}
                  <title>{label}</title>
                </text>
              ))}
              <rect
                className="jp-Mlops-grip"
                x={x - 12}
                y={top - 6}
                width={24}
                height={bottom - top + 12}
                onPointerDown={event => {
                  const share = shareAt(event);
                  svg.current?.setPointerCapture(event.pointerId);
                  setDrag([measure.key, share, share]);
                }}
              />
              {range !== undefined && (
                <rect
                  className="jp-Mlops-brush"
                  x={x - 7}
                  width={14}
                  y={yOf(range[1])}
                  height={Math.max(yOf(range[0]) - yOf(range[1]), 0)}
                />
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function lineThrough(points: readonly (number[] | null)[]): string {
  let pen = 'M';
  let path = '';
  for (const point of points) {
    if (point === null) {
      pen = 'M';
    } else {
      path += `${pen}${point[0]} ${point[1].toFixed(1)}`;
      pen = 'L';
    }
  }
  return path;
}
