import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { IColumn, IOrder } from '../columns';

const NARROWEST = 56;
const WIDEST = 900;
const KEY_STEP = 16;

/**
 * The head of a column: a click orders by it, its edge can be dragged, and with
 * Alt and the arrow keys it becomes wider and narrower, too.
 */
export function HeadCell(props: {
  column: IColumn & { title: string; numeric: boolean; width: number };
  place: number;
  order: IOrder | null;
  focusable: boolean;
  trans: TranslationBundle;
  onOrder: () => void;
  onWidth: (width: number) => void;
}): JSX.Element {
  const { column, order, trans, onWidth } = props;
  const ordered = order?.column === column.id ? order : null;
  const drag = React.useRef<{ x: number; width: number } | null>(null);
  const resize = (width: number): void =>
    onWidth(Math.min(Math.max(Math.round(width), NARROWEST), WIDEST));
  return (
    <div
      role="columnheader"
      className="jp-Mlops-headCell"
      data-column={props.place}
      data-numeric={column.numeric}
      aria-colindex={props.place + 1}
      aria-sort={
        ordered === null
          ? 'none'
          : ordered.descending
            ? 'descending'
            : 'ascending'
      }
      tabIndex={props.focusable ? 0 : -1}
      title={`${column.id}\n${trans.__('Click to order by it; drag its edge, or Alt ← →, to change its width')}`}
      onClick={props.onOrder}
      onKeyDown={event => {
        const step = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
        if (event.altKey && step !== undefined) {
          event.preventDefault();
          event.stopPropagation();
          resize(column.width + step);
        }
      }}
    >
      <span className="jp-Mlops-headText">{column.title}</span>
      {ordered !== null && (
        <span aria-hidden="true">{ordered.descending ? '↓' : '↑'}</span>
      )}
      <span
        className="jp-Mlops-edge"
        aria-hidden="true"
        onClick={event => event.stopPropagation()}
        onPointerDown={event => {
          event.stopPropagation();
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { x: event.clientX, width: column.width };
        }}
        onPointerMove={event => {
          if (drag.current !== null) {
            resize(drag.current.width + event.clientX - drag.current.x);
          }
        }}
        onPointerUp={() => {
          drag.current = null;
        }}
      />
    </div>
  );
}
