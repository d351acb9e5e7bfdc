import { TranslationBundle } from '@jupyterlab/translation';

import { IProblem } from './tokens';

/**
 * What is wrong, and what to do about it, for people.
 */
export function describeProblem(
  problem: IProblem,
  trans: TranslationBundle
): [string, string] {
  switch (problem.code) {
    case 'unreachable':
      return [
        trans.__('The Jupyter server does not answer'),
        trans.__('It is asked again as soon as it is back.')
      ];
    case 'missing':
      return [
        trans.__('The server extension is not enabled'),
        trans.__(
          'Run "jupyter server extension enable jupyter_mlops", then restart the server.'
        )
      ];
    default:
      return [problem.message, problem.hint];
  }
}
