import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { Api, ApiError } from '../api';
import { Directions, Examples, ExamplesQuery } from '../contract';

/**
 * Say which way a metric is good; null lets its code or its name decide.
 */
export function setDirection(
  api: Api,
  metric: string,
  higherIsBetter: boolean | null
): Promise<Directions> {
  return api.request('PATCH', ['metrics', metric], undefined, {
    higher_is_better: higherIsBetter
  });
}

/**
 * Rows that two runs predicted, the most telling first.
 */
export function getExamples(api: Api, query: ExamplesQuery): Promise<Examples> {
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)])
  );
  return api.request('GET', ['comparison', 'examples'], search);
}

/**
 * The bytes of a file that a run kept.
 */
export async function getArtifact(
  api: Api,
  runId: string,
  digest: string
): Promise<Blob> {
  const response = await ServerConnection.makeRequest(
    URLExt.join(
      api.serverSettings.baseUrl,
      'jupyter-mlops/api/runs',
      encodeURIComponent(runId),
      'artifacts',
      encodeURIComponent(digest)
    ),
    { method: 'GET' },
    api.serverSettings
  );
  if (!response.ok) {
    const why = `${response.status} ${response.statusText}`;
    throw new ApiError('missing', why);
  }
  return response.blob();
}
