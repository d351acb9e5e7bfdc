"""Runs, comparisons and versions as plain text for a terminal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from .compare.layout import render_table
from .compare.wording import (
    NOTHING,
    count,
    format_duration,
    format_number,
    format_row,
    format_value,
    run_title,
)
from .records import digits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .doctor import Check
    from .records import (
        AliasMove,
        Curve,
        Model,
        ModelInput,
        PipelineVersion,
        Run,
        RunSummary,
        VersionDifference,
    )

NUMBERS_SHOWN = 4
CODE_LINES = 60
INPUT_COLUMNS = 8
SIGNS = {"ok": "ok  ", "warning": "note", "failed": "FAIL"}


def text_table(rows: Iterable[Sequence[str]], headings: Sequence[str], *, left: int | None = None) -> str:
    """Columns under their headings; after the first `left` (default: all) they are set flush right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    return render_table(headings, cells, left=len(headings) if left is None else left)


def printable_lines(text: str) -> str:
    """`text` without what would steer a terminal, its lines kept."""
    return "\n".join(map(printable, text.splitlines()))


def printable(text: str) -> str:
    """`text` on one line and without what would steer a terminal."""
    return "".join(
        " " if character in "\n\t" else character
        for character in str(text)
        if character in "\n\t" or unicodedata.category(character)[0] != "C"
    )


def runs_table(runs: Sequence[RunSummary]) -> str:
    """One line a run."""
    if not runs:
        return "No runs."
    rows = [
        (
            run.reference,
            run.name or NOTHING,
            run.experiment,
            _status(run),
            f"{run.start_time:%Y-%m-%d %H:%M:%S}",
            format_duration(run.duration),
            _numbers(run),
            run.run_id,
        )
        for run in runs
    ]
    headings = ("run", "name", "experiment", "status", "started (UTC)", "duration", "metrics", "run_id")
    return text_table(rows, headings)


def run_text(run: Run, curves: Mapping[str, Curve] | None = None) -> str:
    """Everything worth reading about a run and its curves; `--json` has the rest."""
    parts = [
        f"{printable(run_title(run))}  {_status(run)}  {format_duration(run.duration)}",
        f"run_id      {run.run_id}",
        f"experiment  {printable(run.experiment)}",
        f"started     {run.start_time:%Y-%m-%d %H:%M:%S} UTC",
    ]
    if run.notebook:
        parts.append(f"notebook    {printable(run.notebook)}")
    for label, text in (("note", run.note), ("hypothesis", run.hypothesis)):
        if text:
            parts.append(f"{label:<12}{printable(text)}")
    if run.tags:
        parts.append(
            f"tags        {printable(', '.join(f'{key}={value}' for key, value in run.tags.items()))}"
        )
    if run.failure:
        parts.append(f"failed with {printable(f'{run.failure.kind}: {run.failure.message}')}")
    parts += _section("metrics", [(key, format_number(value)) for key, value in run.metrics.items()])
    parts += _section("curves", [(name, _curve_words(curve)) for name, curve in (curves or {}).items()])
    parts += _section("params", [(key, format_value(value)) for key, value in run.params.items()])
    parts += _section(
        "data",
        [(data.name, f"{data.rows} rows, {data.role}, {data.fingerprint[:12]}") for data in run.datasets],
    )
    parts += _section("models", [(model.name, _model_words(model)) for model in run.models])
    parts += _section(
        "model inputs",
        [(model.name, _input_words(model.input)) for model in run.models if model.input is not None],
    )
    parts += _section(
        "files", [(file.path, f"{file.size} bytes, {file.media_type}") for file in run.artifacts]
    )
    parts += _section("warnings", [(warning.code, warning.message) for warning in run.warnings])
    if run.source:
        lines = run.source.rstrip().splitlines()
        more = [f"  … {len(lines) - CODE_LINES} more lines"] if len(lines) > CODE_LINES else []
        parts += ["", "code", *(f"  {printable(line)}".rstrip() for line in lines[:CODE_LINES]), *more]
    return "\n".join(parts)


def _model_words(model: Model) -> str:
    kept = f"{model.format}, {model.size} bytes" if model.size else "not kept"
    return f"{model.kind} ({kept})"


def _input_words(given: ModelInput) -> str:
    """``X_train: pandas.DataFrame  a float64 = 0.5, b object = 'x', … 3 more``."""
    shown = [
        f"{name} {dtype}".rstrip() + (f" = {given.example[name]!r}" if name in given.example else "")
        for name, dtype in list(given.columns.items())[:INPUT_COLUMNS]
    ]
    if not given.columns:
        row = list(given.example.values())
        values = ", ".join(f"{value!r}" for value in row[:INPUT_COLUMNS])
        shape = "×".join(map(str, given.shape))
        shown = [f"{given.dtype} {shape}".strip(), *([f"first row {values}"] if row else [])]
        rest = len(row) - INPUT_COLUMNS
    else:
        rest = len(given.columns) - INPUT_COLUMNS
    more = [f"… {rest} more"] if rest > 0 else []
    source = f"{given.name}: {given.kind}" if given.name else given.kind or "learnt"
    return f"{source}  {', '.join([*shown, *more])}"


def verdict_text(version: PipelineVersion) -> str:
    """Where a version lies and how its proof ended, metric by metric."""
    report = version.report
    parts = [f"{version.name} v{version.version}: {version.status}", f"    {version.path}"]
    if report.cause:
        parts.append(f"    {printable(report.cause)}")
    if report.hint:
        parts.append(f"    {printable(report.hint)}")
    if report.code == "environment_failed":
        parts += [f"    | {printable(line)}" for line in report.log.splitlines()[-8:]]
    elif report.environment:
        parts.append(f"    Proved in {report.environment}.")
    parts += [f"    {printable(said)}" for said in report.predictions]
    parts += [f"    {printable(note)}" for note in report.notes if note not in report.hint]
    if report.metrics:
        rows = [
            (
                check.name,
                _exact(check.expected),
                _exact(check.first),
                _exact(check.second),
                "equal" if check.equal else "DIFFERS",
            )
            for check in report.metrics
        ]
        parts.append(text_table(rows, ("metric", "run", "first proof", "second proof", ""), left=1))
    return "\n".join(parts)


def versions_table(versions: Sequence[PipelineVersion]) -> str:
    """One line a version."""
    if not versions:
        return "No pipelines."
    rows = [
        (
            version.name,
            f"v{version.version}",
            f"{version.status}, changed" if version.changed else version.status,
            ", ".join(version.aliases) or NOTHING,
            f"#{version.run_number}" if version.run_number else version.run_id,
            f"{version.created_at:%Y-%m-%d %H:%M}",
            " ".join(version.changed) or version.report.cause or version.path,
        )
        for version in versions
    ]
    headings = ("pipeline", "version", "status", "aliases", "run", "made (UTC)", "where, or why not")
    return text_table(rows, headings)


def version_difference_text(difference: VersionDifference) -> str:
    """Configuration, data contract, code, metrics, environment: each change with its layer."""
    first, second = f"v{difference.first}", f"v{difference.second}"
    parts = [
        f"{difference.name}: {first} ({difference.first_status}) → {second} ({difference.second_status})"
    ]
    rows = [(change.name, *format_row([change.first, change.second])) for change in difference.metrics]
    for section in ("config", "data contract", "code", "metrics", "environment"):
        changes = [change for change in difference.changes if change.section == section]
        if section == "metrics" and rows:
            parts += ["", "metrics [run]", text_table(rows, ("metric", first, second), left=1)]
        elif changes:
            parts += ["", section]
            for change in changes:
                parts += [f"[{change.layer}] {printable(change.name)}", *map(printable, change.lines)]
    if not difference.changes:
        parts += ["", "Nothing that is kept of them differs."]
    return "\n".join(parts)


def move_text(move: AliasMove) -> str:
    """One sentence about a move."""
    stood = "nowhere" if move.from_version is None else f"v{move.from_version}"
    stands = "nowhere" if move.to_version is None else f"v{move.to_version}"
    return f"{move.pipeline} {move.alias}: {stood} → {stands}"


def checks_text(checks: Sequence[Check]) -> str:
    """One line a check, and under those that are not well what to do."""
    width = max(len(check.name) for check in checks)
    parts = []
    for check in checks:
        parts.append(f"{SIGNS[check.state]}  {check.name:<{width}}  {printable(check.detail)}")
        if check.hint and check.state != "ok":
            parts.append(f"      {'':<{width}}  → {printable(check.hint)}")
    return "\n".join(parts)


def _section(title: str, rows: list[tuple[str, str]]) -> list[str]:
    width = max((len(printable(name)) for name, _ in rows), default=0)
    lines = [f"  {printable(name):<{width}}  {printable(text)}" for name, text in rows]
    return ["", title, *lines] if lines else []


def _numbers(run: RunSummary) -> str:
    shown = [f"{key}={format_number(value)}" for key, value in list(run.metrics.items())[:NUMBERS_SHOWN]]
    more = len(run.metrics) - len(shown)
    return " ".join([*shown, f"+{more}"] if more > 0 else shown) or NOTHING


def _status(run: Run | RunSummary) -> str:
    return f"{run.status} ({run.status_reason})" if run.status_reason else str(run.status)


def _curve_words(curve: Curve) -> str:
    return (
        f"{count(curve.count, 'point')}, last {format_number(curve.values[-1])}" if curve.values else NOTHING
    )


def _exact(value: float | None) -> str:
    return NOTHING if value is None else digits_of(value) if type(value) is int else repr(value)


def exchange_text(done: Sequence[tuple[str, str, Sequence[str]]], verb: str) -> str:
    """What became of runs that came in or went out, given (outcome, run, problems) of each."""
    counts = {
        outcome: sum(done_one[0] == outcome for done_one in done)
        for outcome in ("new", "changed", "unchanged")
    }
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) or "nothing there"
    lines = [f"{len(done)} runs {verb}: {told}."]
    lines += [f"{run}: {problem}" for _, run, problems in done for problem in problems]
    return printable_lines("\n".join(lines))
