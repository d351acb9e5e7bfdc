import * as React from 'react';

import { formatValue } from '../format';
import { Axes, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH } from './axes';
import { Dot } from './dot';
import { heightBelow, layLabels } from './labels';
import { IMeasure } from './measures';
import { scaleFor } from './scales';
import { isPicked, ISectionProps } from './section';

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
  const { aslant } = layLabels(x.ticks, WIDTH - LEFT - RIGHT);
  const height = HEIGHT + heightBelow(aslant);
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
      ((event.clientY - area.top) * height) / area.height
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
      viewBox={`0 0 ${WIDTH} ${height}`}
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
