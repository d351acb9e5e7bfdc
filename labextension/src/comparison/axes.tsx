import * as React from 'react';

import { cutInside } from '../format';
import { anchorOf, heightBelow, layLabels, LONGEST, thinned } from './labels';
import { IScale } from './scales';

/** The room of a plot and its margins. */
export const WIDTH = 420;
export const HEIGHT = 260;
export const LEFT = 62;
export const RIGHT = 14;
export const TOP = 12;
export const BOTTOM = 40;

/**
 * The two axes of a plot. What has no room for its whole label tells it on hover.
 */
export function Axes(props: {
  x: IScale;
  y: IScale;
  across: string;
  up: string;
}): JSX.Element {
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const xs = layLabels(props.x.ticks, right - LEFT);
  const ys = thinned(props.y.ticks, 15);
  return (
    <g className="jp-Mlops-axes" aria-hidden="true">
      {xs.ticks.map(({ at, label }) => {
        const place = LEFT + at * (right - LEFT);
        return (
          <g key={label}>
            <path d={`M${place} ${TOP}V${bottom}`} />
            <text
              className="jp-mod-tick"
              transform={`translate(${place} ${bottom + 15})${xs.aslant ? ' rotate(-38)' : ''}`}
              textAnchor={xs.aslant ? 'end' : anchorOf(label, at)}
            >
              {xs.aslant ? cutInside(label, LONGEST) : label}
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
            <text
              className="jp-mod-tick"
              x={LEFT - 6}
              y={place + 4}
              textAnchor="end"
            >
              {cutInside(label, 9)}
              <title>{label}</title>
            </text>
          </g>
        );
      })}
      <path className="jp-mod-line" d={`M${LEFT} ${TOP}V${bottom}H${right}`} />
      <text
        x={(LEFT + right) / 2}
        y={HEIGHT + heightBelow(xs.aslant) - 6}
        textAnchor="middle"
      >
        {cutInside(props.across, 50)}
        <title>{props.across}</title>
      </text>
    </g>
  );
}
