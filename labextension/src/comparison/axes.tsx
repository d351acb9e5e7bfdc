import * as React from 'react';

import { shortened } from '../format';
import { IScale } from './scales';

/** The room of a plot and its margins. */
export const WIDTH = 420;
export const HEIGHT = 260;
export const LEFT = 62;
export const RIGHT = 14;
export const TOP = 12;
export const BOTTOM = 40;

/** Characters of a label that have room wherever it stands. */
const SHORT = 12;

/**
 * The two axes of a plot, with as many labels as have room.
 */
export function Axes(props: {
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

export function thinned<T>(ticks: readonly T[], most: number): readonly T[] {
  const step = Math.ceil(ticks.length / most);
  return ticks.filter((_, place) => place % step === 0);
}
