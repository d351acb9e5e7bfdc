import * as React from 'react';

import { RunSummary } from '../contract';
import { colourOf, ISectionProps, labelOf, shapeOf } from './section';

/**
 * A run in a plot: a click, or Enter, picks it.
 */
export function Dot(
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
    <path
      className="jp-Mlops-dot"
      d={shapeOf(comparison, run.run_id)}
      transform={`translate(${cx} ${cy})${reference ? ' scale(1.35)' : ''}`}
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
    </path>
  );
}
