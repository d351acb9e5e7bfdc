// Generated from jupyter_mlops/server/contract.py; do not edit. To make it anew:
//   python -m jupyter_mlops.server.contract typescript > labextension/src/contract.ts
// A test compares the two.

/** A number; the strings stand for what JSON cannot hold. */
export type Num = number | 'NaN' | 'Infinity' | '-Infinity';

/** A parameter's value, as it was set. */
export type ParamValue =
  | boolean
  | Num
  | string
  | unknown[]
  | { [key: string]: unknown }
  | null;

/** One line of the append-only log of an alias: where it stood, where it went, when. */
export interface AliasMove {
  pipeline: string;
  alias: string;
  from_version: number | null;
  to_version: number | null;
  moved_at: string;
  reason: string;
}

/**
 * A stored file: `digest` (sha-256 of its bytes) finds it in the artifact store.
 *
 * `kind` is `figure`, `text`, `model`, `predictions`, `features`, `table` or `file`.
 * A table is a CSV file a person reads, such as a confusion matrix.
 *
 * Predictions and features are tables as NumPy archives (`.npz`) without pickles: an array a
 * column, read with `numpy.load`. `columns` holds the columns' names in order and `0`, `1`,
 * … their values; `index` (and `index_1`, …) the row labels where pandas gave some. A column
 * with missing texts or integers has a mask beside it, `0?`. Columns of predictions are
 * `y_true`, `y_pred`, `y_score` or, a class, `y_score_<class>`.
 */
export interface Artifact {
  path: string;
  digest: string;
  size: number;
  media_type: string;
  kind: string;
}

/** One rung of the widening ladder: which cells were kept and how its proof ended. */
export interface Attempt {
  rung: string;
  orders: number[];
  verdict: string;
  cause: string;
}

/** Of which runs, as in `RunsQuery`, the best by a metric is asked for. */
export interface BestQuery {
  metric: string;
  filter?: string;
  experiment?: string | null;
}

/** The best run, and those that have better numbers, scored on other rows or otherwise than most runs. */
export interface BestRun {
  run: RunSummary;
  passed_over: RunSummary[];
}

/**
 * One cell's source against the reference's: `same`, `changed`, `added`, `removed` or `moved`.
 *
 * `lines` is a unified diff: each line begins with a space, `+` or `-`. `moved` says from where
 * to where a cell went that is in another place, changed or not.
 */
export interface CodeDifference {
  run_id: string;
  change: string;
  title: string;
  lines: string[];
  moved: string;
}

/**
 * One column of a dataset: its type as the library names it and a bounded profile.
 *
 * `profile` may hold `missing`, `distinct`, `minimum`, `maximum`, `mean`, `std`,
 * `quantiles` (0, 25, 50, 75, 100 %), `histogram` (`{"edges": […], "counts": […]}`) and
 * `top` (`[[value, count], …]`).
 */
export interface Column {
  name: string;
  dtype: string;
  nullable: boolean;
  profile: { [key: string]: unknown };
}

/**
 * How the values of one column are spread, before and after, in the same bins.
 *
 * `kind` is `numbers` (`edges` are one more than the bins) or `values` (`labels` name the bins).
 * `before` and `after` are shares of the rows, 0 to 1. `distance` is half the sum of what moved: 0
 * for equal spreads, 1 for spreads that share nothing.
 */
export interface ColumnDifference {
  name: string;
  kind: string;
  distance: Num;
  before: Num[];
  after: Num[];
  edges: Num[];
  labels: string[];
}

/**
 * The runs to compare, in this order. `reference` is the one to compare with.
 *
 * By default that is the first, and of more than two the one that most of them compare with.
 */
export interface ComparisonQuery {
  run_id: string[];
  reference?: string | null;
}

/**
 * The run to export and the pipeline's name.
 *
 * `directory` is relative to the server's root; by default the folder `pipelines` beside the
 * run's notebook. With `environment` the proof runs in a new virtual environment made from the
 * version's requirements.lock.
 */
export interface CreateExport {
  run_id: string;
  name: string;
  directory?: string | null;
  environment?: boolean;
}

/**
 * A metric over the steps of a loop: three sequences of equal length.
 *
 * `times` are seconds since the run began. `count` is how many points there were before
 * thinning; it equals `len(values)` when nothing was thinned.
 */
export interface Curve {
  steps: number[];
  values: Num[];
  times: Num[];
  count: number;
}

/**
 * One dataset against the reference's: what changed, in sentences, largest first.
 *
 * `columns` are those whose values are spread otherwise, the furthest first.
 */
export interface DataDifference {
  run_id: string;
  name: string;
  change: string;
  sentences: string[];
  columns: ColumnDifference[];
}

/**
 * Data a run read or made: its content's fingerprint, schema, profile and provenance.
 *
 * `role` is by use: `input`, `train`, `test`, `validation` or `features`. `location` is
 * the path or URL as the code has it and `file_hash` the hash of that file's bytes.
 */
export interface Dataset {
  name: string;
  fingerprint: string;
  kind: string;
  rows: number;
  columns: Column[];
  shape: number[];
  role: string;
  location: string;
  loader: string;
  file_hash: string;
  order: number | null;
  sampled: boolean;
}

/**
 * Which of the compared runs another one stands on.
 *
 * `relation` is `child` (an iteration of it), `baseline` (somebody said so), `edited` (the same
 * cell, changed) or `repeated` (the same cell, unchanged). `sentence` says what changed on the way.
 */
export interface Descent {
  run_id: string;
  parent_id: string;
  relation: string;
  sentence: string;
}

/** The earlier version that a version is held against. */
export interface DifferenceQuery {
  since: number;
}

/** What people said of metrics: whether higher is better, by name. */
export interface Directions {
  directions: { [key: string]: boolean };
}

/** The answer of an operation that has nothing to say. */
export type Done = Record<string, never>;

/** What to change about a run; an absent field stays, a tag of null is removed. */
export interface EditRun {
  name?: string | null;
  note?: string | null;
  tags?: { [key: string]: string | null } | null;
}

/**
 * How sure the change of one metric from the reference to one run is, from the rows both predicted.
 *
 * `low` and `high` bound the change at `level`, widened for as many runs as were held against the
 * reference. `p_value` is McNemar's (mid-p) where a row is right or wrong, else None. `verdict` is
 * `better`, `worse`, `other` (sure, but the direction is not known), `noise` (the interval
 * holds zero) or `too few` (too few rows to tell). `rows` are those both runs predicted. `interval`
 * is the bounds in words, as `sentence` has them.
 */
export interface Effect {
  change: Num;
  low: Num;
  high: Num;
  verdict: string;
  method: string;
  rows: number;
  level: Num;
  p_value: Num | null;
  interval: string;
  sentence: string;
}

/**
 * Where a run ran. `packages` maps imported distributions to versions; `seeds` what set them.
 *
 * `git` may hold `commit`, `branch`, `dirty` and `remote`; `hardware` `cpu`, `cores`
 * and `memory`.
 */
export interface Environment {
  python: string;
  executable: string;
  platform: string;
  directory: string;
  packages: { [key: string]: string };
  git: { [key: string]: unknown };
  seeds: { [key: string]: unknown };
  hardware: { [key: string]: unknown };
  path_additions: string[];
}

/** One package, seed, commit or interpreter that differs from the reference's. */
export interface EnvironmentDifference {
  run_id: string;
  name: string;
  reference: string;
  value: string;
}

/** The body of every answer whose status is 400 or more. */
export interface ErrorAnswer {
  error: ErrorDetail;
}

/** One kind of outcome, such as `right in both`, counted in rows; `query` finds these rows. */
export interface ErrorBucket {
  name: string;
  query: string;
  rows: number;
  reference: number;
  run: number;
}

/** What is wrong, in one sentence, and what to do about it; `code` is stable. */
export interface ErrorDetail {
  code: string;
  message: string;
  hint: string;
}

/**
 * What a metric was scored on and by what: two metrics compare only if these are equal.
 *
 * `function` is the qualified name of the metric function and `function_hash` its code's hash;
 * `target` is the fingerprint of `y_true`, `target_name` its variable and `rows` its length;
 * `prediction_name` is the variable of what it was compared with.
 *
 * `predictions` and `features` are digests of kept tables (see `Artifact`), empty where none was
 * kept: what was compared, and the rows that were predicted. `features_name` is the variable of
 * those rows and `features_fingerprint` their content's; `model` the variable that predicted.
 */
export interface Evaluation {
  function: string;
  function_hash: string;
  target: string;
  target_name: string;
  prediction_name: string;
  rows: number | null;
  predictions: string;
  features: string;
  features_name: string;
  features_fingerprint: string;
  model: string;
}

/**
 * Rows of a slice: their label, truth, what each run said, and their features, as text.
 *
 * The most telling ones first: where the runs disagree most. `count` is how many there are in all.
 */
export interface Examples {
  query: string;
  count: number;
  columns: string[];
  rows: string[][];
  slice: Slice | null;
}

/** Rows that the reference and one run both predicted, picked by a condition such as `age > 60`. */
export interface ExamplesQuery {
  run_id: string;
  reference: string;
  metric: string;
  where?: string;
  limit?: number;
  offset?: number;
}

/**
 * One cell as it was executed, tracked or not.
 *
 * `source` is what the user wrote, `code` the Python that ran (magics transformed, overrides
 * applied). `order` counts executions in the kernel session from 1. `status` is `ok`,
 * `failed` or `interrupted`; `completed` counts the top-level statements that ended.
 *
 * Names are those of the notebook's top level: `reads` are used before the cell binds them,
 * `bound` are really rebound, `mutated` keep their object but changed inside (aliases included),
 * `opaque` were touched and cannot be fingerprinted, `deleted` are gone. `ambient_reads` and
 * `ambient_writes` name state outside the namespace: `rng:random`, `rng:numpy`,
 * `rng:torch`, `cwd`, `environ`, `sys.path`, `options:pandas` … `fingerprints` are
 * those after the cell, of every name it touched; `types` are annotations of the bound names, by the
 * path one would import (`pandas.DataFrame`, `list[float]`), where there is one.
 */
export interface Execution {
  execution_id: string;
  session_id: string;
  order: number;
  source: string;
  code: string;
  execution_count: number | null;
  cell_id: string;
  start_time: string | null;
  duration: Num;
  status: string;
  completed: number | null;
  tracked: boolean;
  scratch: boolean;
  from_history: boolean;
  reads: string[];
  bound: string[];
  mutated: string[];
  opaque: string[];
  deleted: string[];
  ambient_reads: string[];
  ambient_writes: string[];
  files: FileUse[];
  fingerprints: { [key: string]: string };
  heading: string;
  types: { [key: string]: string };
}

/**
 * An export the server is working on: `state` is `queued`, `running`, `done` or `failed`.
 *
 * `progress` are the sentences so far, oldest first. `failed` means that there is no version at
 * all; a version that could not be proved is `done` and its status `rejected`.
 */
export interface ExportJob {
  job_id: string;
  state: string;
  run_id: string;
  name: string;
  progress: string[];
  version: PipelineVersion | null;
  error: { [key: string]: string } | null;
}

/** The exception that ended a run: its class, message, the cell's line and a bounded traceback. */
export interface Failure {
  kind: string;
  message: string;
  line: number | null;
  traceback: string;
}

/**
 * The names a filter can ask for.
 *
 * `lower_is_better` are those metrics whose best is their lowest, as people, their code or their names say.
 */
export interface FieldList {
  metrics: string[];
  params: string[];
  tags: string[];
  lower_is_better: string[];
}

/** One figure of the compared runs, side by side: by its place among the figures of its run. */
export interface FigureRow {
  name: string;
  figures: { [key: string]: Artifact };
  same: boolean;
}

/** A file that differs; `lines` is a unified diff without line ends. */
export interface FileChange {
  path: string;
  lines: string[];
}

/** A file a cell read or wrote: `path` is absolute, `hash` the xxh3 of its bytes, or empty. */
export interface FileUse {
  path: string;
  mode: string;
  hash: string;
  size: number;
}

/** One run on the way to the best: `best` is whether it was the best until then. */
export interface FrontierPoint {
  run_id: string;
  time: string;
  value: Num;
  best: boolean;
  idea: string;
}

/** The groups, in the order in which a list ordered by the same field has their runs. */
export interface GroupList {
  groups: RunGroup[];
  revision: string;
}

/** Which runs to group, as in `RunsQuery`, and by what: `experiment`, `tags.team` and so on. */
export interface GroupsQuery {
  by: string;
  filter?: string;
  experiment?: string | null;
  include_children?: boolean;
}

/** What somebody expected of a run. `before` is whether it was written before there was a result. */
export interface Hypothesis {
  run_id: string;
  text: string;
  before: boolean;
}

/**
 * Runs of one idea: what they cost, in seconds, and the best each metric came to.
 *
 * `best` goes from a metric to the `run_id` that has it. `dropped` is why somebody gave it up.
 */
export interface Idea {
  name: string;
  run_ids: string[];
  duration: Num;
  best: { [key: string]: string };
  dropped: string;
}

/**
 * How a parameter and a metric went together over the compared runs.
 *
 * `strength` is Spearman's rank correlation (-1 to 1) of numbers, or the share of the metric's
 * spread between the values of a word (0 to 1, corrected for their count); `low` and `high` bound
 * it at 95 %. It says what went together, not what caused what.
 */
export interface Influence {
  metric: string;
  param: string;
  kind: string;
  strength: Num;
  low: Num;
  high: Num;
  runs: number;
  sentence: string;
}

/**
 * Where a run gains and loses against the reference, row by row, on one metric.
 *
 * `slices` are those where the two differ most, the surest first, out of `tried`; `columns` can be
 * named in a query.
 */
export interface Losses {
  run_id: string;
  metric: string;
  measure: string;
  rows: number;
  buckets: ErrorBucket[];
  slices: Slice[];
  tried: number;
  columns: string[];
  sentence: string;
}

/** One metric in both versions; None where a version does not have it. */
export interface MetricChange {
  name: string;
  first: Num | null;
  second: Num | null;
}

/** One metric of the proof: the run's number against those of two fresh processes. */
export interface MetricCheck {
  name: string;
  expected: Num;
  first: Num | null;
  second: Num | null;
  equal: boolean;
  tolerance: Num;
}

/**
 * How a metric came to be.
 *
 * `origin` is `call` (a scoring call), `bound` (a name the cell bound), `displayed` (the cell's
 * last expression), `printed`, `curve` (rebound or appended in a loop), `fitted` (a fitted
 * object's own score), `logged`, `written` (by a library while it trained: no code gives it again)
 * or `rescored` (computed later from kept predictions, without the model). `trivial` is what always
 * predicting the most frequent class, or the mean, would have scored on the same rows, None where that
 * is not known. `order` and `span` locate `expression` in the executed source; `path` leads from the
 * expression's value to the number (keys of a dict, a column, an index). `step` is the last step of a
 * curve, `points` how many its curve holds.
 */
export interface MetricDetail {
  origin: string;
  expression: string;
  order: number | null;
  span: Span | null;
  scope: string;
  path: (string | number)[];
  step: number | null;
  points: number;
  time: string | null;
  evaluation: Evaluation | null;
  higher_is_better: boolean | null;
  trivial: Num | null;
}

/**
 * One metric across the compared runs; mappings go from `run_id` to the number.
 *
 * `changes` are differences to the reference run. `best` is empty when the runs are not
 * comparable on this metric or its direction is unknown; `reason` says which. `apart` holds the
 * runs that do not compare with the others, and why. `direction_from` says how the direction is
 * known: `you`, `code`, `name` or nothing. `effects` say how sure a change is, where both runs
 * kept their predictions. `rescored` are numbers computed from kept predictions, on rows all share.
 */
export interface MetricRow {
  name: string;
  values: { [key: string]: Num };
  changes: { [key: string]: Num };
  higher_is_better: boolean | null;
  best: string;
  comparable: boolean;
  reason: string;
  apart: { [key: string]: string };
  direction_from: string;
  effects: { [key: string]: Effect };
  rescored: { [key: string]: Num };
}

/**
 * A fitted model: its variable, class, non-default settings and, when kept, its artifact.
 *
 * `format` is `skops`, `joblib`, `pt`, `ubj` or `txt`; `input` is what it was fitted on, if known.
 */
export interface Model {
  name: string;
  kind: string;
  settings: { [key: string]: unknown };
  digest: string;
  format: string;
  size: number;
  order: number | null;
  input: ModelInput | null;
}

/**
 * What a model was fitted on: the variable, its class, and what one row of it is.
 *
 * `columns` holds name and dtype of each column of a table, in order. For an array it is empty, and
 * `dtype` and `shape` (without the rows) stand for it. `example` is the first row by column, or by
 * position for an array, cut after so many values; without it where no row could be read.
 */
export interface ModelInput {
  name: string;
  kind: string;
  columns: { [key: string]: string };
  shape: number[];
  dtype: string;
  example: { [key: string]: unknown };
}

/**
 * Where an alias goes; null takes it away. `expected` is the version the caller believes it is on.
 *
 * `protect` are conditions on rows, such as `species = 'Gentoo'`, on which no version that the alias moves
 * to may score worse, now and later; `unprotect` are those to protect no more. With `force` it moves
 * although it scores worse, and the log says so.
 */
export interface MoveAlias {
  alias: string;
  version: number | null;
  expected?: number | null;
  reason?: string;
  protect?: string[];
  unprotect?: string[];
  force?: boolean;
}

/**
 * Where a parameter came from.
 *
 * `origin` is `literal` (bound in the run's cell), `inherited` (bound from a literal by an
 * earlier cell), `estimator` (what a fitted estimator was set to), `override` (the magic
 * line) or `logged`. `order` is the execution that bound it; `default` the literal an override
 * replaced.
 */
export interface ParamDetail {
  origin: string;
  order: number | null;
  span: Span | null;
  default: ParamValue;
}

/** One parameter across the compared runs; a run without it is absent from `values`. */
export interface ParamRow {
  name: string;
  values: { [key: string]: ParamValue };
  differs: boolean;
}

/**
 * A pipeline: its versions (newest first), where its aliases stand and how they moved (newest first).
 *
 * `rollbacks` holds the aliases that can be rolled back, and the version each would go back to; `protected`
 * the conditions on rows on which an alias may not move to what scores worse.
 */
export interface Pipeline {
  name: string;
  versions: PipelineVersion[];
  aliases: { [key: string]: number };
  log: AliasMove[];
  rollbacks: { [key: string]: number };
  protected: { [key: string]: string[] };
}

/** Every pipeline of the store, by name. */
export interface PipelineList {
  pipelines: Pipeline[];
}

/**
 * A pipeline version with its folder as the browser can open it.
 *
 * `contents_path` is relative to the server's root, or null when the version lies outside it.
 */
export interface PipelineVersion {
  name: string;
  version: number;
  path: string;
  status: string;
  run_id: string;
  created_at: string;
  report: ValidationReport;
  run_number: number;
  experiment: string;
  metrics: { [key: string]: Num };
  aliases: string[];
  manifest_hash: string;
  changed: string[];
  fallback: number | null;
  contents_path: string | null;
}

/** The alias to move back to where it stood before. */
export interface RollbackAlias {
  alias: string;
}

/**
 * One tracked try, complete: everything a colleague would ask about it.
 *
 * `params` and `metrics` are plain mappings of name to value; what is known about each stands
 * under the same name in `param_details` and `metric_details`. `source` is the run's own cell as
 * executed, `cells` every execution of its kernel session up to the run's last own one
 * (`orders`), oldest first. `parent_id`, `parent_number` and `children` are as in `RunSummary`; a
 * child has the cells, data and environment of its parent.
 */
export interface Run {
  run_id: string;
  experiment: string;
  status: Status;
  start_time: string;
  number: number;
  name: string;
  status_reason: string;
  duration: Num | null;
  cpu_time: Num | null;
  peak_memory: number | null;
  params: { [key: string]: ParamValue };
  param_details: { [key: string]: ParamDetail };
  metrics: { [key: string]: Num };
  metric_details: { [key: string]: MetricDetail };
  tags: { [key: string]: string };
  note: string;
  hypothesis: string;
  baseline_id: string;
  parent_id: string;
  notebook: string;
  cell_id: string;
  source: string;
  code_hash: string;
  session_id: string;
  orders: number[];
  cells: Execution[];
  curves: string[];
  datasets: Dataset[];
  models: Model[];
  artifacts: Artifact[];
  warnings: RunWarning[];
  environment: Environment | null;
  failure: Failure | null;
  parent_number: number;
  children: number;
}

/**
 * The cell that made a run: its notebook as the browser can open it, its id and what it held.
 *
 * `contents_path` is null when the notebook is not known, is gone or lies outside the server's root.
 */
export interface RunCell {
  contents_path: string | null;
  notebook: string;
  cell_id: string;
  source: string;
}

/**
 * The substance of a comparison, the same in a notebook, the browser and a terminal.
 *
 * `summary` is one sentence: what changed and what it did. Curves map metric to `run_id` to
 * `Curve`, frontiers metric to the runs in the order they were made. `styles` gives each run a number
 * that means its colour and dash pattern: see `palette`.
 */
export interface RunComparison {
  runs: RunSummary[];
  reference: string;
  summary: string;
  metrics: MetricRow[];
  params: ParamRow[];
  code: CodeDifference[];
  data: DataDifference[];
  environment: EnvironmentDifference[];
  curves: { [key: string]: { [key: string]: Curve } };
  warnings: { [key: string]: RunWarning[] };
  leading_metric: string;
  figures: FigureRow[];
  hypotheses: Hypothesis[];
  groups: SeedGroup[];
  losses: Losses[];
  influences: Influence[];
  frontiers: { [key: string]: FrontierPoint[] };
  ideas: Idea[];
  descents: Descent[];
  styles: { [key: string]: number };
}

/** Runs that share a value of what is grouped by; null for those that have none. */
export interface RunGroup {
  value: string | Num | null;
  count: number;
}

/**
 * A page of runs, how many the filter finds in all, and every experiment there is.
 *
 * `unchanged` is true when the revision asked about still holds: then `runs` is empty and says nothing.
 */
export interface RunList {
  runs: RunSummary[];
  count: number;
  revision: string;
  experiments: string[];
  unchanged: boolean;
}

/**
 * The cells a run stands on as a notebook (nbformat 4).
 *
 * `contents_folder` is where the run's own notebook lies, relative to the server's root: the empty
 * string is the root itself, and stands for every folder outside it.
 */
export interface RunNotebook {
  content: { [key: string]: unknown };
  contents_folder: string;
}

/**
 * What a list of runs shows of one. `number` counts runs within the experiment from 1.
 *
 * A child (one turn of a loop, one candidate of a search) has a `parent_id`; its `number` counts the
 * children of that parent, whose own is `parent_number`. `children` counts a parent's.
 */
export interface RunSummary {
  run_id: string;
  number: number;
  name: string;
  experiment: string;
  status: Status;
  start_time: string;
  status_reason: string;
  duration: Num | null;
  params: { [key: string]: ParamValue };
  metrics: { [key: string]: Num };
  tags: { [key: string]: string };
  note: string;
  notebook: string;
  cell_id: string;
  parent_id: string;
  curves: string[];
  warning_count: number;
  parent_number: number;
  children: number;
}

/**
 * Something a reader of the run should know.
 *
 * `code` is stable and machine-readable (`unseeded_randomness`), `message` says what was seen
 * and `hint` what to do about it.
 */
export interface RunWarning {
  code: string;
  message: string;
  hint: string;
  severity: Severity;
  names: string[];
}

/**
 * Which runs to list. `since` is the revision the caller has; if it still holds, nothing is sent.
 *
 * Children stay behind their parent unless `include_children`; `parent_id` lists those of one run.
 */
export interface RunsQuery {
  filter?: string;
  order_by?: string[];
  limit?: number;
  offset?: number;
  experiment?: string | null;
  since?: string | null;
  include_children?: boolean;
  parent_id?: string | null;
}

/** The source of a version's `pipeline.py`; `path` is absolute on the server. */
export interface Script {
  path: string;
  source: string;
  contents_path: string | null;
}

/** Runs that differ by their seeds only. `name` is what to call them, `seeds` what each had. */
export interface SeedGroup {
  name: string;
  run_ids: string[];
  seeds: { [key: string]: string };
  spreads: Spread[];
}

/**
 * How the extension stands. Passwords in `store` and `artifacts` are masked.
 *
 * `error` is empty when the store answers.
 */
export interface ServerStatus {
  version: string;
  store: string;
  artifacts: string;
  root: string;
  ok: boolean;
  error: string;
  hint: string;
}

/** Which way a metric is good, for every run; null forgets it, so that code or name decide again. */
export interface SetDirection {
  higher_is_better: boolean | null;
}

/** How much a warning weighs: a note, a doubt about the result, or a result not to trust. */
export type Severity = 'error' | 'info' | 'warning';

/**
 * Rows that share something, and how both runs did on them.
 *
 * `reference` and `run` are the metric on these `rows`, `change` their difference with its interval,
 * widened for as many slices as were looked at. `sure` is whether it excludes zero.
 */
export interface Slice {
  name: string;
  query: string;
  rows: number;
  reference: Num;
  run: Num;
  change: Num;
  low: Num;
  high: Num;
  sure: boolean;
  interval: string;
}

/** A piece of source in an executed cell: 1-based lines, 0-based UTF-8 byte columns, as `ast`. */
export interface Span {
  line: number;
  column: number;
  end_line: number;
  end_column: number;
}

/** The first curve of a run, thinned to a few values; the last one is always among them. */
export interface Sparkline {
  run_id: string;
  metric: string;
  values: Num[];
}

/** Of the runs asked about those that have a curve. */
export interface SparklineList {
  sparklines: Sparkline[];
}

/** The runs whose curves to draw small, with at most so many points each. */
export interface SparklinesQuery {
  run_id: string[];
  points?: number;
}

/** A metric over runs that differ by chance alone: its mean and, from three runs on, t's interval. */
export interface Spread {
  metric: string;
  count: number;
  mean: Num;
  deviation: Num | null;
  low: Num | null;
  high: Num | null;
  sentence: string;
  level: Num;
}

/** How a run stands. `Run.status_reason` says why a run is `KILLED`. */
export type Status = 'FAILED' | 'FINISHED' | 'KILLED' | 'RUNNING';

/**
 * The proof of an exported version.
 *
 * `verdict` is `validated` or `rejected`; `cause` is one sentence for people, `diverging` the
 * metric or name that differs, `code` the kind of cause (`metrics_differ`, `data_changed`,
 * `step_failed`, `non_deterministic`, `contract_failed`, `missing_input`, `unprovable`,
 * `environment_failed`, `predictions_differ`: equal numbers of other predictions than the run kept).
 * `predictions` says whether those behind the numbers are the notebook's own. `notes` are sentences worth
 * knowing whatever the verdict, `settings` says of each setting which steps read it in the proof and what
 * another value of it changed. `environment` says in what new environment the proof ran; empty is the
 * kernel's own.
 */
export interface ValidationReport {
  verdict: string;
  cause: string;
  code: string;
  diverging: string;
  hint: string;
  metrics: MetricCheck[];
  contracts: string[];
  attempts: Attempt[];
  deterministic: boolean;
  duration: Num;
  log: string;
  notes: string[];
  settings: string[];
  environment: string;
  predictions: string[];
}

/** Texts that runs have for a field, the most frequent first; none for a number. */
export interface ValueList {
  values: string[];
}

/** The field, as a filter spells it, whose values are asked for. */
export interface ValuesQuery {
  field: string;
}

/**
 * One thing that differs between two versions; `lines` is a unified diff or the two values.
 *
 * `section` is `config`, `data contract`, `code`, `metrics` or `environment`; `layer` is
 * `run`, `pipeline`, `component` or `infrastructure`.
 */
export interface VersionChange {
  section: string;
  layer: string;
  name: string;
  lines: string[];
}

/**
 * From version `first` to version `second` of the pipeline `name`.
 *
 * `changes` are in the order of their sections; `metrics` are all metrics, equal ones too.
 */
export interface VersionDifference {
  name: string;
  first: number;
  second: number;
  first_status: string;
  second_status: string;
  changes: VersionChange[];
  metrics: MetricChange[];
  files: FileChange[];
}

/** The versions of one pipeline, newest first. */
export interface VersionList {
  versions: PipelineVersion[];
}
