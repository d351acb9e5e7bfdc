"""What is said over HTTP: every operation with its request and its answer, stated once.

The handlers are made from this table, the OpenAPI document describes it and the front end's
``contract.ts`` is generated from it, so the three cannot drift apart::

    python -m jupyter_mlops.server.contract openapi
    python -m jupyter_mlops.server.contract typescript > labextension/src/contract.ts

Answers are records as `records.as_json` writes them: every field is present, a float that JSON
cannot hold is one of the strings of `Num`. Requests refuse fields they do not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from jupyter_mlops import records
from jupyter_mlops.compare.findings import Examples, RunComparison

PREFIX = "jupyter-mlops/api"
RESOURCE = "jupyter_mlops"
MAX_BODY_BYTES = 256 * 1024

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
Note = Annotated[str, msgspec.Meta(max_length=100_000)]
TagText = Annotated[str, msgspec.Meta(max_length=5_000)]
Conditions = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)], ...], msgspec.Meta(max_length=50)
]
RunId = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z]{1,64}$")]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every request: a field it does not know is an error, not a silence."""


class RunsQuery(Request, frozen=True, kw_only=True):
    """Which runs to list. `since` is the revision the caller has; if it still holds, nothing is sent.

    Children stay behind their parent unless `include_children`; `parent_id` lists those of one run.
    """

    filter: str = ""
    order_by: tuple[str, ...] = ()
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 0
    experiment: str | None = None
    since: str | None = None
    include_children: bool = False
    parent_id: RunId | None = None


class BestQuery(Request, frozen=True, kw_only=True):
    """Of which runs, as in `RunsQuery`, the best by a metric is asked for."""

    metric: Name
    filter: str = ""
    experiment: str | None = None


class GroupsQuery(Request, frozen=True, kw_only=True):
    """Which runs to group, as in `RunsQuery`, and by what: ``experiment``, ``tags.team`` and so on."""

    by: Name
    filter: str = ""
    experiment: str | None = None
    include_children: bool = False


class ValuesQuery(Request, frozen=True, kw_only=True):
    """The field, as a filter spells it, whose values are asked for."""

    field: Name


class SparklinesQuery(Request, frozen=True, kw_only=True):
    """The runs whose curves to draw small, with at most so many points each."""

    run_id: Annotated[tuple[RunId, ...], msgspec.Meta(min_length=1, max_length=200)]
    points: Annotated[int, msgspec.Meta(ge=2, le=200)] = 40


class EditRun(Request, frozen=True, kw_only=True):
    """What to change about a run; an absent field stays, a tag of null is removed."""

    name: Name | None = None
    note: Note | None = None
    tags: dict[Name, TagText | None] | None = None


class ComparisonQuery(Request, frozen=True, kw_only=True):
    """The runs to compare, in this order. `reference` is the one to compare with.

    By default that is the first, and of more than two the one that most of them compare with.
    """

    run_id: Annotated[tuple[RunId, ...], msgspec.Meta(min_length=2, max_length=50)]
    reference: RunId | None = None


class ExamplesQuery(Request, frozen=True, kw_only=True):
    """Rows that the reference and one run both predicted, picked by a condition such as ``age > 60``."""

    run_id: RunId
    reference: RunId
    metric: Name
    where: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 20
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 0


class SetDirection(Request, frozen=True, kw_only=True):
    """Which way a metric is good, for every run; null forgets it, so that code or name decide again."""

    higher_is_better: bool | None


class CreateExport(Request, frozen=True, kw_only=True):
    """The run to export and the pipeline's name.

    `directory` is relative to the server's root; by default the folder ``pipelines`` beside the
    run's notebook. With `environment` the proof runs in a new virtual environment made from the
    version's requirements.lock.
    """

    run_id: RunId
    name: Name
    directory: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    environment: bool = False


class MoveAlias(Request, frozen=True, kw_only=True):
    """Where an alias goes; null takes it away. `expected` is the version the caller believes it is on.

    `protect` are conditions on rows, such as ``species = 'Gentoo'``, on which no version that the alias moves
    to may score worse, now and later; `unprotect` are those to protect no more. With `force` it moves
    although it scores worse, and the log says so.
    """

    alias: Name
    version: int | None
    expected: int | msgspec.UnsetType | None = msgspec.UNSET
    reason: Annotated[str, msgspec.Meta(max_length=5_000)] = ""
    protect: Conditions = ()
    unprotect: Conditions = ()
    force: bool = False


class DifferenceQuery(Request, frozen=True, kw_only=True):
    """The earlier version that a version is held against."""

    since: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]


class RollbackAlias(Request, frozen=True, kw_only=True):
    """The alias to move back to where it stood before."""

    alias: Name


class PipelineVersion(records.PipelineVersion, frozen=True, kw_only=True):
    """A pipeline version with its folder as the browser can open it.

    `contents_path` is relative to the server's root, or null when the version lies outside it.
    """

    contents_path: str | None = None


class ExportJob(records.ExportJob, frozen=True, kw_only=True):
    """An export the server is working on: `state` is ``queued``, ``running``, ``done`` or ``failed``.

    `progress` are the sentences so far, oldest first. `failed` means that there is no version at
    all; a version that could not be proved is ``done`` and its status ``rejected``.
    """

    version: PipelineVersion | None = None


class RunList(records.Record, frozen=True, kw_only=True):
    """A page of runs, how many the filter finds in all, and every experiment there is.

    `unchanged` is true when the revision asked about still holds: then `runs` is empty and says nothing.
    """

    runs: tuple[records.RunSummary, ...]
    count: int
    revision: str
    experiments: tuple[str, ...] = ()
    unchanged: bool = False


class BestRun(records.Record, frozen=True, kw_only=True):
    """The best run, and those that have better numbers, scored on other rows or otherwise than most runs."""

    run: records.RunSummary
    passed_over: tuple[records.RunSummary, ...] = ()


class RunGroup(records.Record, frozen=True, kw_only=True):
    """Runs that share a value of what is grouped by; null for those that have none."""

    value: str | float | None
    count: int


class GroupList(records.Record, frozen=True, kw_only=True):
    """The groups, in the order in which a list ordered by the same field has their runs."""

    groups: tuple[RunGroup, ...]
    revision: str


class FieldList(records.Record, frozen=True, kw_only=True):
    """The names a filter can ask for.

    `lower_is_better` are those metrics whose best is their lowest, as people, their code or their names say.
    """

    metrics: tuple[str, ...]
    params: tuple[str, ...]
    tags: tuple[str, ...]
    lower_is_better: tuple[str, ...]


class ValueList(records.Record, frozen=True, kw_only=True):
    """Texts that runs have for a field, the most frequent first; none for a number."""

    values: tuple[str, ...]


class Sparkline(records.Record, frozen=True, kw_only=True):
    """The first curve of a run, thinned to a few values; the last one is always among them."""

    run_id: str
    metric: str
    values: tuple[float, ...]


class SparklineList(records.Record, frozen=True, kw_only=True):
    """Of the runs asked about those that have a curve."""

    sparklines: tuple[Sparkline, ...]


class RunCell(records.Record, frozen=True, kw_only=True):
    """The cell that made a run: its notebook as the browser can open it, its id and what it held.

    `contents_path` is null when the notebook is not known, is gone or lies outside the server's root.
    """

    contents_path: str | None
    notebook: str
    cell_id: str
    source: str


class RunNotebook(records.Record, frozen=True, kw_only=True):
    """The cells a run stands on as a notebook (nbformat 4).

    `contents_folder` is where the run's own notebook lies, relative to the server's root: the empty
    string is the root itself, and stands for every folder outside it.
    """

    content: dict[str, Any]
    contents_folder: str


class Pipeline(records.Record, frozen=True, kw_only=True):
    """A pipeline: its versions (newest first), where its aliases stand and how they moved (newest first).

    `rollbacks` holds the aliases that can be rolled back, and the version each would go back to; `protected`
    the conditions on rows on which an alias may not move to what scores worse.
    """

    name: str
    versions: tuple[PipelineVersion, ...]
    aliases: dict[str, int] = msgspec.field(default_factory=dict)
    log: tuple[records.AliasMove, ...] = ()
    rollbacks: dict[str, int] = msgspec.field(default_factory=dict)
    protected: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class PipelineList(records.Record, frozen=True, kw_only=True):
    """Every pipeline of the store, by name."""

    pipelines: tuple[Pipeline, ...]


class VersionList(records.Record, frozen=True, kw_only=True):
    """The versions of one pipeline, newest first."""

    versions: tuple[PipelineVersion, ...]


class Script(records.Record, frozen=True, kw_only=True):
    """The source of a version's ``pipeline.py``; `path` is absolute on the server."""

    path: str
    source: str
    contents_path: str | None = None


class ServerStatus(records.Record, frozen=True, kw_only=True):
    """How the extension stands. Passwords in `store` and `artifacts` are masked.

    `error` is empty when the store answers.
    """

    version: str
    store: str
    artifacts: str
    root: str
    ok: bool
    error: str = ""
    hint: str = ""


class Directions(records.Record, frozen=True, kw_only=True):
    """What people said of metrics: whether higher is better, by name."""

    directions: dict[str, bool]


class Done(records.Record, frozen=True, kw_only=True):
    """The answer of an operation that has nothing to say."""


class ErrorDetail(records.Record, frozen=True, kw_only=True):
    """What is wrong, in one sentence, and what to do about it; `code` is stable."""

    code: str
    message: str
    hint: str


class ErrorAnswer(records.Record, frozen=True, kw_only=True):
    """The body of every answer whose status is 400 or more."""

    error: ErrorDetail


class File:
    """An answer that is a stored file, never shown by the browser itself."""

    def __init__(self, content: bytes, media_type: str, name: str) -> None:
        self.content = content
        self.media_type = media_type
        self.name = name


@dataclass(frozen=True)
class Operation:
    """One method of one path: who may, what is asked and what is answered.

    `answer` is a record type, `File` for bytes or ``dict`` for a document of another format.
    """

    name: str
    method: str
    path: str
    summary: str
    action: str
    answer: type
    query: type[Request] | None = None
    body: type[Request] | None = None
    status: int = 200


OPERATIONS: tuple[Operation, ...] = (
    Operation("list_runs", "GET", "runs", "List runs, newest first.", "read", RunList, query=RunsQuery),
    Operation(
        "get_best",
        "GET",
        "best",
        "The best run by a metric, of those that were scored as most are.",
        "read",
        BestRun,
        query=BestQuery,
    ),
    Operation(
        "list_groups",
        "GET",
        "groups",
        "The runs a filter finds, counted by the values of a field.",
        "read",
        GroupList,
        query=GroupsQuery,
    ),
    Operation("list_fields", "GET", "fields", "The names a filter can ask for.", "read", FieldList),
    Operation(
        "list_values",
        "GET",
        "fields/values",
        "The texts there are of a field.",
        "read",
        ValueList,
        query=ValuesQuery,
    ),
    Operation(
        "list_sparklines",
        "GET",
        "sparklines",
        "The first curve of each of some runs, thinned.",
        "read",
        SparklineList,
        query=SparklinesQuery,
    ),
    Operation("get_run", "GET", "runs/{run_id}", "Everything about one run.", "read", records.Run),
    Operation(
        "edit_run",
        "PATCH",
        "runs/{run_id}",
        "Rename, annotate or tag a run.",
        "write",
        records.RunSummary,
        body=EditRun,
    ),
    Operation("delete_run", "DELETE", "runs/{run_id}", "Delete a run, recoverably.", "write", Done),
    Operation(
        "restore_run",
        "POST",
        "runs/{run_id}/restore",
        "Bring a deleted run back.",
        "write",
        records.RunSummary,
    ),
    Operation(
        "get_curve", "GET", "runs/{run_id}/curves/{metric}", "A metric over its steps.", "read", records.Curve
    ),
    Operation(
        "get_artifact", "GET", "runs/{run_id}/artifacts/{digest}", "A file the run kept.", "read", File
    ),
    Operation(
        "get_cell",
        "GET",
        "runs/{run_id}/cell",
        "The notebook cell that made the run.",
        "read",
        RunCell,
    ),
    Operation(
        "get_notebook",
        "GET",
        "runs/{run_id}/notebook",
        "The cells the run stands on as a clean notebook (nbformat 4).",
        "read",
        RunNotebook,
    ),
    Operation(
        "compare_runs",
        "GET",
        "comparison",
        "Put runs side by side.",
        "read",
        RunComparison,
        query=ComparisonQuery,
    ),
    Operation(
        "get_examples",
        "GET",
        "comparison/examples",
        "Rows that two runs predicted, the most telling first.",
        "read",
        Examples,
        query=ExamplesQuery,
    ),
    Operation(
        "set_direction",
        "PATCH",
        "metrics/{metric}",
        "Say which way a metric is good.",
        "write",
        Directions,
        body=SetDirection,
    ),
    Operation(
        "create_export",
        "POST",
        "exports",
        "Export a run as a pipeline and prove it.",
        "execute",
        ExportJob,
        body=CreateExport,
        status=202,
    ),
    Operation("get_export", "GET", "exports/{job_id}", "How an export stands.", "read", ExportJob),
    Operation("list_pipelines", "GET", "pipelines", "Every pipeline.", "read", PipelineList),
    Operation(
        "list_versions",
        "GET",
        "pipelines/{pipeline}/versions",
        "The versions of a pipeline.",
        "read",
        VersionList,
    ),
    Operation(
        "get_script",
        "GET",
        "pipelines/{pipeline}/versions/{version}/script",
        "The source of a version's pipeline.py.",
        "read",
        Script,
    ),
    Operation(
        "compare_versions",
        "GET",
        "pipelines/{pipeline}/versions/{version}/difference",
        "What changed since another version of the pipeline.",
        "read",
        records.VersionDifference,
        query=DifferenceQuery,
    ),
    Operation(
        "move_alias",
        "POST",
        "pipelines/{pipeline}/aliases",
        "Promote a validated version.",
        "write",
        records.AliasMove,
        body=MoveAlias,
    ),
    Operation(
        "rollback_alias",
        "POST",
        "pipelines/{pipeline}/rollback",
        "Move an alias back to where it stood before.",
        "write",
        records.AliasMove,
        body=RollbackAlias,
    ),
    Operation(
        "get_status", "GET", "status", "Where the store is and whether it answers.", "read", ServerStatus
    ),
    Operation("get_openapi", "GET", "openapi.json", "This document.", "read", dict),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}

PATH_PATTERNS = {
    "run_id": "[0-9A-Za-z]{1,64}",
    "job_id": "[0-9A-Za-z]{1,64}",
    "digest": "[0-9a-f]{64}",
    "metric": "[^/]+",
    "pipeline": "[^/]+",
    "version": "[0-9]{1,9}",
}


def main(arguments: list[str]) -> int:
    """Print the contract: ``openapi`` as JSON or ``typescript`` as the front end's types."""
    import json
    import sys

    from .openapi import openapi_document
    from .typescript import typescript_source

    if arguments == ["openapi"]:
        sys.stdout.write(json.dumps(openapi_document(), indent=2) + "\n")
        return 0
    if arguments == ["typescript"]:
        sys.stdout.write(typescript_source())
        return 0
    sys.stderr.write("usage: python -m jupyter_mlops.server.contract openapi|typescript\n")
    return 2


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
