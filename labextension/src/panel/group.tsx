import { caretRightIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { PathExt } from '@jupyterlab/coreutils';

import { parseColumn } from '../columns';
import { RunGroup } from '../contract';
import { IItem } from '../layout';

/**
 * The head of a group: its value, how many runs it has, and whether they are
 * folded away.
 */
export function GroupHead(props: {
  item: IItem & { kind: 'group' };
  by: string;
  /** All groups, which it is told apart from. */
  groups: readonly RunGroup[] | null;
  index: number;
  top: number;
  focusable: boolean;
  /** Whether its cell takes the focus, as in a table that is walked by cells. */
  cell?: boolean;
  trans: TranslationBundle;
  onFold: () => void;
}): JSX.Element {
  const { item, by, trans } = props;
  const { value, count } = item.group;
  const name = parseColumn(by).name;
  // Of data, what tells two states of one file apart stands behind its location.
  const [place, state] = by === 'data' ? String(value).split(' · ') : [value];
  const shared =
    state !== undefined &&
    props.groups !== null &&
    props.groups.filter(other => String(other.value).startsWith(`${place} · `))
      .length > 1;
  const title =
    value === null || value === ''
      ? trans.__('without %1', name)
      : by === 'notebook' || by === 'data'
        ? PathExt.basename(String(place))
        : String(place);
  return (
    <div
      role="row"
      className="jp-Mlops-group"
      data-index={props.index}
      data-group="true"
      aria-rowindex={props.index + 1}
      aria-level={props.cell === true ? undefined : 1}
      aria-expanded={props.cell === true ? undefined : !item.folded}
      data-folded={item.folded}
      tabIndex={props.cell === true ? undefined : props.focusable ? 0 : -1}
      style={{ top: props.top }}
      title={`${name}: ${value ?? '–'}`}
      onClick={props.onFold}
    >
      <span
        role="gridcell"
        aria-expanded={props.cell === true ? !item.folded : undefined}
        data-column={props.cell === true ? 0 : undefined}
        tabIndex={props.cell !== true ? undefined : props.focusable ? 0 : -1}
      >
        <caretRightIcon.react tag="span" aria-hidden="true" />
        <span className="jp-Mlops-groupName">{title}</span>
        {shared && <code>{state}</code>}
        <span className="jp-Mlops-quiet">
          {trans._n('%1 run', '%1 runs', count)}
        </span>
      </span>
    </div>
  );
}
