import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { firstOf, isLong } from '../excerpt';

/**
 * The first of many things, and a button that shows the others; no button where
 * all are shown.
 */
export function useFirst<T>(
  items: readonly T[],
  most: number,
  trans: TranslationBundle
): [readonly T[], JSX.Element | null] {
  const [all, setAll] = React.useState(false);
  const first = firstOf(items, most);
  const others = items.length - first.length;
  return [
    all ? items : first,
    others === 0 ? null : (
      <MoreButton all={all} others={others} onAll={setAll} trans={trans} />
    )
  ];
}

export function MoreButton(props: {
  all: boolean;
  others: number;
  onAll: (all: boolean) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { all, others, onAll, trans } = props;
  return (
    <button
      className="jp-Mlops-link jp-Mlops-more"
      aria-expanded={all}
      onClick={() => onAll(!all)}
    >
      {all
        ? trans.__('Show fewer')
        : trans._n('Show %1 more', 'Show %1 more', others)}
    </button>
  );
}

/**
 * A text that shows its first lines, and all of them on demand.
 */
export function LongText(props: {
  children: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { children, trans } = props;
  const [all, setAll] = React.useState(false);
  if (!isLong(children)) {
    return <>{children}</>;
  }
  return (
    <>
      <span className={all ? undefined : 'jp-Mlops-clamped'}>{children}</span>{' '}
      <button
        className="jp-Mlops-link jp-Mlops-more"
        aria-expanded={all}
        onClick={() => setAll(!all)}
      >
        {all ? trans.__('Show less') : trans.__('Show all of it')}
      </button>
    </>
  );
}
