import { LabIcon } from '@jupyterlab/ui-components';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { RunSummary, Status } from '../contract';
import { failedIcon, finishedIcon, killedIcon, runningIcon } from '../icons';

const ICONS: Record<Status, LabIcon> = {
  RUNNING: runningIcon,
  FINISHED: finishedIcon,
  FAILED: failedIcon,
  KILLED: killedIcon
};

/**
 * How a run stands, in words.
 */
export function statusText(
  run: Pick<RunSummary, 'status' | 'status_reason'>,
  trans: TranslationBundle
): string {
  switch (run.status) {
    case 'RUNNING':
      return trans.__('running');
    case 'FINISHED':
      return trans.__('finished');
    case 'FAILED':
      return trans.__('failed');
    case 'KILLED':
      return run.status_reason === 'kernel_died'
        ? trans.__('killed: the kernel died')
        : run.status_reason === 'interrupted'
          ? trans.__('interrupted')
          : trans.__('killed');
  }
}

/**
 * How a run stands: an icon of its own shape, and the words for those who do
 * not see it.
 */
export function StatusIcon(props: {
  run: Pick<RunSummary, 'status' | 'status_reason'>;
  trans: TranslationBundle;
}): JSX.Element {
  const { run, trans } = props;
  const StatusSvg = ICONS[run.status].react;
  const text = statusText(run, trans);
  return (
    <span className="jp-Mlops-status" data-status={run.status} title={text}>
      <StatusSvg tag="span" width="14px" height="14px" aria-hidden="true" />
      <span className="jp-Mlops-unseen">{text}</span>
    </span>
  );
}
