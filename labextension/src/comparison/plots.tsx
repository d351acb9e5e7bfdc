import * as React from 'react';

import { RunSummary } from '../contract';
import { formatNumber, formatValue, toNumber } from '../format';
import { IScale, scaleFor, Value } from './scales';
import { colourOf, isPicked, ISectionProps, labelOf } from './section';

const WIDTH = 420;
const HEIGHT = 260;
const LEFT = 62;
const RIGHT = 14;
const TOP = 12;
const BOTTOM = 40;

/**
 * Something of each run that an axis can hold.
 */
export interface IMeasure {
  readonly key: string;
  readonly label: string;
  of(run: RunSummary): Value;
}

/**
 * Metrics first, then the parameters that differ, then how long a run took.
 */
export function measuresOf({ comparison, trans }: ISectionProps): IMeasure[] {
  const metrics = comparison.metrics.map(row => ({
    key: `m:${row.name}`,
    label: row.name,
    of: (run: RunSummary): Value =>
      run.run_id in row.apart ? undefined : row.values[run.run_id]
  }));
  const params = comparison.params
    .filter(row => row.differs)
    .map(row => ({
      key: `p:${row.name}`,
      label: row.name,
      of: (run: RunSummary): Value => row.values[run.run_id]
    }));
  return [
    ...metrics,
    ...params,
    {
      key: 'duration',
      label: trans.__('duration (s)'),
      of: run => (run.duration === null ? undefined : toNumber(run.duration))
    }
  ];
}

type Box = { x0: number; y0: number; x1: number; y1: number };

/**
 * Two measures against each other; drag over dots to pick their runs.
 */
export function Scatter(
  props: ISectionProps & { across: IMeasure; up: IMeasure }
): JSX.Element {
  const { across, comparison, onPick, picked, trans, up } = props;
  const svg = React.useRef<SVGSVGElement>(null);
  const [box, setBox] = React.useState<Box | null>(null);
  const x = scaleFor(comparison.runs.map(across.of));
  const y = scaleFor(comparison.runs.map(up.of));
  const dots = comparison.runs.flatMap(run => {
    const [right, high] = [x.place(across.of(run)), y.place(up.of(run))];
    return right === null || high === null
      ? []
      : [
          {
            run,
            cx: LEFT + right * (WIDTH - LEFT - RIGHT),
            cy: HEIGHT - BOTTOM - high * (HEIGHT - TOP - BOTTOM)
          }
        ];
  });
  const at = (event: React.PointerEvent): [number, number] => {
    const area = (svg.current as SVGSVGElement).getBoundingClientRect();
    return [
      ((event.clientX - area.left) * WIDTH) / area.width,
      ((event.clientY - area.top) * HEIGHT) / area.height
    ];
  };
  const finish = (): void => {
    if (box === null) {
      return;
    }
    const inside = dots.filter(
      ({ cx, cy }) =>
        cx >= Math.min(box.x0, box.x1) &&
        cx <= Math.max(box.x0, box.x1) &&
        cy >= Math.min(box.y0, box.y1) &&
        cy <= Math.max(box.y0, box.y1)
    );
    setBox(null);
    onPick(
      inside.length > 0 ? new Set(inside.map(({ run }) => run.run_id)) : null
    );
  };
  return (
    <svg
      ref={svg}
      className="jp-Mlops-plot jp-mod-brush"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="group"
      aria-label={trans.__('%1 against %2', up.label, across.label)}
      onPointerDown={event => {
        const [x0, y0] = at(event);
        event.currentTarget.setPointerCapture(event.pointerId);
        setBox({ x0, y0, x1: x0, y1: y0 });
      }}
      onPointerMove={event => {
        if (box !== null) {
          const [x1, y1] = at(event);
          setBox({ ...box, x1, y1 });
        }
      }}
      onPointerUp={finish}
      onPointerCancel={() => setBox(null)}
    >
      <Axes x={x} y={y} across={across.label} up={up.label} />
      {dots.map(({ run, cx, cy }) => (
        <Dot
          key={run.run_id}
          {...props}
          run={run}
          cx={cx}
          cy={cy}
          told={`${up.label} ${formatValue(up.of(run))}, ${across.label} ${formatValue(across.of(run))}`}
          faded={!isPicked(picked, run.run_id)}
        />
      ))}
      {box !== null && (
        <rect
          className="jp-Mlops-brush"
          x={Math.min(box.x0, box.x1)}
          y={Math.min(box.y0, box.y1)}
          width={Math.abs(box.x1 - box.x0)}
          height={Math.abs(box.y1 - box.y0)}
        />
      )}
    </svg>
  );
}

function Dot(
  props: ISectionProps & {
    run: RunSummary;
    cx: number;
    cy: number;
    told: string;
    faded: boolean;
  }
): JSX.Element {
  const { comparison, cx, cy, faded, onPick, picked, run, told } = props;
  const reference = run.run_id === comparison.reference;
  const toggle = (): void => {
    const next = new Set(picked ?? []);
    if (!next.delete(run.run_id)) {
      next.add(run.run_id);
    }
    onPick(next.size > 0 ? next : null);
  };
  return (
    <circle
      className="jp-Mlops-dot"
      cx={cx}
      cy={cy}
      r={reference ? 6 : 4.5}
      data-reference={reference}
      data-faded={faded}
      style={{ fill: colourOf(comparison, run.run_id) }}
      role="button"
      aria-pressed={picked?.has(run.run_id) ?? false}
      aria-label={`${labelOf(run)} ${run.name}: ${told}`}
      tabIndex={0}
      onKeyDown={event => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          toggle();
        }
      }}
      onClick={toggle}
      onPointerDown={event => event.stopPropagation()}
    >
      <title>{`${labelOf(run)} ${run.name}\n${told}`}</title>
    </circle>
  );
}

/** Characters of a label that have room wherever it stands. */
const SHORT = 12;

function Axes(props: {
  x: IScale;
  y: IScale;
  across: string;
  up: string;
}): JSX.Element {
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const xs = thinned(props.x.ticks, 7);
  const ys = thinned(props.y.ticks, 7);
  return (
    <g className="jp-Mlops-axes" aria-hidden="true">
      {xs.map(({ at, label }) => {
        const place = LEFT + at * (right - LEFT);
        return (
          <g key={label}>
            <path d={`M${place} ${TOP}V${bottom}`} />
            <text
              x={place}
              y={bottom + 15}
              textAnchor={
                label.length <= SHORT || (at > 0.1 && at < 0.9)
                  ? 'middle'
                  : at < 0.5
                    ? 'start'
                    : 'end'
              }
            >
              {shortened(label, Math.max(Math.floor(60 / xs.length), SHORT))}
              <title>{label}</title>
            </text>
          </g>
        );
      })}
      {ys.map(({ at, label }) => {
        const place = bottom - at * (bottom - TOP);
        return (
          <g key={label}>
            <path d={`M${LEFT} ${place}H${right}`} />
            <text x={LEFT - 6} y={place + 4} textAnchor="end">
              {shortened(label, 9)}
              <title>{label}</title>
            </text>
          </g>
        );
      })}
      <path className="jp-mod-line" d={`M${LEFT} ${TOP}V${bottom}H${right}`} />
      <text x={(LEFT + right) / 2} y={HEIGHT - 6} textAnchor="middle">
        {shortened(props.across, 50)}
      </text>
    </g>
  );
}

function thinned<T>(ticks: readonly T[], most: number): readonly T[] {
  const step = Math.ceil(ticks.length / most);
  return ticks.filter((_, place) => place % step === 0);
}

/**
 * A long name without its middle: the ends of nested names tell them apart.
 */
export function cutInside(text: string, length: number): string {
  const head = Math.floor((length - 1) / 3);
  return text.length <= length
    ? text
    : `${text.slice(0, head)}…${text.slice(head + 1 - length)}`;
}

export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

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
              style={{ stroke: colourOf(comparison, run.run_id) }}
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
                  {shortened(label, 8)}
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

/**
 * The best so far, run by run in the order they were made, and by what idea.
 */
export function Frontier(
  props: ISectionProps & { metric: string }
): JSX.Element | null {
  const { comparison, metric, trans } = props;
  const [only, setOnly] = React.useState(false);
  const points = comparison.frontiers[metric];
  if (points === undefined) {
    return null;
  }
  const shown = only ? points.filter(point => point.best) : points;
  const y = scaleFor(points.map(point => point.value));
  const bottom = HEIGHT - BOTTOM;
  const xOf = (place: number): number =>
    LEFT + ((place + 0.5) / shown.length) * (WIDTH - LEFT - RIGHT);
  const yOf = (value: Value): number =>
    bottom - (y.place(value) ?? 0) * (bottom - TOP);
  let steps = '';
  shown.forEach((point, place) => {
    if (point.best) {
      steps += steps === '' ? `M${xOf(place)} ` : `H${xOf(place)}V`;
      steps += yOf(point.value).toFixed(1);
    }
  });
  steps += `H${WIDTH - RIGHT}`;
  const runs = new Map(comparison.runs.map(run => [run.run_id, run]));
  return (
    <figure className="jp-Mlops-chart">
      <figcaption>
        {trans.__('Best %1 so far', metric)}{' '}
        <label className="jp-Mlops-toggle">
          <input
            type="checkbox"
            checked={only}
            onChange={event => setOnly(event.target.checked)}
          />
          {trans.__('Only new bests')}
        </label>
      </figcaption>
      <svg
        className="jp-Mlops-plot"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="group"
        aria-label={trans.__('Best %1 so far', metric)}
      >
        <Axes
          x={{ place: () => null, ticks: [] }}
          y={y}
          across={trans.__('runs in the order they were made')}
          up={metric}
        />
        <path className="jp-Mlops-frontier" d={steps} />
        {shown.map((point, place) => {
          const run = runs.get(point.run_id);
          return run === undefined ? null : (
            <Dot
              key={point.run_id}
              {...props}
              run={run}
              cx={xOf(place)}
              cy={yOf(point.value)}
              told={`${metric} ${formatValue(point.value)}, ${point.idea}${point.best ? `, ${trans.__('the best until then')}` : ''}`}
              faded={!point.best || !isPicked(props.picked, point.run_id)}
            />
          );
        })}
      </svg>
      {only && (
        <ol className="jp-Mlops-bests">
          {shown.map(point => (
            <li key={point.run_id} title={String(toNumber(point.value))}>
              {`${labelOf(runs.get(point.run_id))} ${point.idea}: ${formatNumber(point.value)}`}
            </li>
          ))}
        </ol>
      )}
    </figure>
  );
}
