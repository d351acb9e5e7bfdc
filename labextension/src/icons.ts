import { LabIcon } from '@jupyterlab/ui-components';

import compareSource from '../style/icons/compare.svg';
import failedSource from '../style/icons/failed.svg';
import finishedSource from '../style/icons/finished.svg';
import killedSource from '../style/icons/killed.svg';
import pinSource from '../style/icons/pin.svg';
import runningSource from '../style/icons/running.svg';
import runsSource from '../style/icons/runs.svg';
import tableSource from '../style/icons/table.svg';
import trackSource from '../style/icons/track.svg';
import trackingSource from '../style/icons/tracking.svg';
import warningSource from '../style/icons/warning.svg';

function icon(name: string, svgstr: string): LabIcon {
  return new LabIcon({ name: `jupyter-mlops:${name}`, svgstr });
}

export const runsIcon = icon('runs', runsSource);
export const compareIcon = icon('compare', compareSource);
export const tableIcon = icon('table', tableSource);
export const pinIcon = icon('pin', pinSource);
export const trackIcon = icon('track', trackSource);
export const trackingIcon = icon('tracking', trackingSource);
export const warningIcon = icon('warning', warningSource);
export const finishedIcon = icon('finished', finishedSource);
export const failedIcon = icon('failed', failedSource);
export const killedIcon = icon('killed', killedSource);
export const runningIcon = icon('running', runningSource);
