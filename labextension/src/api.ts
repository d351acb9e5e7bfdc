import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import {
  BestRun,
  AliasMove,
  CreateExport,
  Curve,
  EditRun,
  ErrorAnswer,
  ExportJob,
  FieldList,
  GroupList,
  MoveAlias,
  PipelineList,
  Run,
  RunCell,
  RunComparison,
  RunList,
  RunNotebook,
  RunSummary,
  SparklineList,
  ValueList,
  VersionDifference
} from './contract';
import { IProblem } from './tokens';

/**
 * Why a request failed: the server's own code, message and hint, or
 * `unreachable` when no server answered and `missing` when one answered that
 * does not know the extension.
 */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint = ''
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/**
 * What went wrong, of anything thrown.
 */
export function asProblem(reason: unknown): IProblem {
  return reason instanceof ApiError
    ? { code: reason.code, message: reason.message, hint: reason.hint }
    : { code: 'failed', message: String(reason), hint: '' };
}

/**
 * What to list: see `RunsQuery` of the contract.
 */
export interface IRunsRequest {
  filter: string;
  experiment: string | null;
  limit: number;
  offset?: number;
  order?: readonly string[];
  /** Also the children of runs, which else stay behind their parent. */
  includeChildren?: boolean;
  parentId?: string;
  since?: string;
}

/**
 * Which runs to group: see `GroupsQuery` of the contract.
 */
export interface IGroupsRequest {
  by: string;
  filter: string;
  experiment: string | null;
  includeChildren: boolean;
}

/**
 * The server extension's HTTP interface, one method an operation.
 */
export class Api {
  constructor(readonly serverSettings: ServerConnection.ISettings) {}

  listRuns(request: IRunsRequest, signal?: AbortSignal): Promise<RunList> {
    const query = new URLSearchParams({ limit: String(request.limit) });
    if (request.filter) {
      query.set('filter', request.filter);
    }
    if (request.experiment !== null) {
      query.set('experiment', request.experiment);
    }
    if (request.offset) {
      query.set('offset', String(request.offset));
    }
    request.order?.forEach(item => query.append('order_by', item));
    if (request.includeChildren) {
      query.set('include_children', 'true');
    }
    if (request.parentId !== undefined) {
      query.set('parent_id', request.parentId);
    }
    if (request.since !== undefined) {
      query.set('since', request.since);
    }
    return this._request('GET', ['runs'], query, undefined, signal);
  }

  getBest(
    metric: string,
    filter: string,
    experiment: string | null
  ): Promise<BestRun> {
    const query = new URLSearchParams({ metric });
    if (filter) {
      query.set('filter', filter);
    }
    if (experiment !== null) {
      query.set('experiment', experiment);
    }
    return this._request('GET', ['best'], query);
  }

  listGroups(request: IGroupsRequest): Promise<GroupList> {
    const query = new URLSearchParams({ by: request.by });
    if (request.filter) {
      query.set('filter', request.filter);
    }
    if (request.experiment !== null) {
      query.set('experiment', request.experiment);
    }
    if (request.includeChildren) {
      query.set('include_children', 'true');
    }
    return this._request('GET', ['groups'], query);
  }

  listFields(): Promise<FieldList> {
    return this._request('GET', ['fields']);
  }

  listValues(field: string): Promise<ValueList> {
    const query = new URLSearchParams({ field });
    return this._request('GET', ['fields', 'values'], query);
  }

  listSparklines(runIds: readonly string[]): Promise<SparklineList> {
    const query = new URLSearchParams(runIds.map(runId => ['run_id', runId]));
    return this._request('GET', ['sparklines'], query);
  }

  getCell(runId: string): Promise<RunCell> {
    return this._request('GET', ['runs', runId, 'cell']);
  }

  getRun(runId: string): Promise<Run> {
    return this._request('GET', ['runs', runId]);
  }

  editRun(runId: string, change: EditRun): Promise<RunSummary> {
    return this._request('PATCH', ['runs', runId], undefined, change);
  }

  deleteRun(runId: string): Promise<void> {
    return this._request('DELETE', ['runs', runId]);
  }

  restoreRun(runId: string): Promise<RunSummary> {
    return this._request('POST', ['runs', runId, 'restore'], undefined, {});
  }

  getCurve(runId: string, metric: string): Promise<Curve> {
    return this._request('GET', ['runs', runId, 'curves', metric]);
  }

  getNotebook(runId: string): Promise<RunNotebook> {
    return this._request('GET', ['runs', runId, 'notebook']);
  }

  compareRuns(runIds: string[], reference?: string): Promise<RunComparison> {
    const query = new URLSearchParams(runIds.map(runId => ['run_id', runId]));
    if (reference !== undefined) {
      query.set('reference', reference);
    }
    return this._request('GET', ['comparison'], query);
  }

  createExport(request: CreateExport): Promise<ExportJob> {
    return this._request('POST', ['exports'], undefined, request);
  }

  getExport(jobId: string): Promise<ExportJob> {
    return this._request('GET', ['exports', jobId]);
  }

  listPipelines(): Promise<PipelineList> {
    return this._request('GET', ['pipelines']);
  }

  compareVersions(
    pipeline: string,
    since: number,
    version: number
  ): Promise<VersionDifference> {
    const path = [
      'pipelines',
      pipeline,
      'versions',
      `${version}`,
      'difference'
    ];
    const query = new URLSearchParams({ since: String(since) });
    return this._request('GET', path, query);
  }

  moveAlias(pipeline: string, move: MoveAlias): Promise<AliasMove> {
    const path = ['pipelines', pipeline, 'aliases'];
    return this._request('POST', path, undefined, move);
  }

  rollbackAlias(pipeline: string, alias: string): Promise<AliasMove> {
    const path = ['pipelines', pipeline, 'rollback'];
    return this._request('POST', path, undefined, { alias });
  }

  /** Any other operation of the contract. */
  request<T>(
    method: string,
    path: string[],
    query?: URLSearchParams,
    body?: object
  ): Promise<T> {
    return this._request(method, path, query, body);
  }

  private async _request<T>(
    method: string,
    path: string[],
    query?: URLSearchParams,
    body?: object,
    signal?: AbortSignal
  ): Promise<T> {
    const url = URLExt.join(
      this.serverSettings.baseUrl,
      'jupyter-mlops/api',
      ...path.map(encodeURIComponent)
    );
    const init: RequestInit = { method };
    if (signal !== undefined) {
      init.signal = signal;
    }
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        query === undefined ? url : `${url}?${query.toString()}`,
        init,
        this.serverSettings
      );
    } catch (reason) {
      throw new ApiError('unreachable', String(reason));
    }
    const answer = await readJson(response);
    if (response.ok && answer !== undefined) {
      return answer as T;
    }
    if (isErrorAnswer(answer)) {
      const { code, message, hint } = answer.error;
      throw new ApiError(code, message, hint);
    }
    throw new ApiError(
      response.status === 404 ? 'missing' : 'failed',
      `${response.status} ${response.statusText}`
    );
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

function isErrorAnswer(answer: unknown): answer is ErrorAnswer {
  const error = (answer as ErrorAnswer | undefined)?.error;
  return typeof error?.code === 'string' && typeof error.message === 'string';
}
