"""The order of an export: slice, shape, write, prove, widen, publish."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.errors import ExportError
from jupyter_mlops.records import (
    MetricValue,
    PipelineVersion,
    Run,
    Status,
    now,
)

from . import card, difference, promotion, registry, validation
from .ladder import Ladder, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_mlops.records import AliasMove, VersionChange
    from jupyter_mlops.store import Store

    from .session import Session


def _stay_silent(_: str) -> None:
    """Hear of progress and say nothing."""


def export_run(
    store: Store,
    run_id: str,
    name: str,
    directory: Path,
    *,
    pin: Sequence[int] = (),
    exclude: Sequence[int] = (),
    environment: bool = False,
    progress: Callable[[str], None] = _stay_silent,
) -> PipelineVersion:
    """Turn a run into the next version of pipeline `name` and prove it.

    Args:
        store: Where the run is, and where the version is registered.
        run_id: The run.
        name: The pipeline, a Python identifier.
        directory: Where pipelines live; the version goes to ``directory/name/vN``.
        pin: Orders of executions to keep in any case.
        exclude: Orders of executions to leave out in any case.
        environment: Prove it in a new virtual environment made from its requirements.lock.
        progress: Hears one sentence at a time.

    Returns:
        The version, ``validated`` or ``rejected``; its report says why.

    Raises:
        PipelineNameError: `name` cannot name a pipeline.
        RunNotFoundError: There is no such run.
        ExportError: The run is still running, or holds no cells.
    """
    store.next_version(name)
    run = store.get_run(run_id)
    _check_exportable(run)
    begun = time.monotonic()
    ladder = Ladder(run, pin, exclude, progress, environment=environment, read=store.get_artifact)
    with registry.staging(Path(directory).absolute(), name) as folder:
        outcome = ladder.prove(folder)
        report = msgspec.structs.replace(outcome.report, duration=round(time.monotonic() - begun, 3))
        notes = _doubts(run)
        if notes:
            outcome = replace(outcome, script=replace(outcome.script, notes=(*notes, *outcome.script.notes)))
        again = _same_run(run, store.versions(name), folder)
        report = msgspec.structs.replace(report, notes=(*report.notes, *notes, *again))
        for note in report.notes:
            progress(note)
        previous = next(iter(store.versions(name)), None)

        def finish(number: int, target: Path) -> PipelineVersion:
            version = PipelineVersion(
                name=name,
                version=number,
                path=str(target),
                status=report.verdict,
                run_id=run.run_id,
                created_at=now(),
                report=report,
                run_number=run.number,
                experiment=run.experiment,
                metrics=dict(run.metrics),
                fallback=_fallback(store.versions(name)),
            )
            # The card tells of the environment, which the manifest holds, whose hashes hold the card's.
            _write_json(folder / "manifest.json", _manifest(version, outcome, ladder.session, folder))
            changes = _changes_since(previous, version, folder)
            text = card.write_card(version, run, outcome.script, outcome.kept, run.cells, previous, changes)
            (folder / "CARD.md").write_text(text, encoding="utf-8", errors="backslashreplace")
            _write_json(folder / "validation.json", msgspec.to_builtins(report))
            _write_json(folder / "manifest.json", _manifest(version, outcome, ladder.session, folder))
            return msgspec.structs.replace(version, manifest_hash=registry.hash_of(folder / "manifest.json"))

        version = registry.publish(store, folder, Path(directory).absolute(), name, finish)
    progress(
        f"{name} v{version.version} is {version.status}" + (f": {report.cause}" if report.cause else ".")
    )
    return version


def promote_version(
    store: Store,
    name: str,
    version: int,
    alias: str,
    *,
    direction: Callable[[str], bool | None],
    **options: Any,
) -> AliasMove:
    """Point `alias` at a version that is as it was exported, proved and no worse; see `promotion`."""
    return promotion.promote(
        store, name, version, alias, changes=registry.changes_of, direction=direction, **options
    )


def with_changes(version: PipelineVersion) -> PipelineVersion:
    """The version with what is no longer as it was exported."""
    return msgspec.structs.replace(version, changed=registry.changes_of(version))


def _fallback(known: Sequence[PipelineVersion]) -> int | None:
    """The version to go back to: where champion stands, else the newest that is proved."""
    proved = [version for version in known if version.status == "validated"]
    champions = [version for version in proved if "champion" in version.aliases]
    return next((version.version for version in [*champions, *proved]), None)


def _changes_since(
    previous: PipelineVersion | None, version: PipelineVersion, folder: Path
) -> tuple[VersionChange, ...]:
    """What is different from the version before, in the order in which causes are looked for."""
    if previous is None:
        return ()
    here = msgspec.structs.replace(version, path=str(folder))
    return difference.difference_of_versions(previous, here).changes


def _doubts(run: Run) -> tuple[str, ...]:
    """What a reader of a proved version should know of its run all the same."""
    notes = []
    if run.status == Status.FAILED and run.failure is not None:
        where = f" in line {run.failure.line}" if run.failure.line else ""
        notes.append(f"The run itself failed{where} ({run.failure.kind}); this holds what came before.")
    elif run.status == Status.KILLED:
        notes.append("The run itself was interrupted; this holds what came before.")
    return tuple(notes)


def _same_run(run: Run, known: Sequence[PipelineVersion], folder: Path) -> tuple[str, ...]:
    """Says which versions were made from this run before, and whether this one is the same again.

    It becomes a version of its own all the same: the proof is of today, and so may its files be.
    """
    before = [version for version in known if version.run_id == run.run_id]
    if not before:
        return ()
    newest = before[0]
    files = ("pipeline.py", "config.yaml", "contracts.py", "requirements.lock")
    other = [
        name
        for name in files
        if not (Path(newest.path) / name).is_file()
        or (Path(newest.path) / name).read_bytes() != (folder / name).read_bytes()
    ]
    listed = ", ".join(f"v{version.version}" for version in reversed(before))
    same = (
        "nothing in it is different"
        if not other
        else f"what differs from v{newest.version}: {', '.join(other)}"
    )
    return (f"Run {run.reference} has been exported as {newest.name} before ({listed}); {same}.",)


def _check_exportable(run: Run) -> None:
    if run.status == Status.RUNNING:
        raise ExportError(f"Run {run.reference} is still running.", "Export it when its cell has ended.")
    if run.parent_id and run.orders:  # a child that a script began has no cells
        raise ExportError(
            f"Run {run.reference} is one turn of the loop, or one candidate of the search, of run "
            f"#{run.parent_number}, whose cell runs them all.",
            f"Export #{run.parent_number}, whose proof covers this one too; or fit this one alone, in a cell "
            "of its own.",
        )
    if not run.cells:
        raise ExportError(f"Run {run.reference} holds no cells, so there is nothing to export.")
    if not run.metrics:
        raise ExportError(
            f"Run {run.reference} has no metrics, so nothing could prove an export of it.",
            "Score something in the tracked cell, or log a metric, and export that run.",
        )


def _manifest(version: PipelineVersion, outcome: Outcome, session: Session, folder: Path) -> dict[str, Any]:
    """What manifest.json says."""
    cells = [
        {
            "order": cell.order,
            "execution_count": session.by_order[cell.order].execution_count,
            "reason": cell.reason,
        }
        for cell in outcome.kept.kept
    ]
    hashes = {
        place.relative_to(folder).as_posix(): registry.hash_of(place)
        for place in sorted(folder.rglob("*"))
        if place.is_file() and place.name != "manifest.json"
    }
    return {
        "pipeline": version.name,
        "version": version.version,
        "status": version.status,
        "created_at": version.created_at.isoformat(),
        "run": {
            "run_id": session.run.run_id,
            "number": session.run.number,
            "name": session.run.name,
            "experiment": session.run.experiment,
            "notebook": session.run.notebook,
        },
        "cells": cells,
        "fallback": version.fallback,
        "steps": [step.name for step in outcome.script.steps],
        "metrics": {name: _number(value) for name, value in session.run.metrics.items()},
        "gates": {
            name: {
                "value": _number(value),
                "relative": 0.0 if isinstance(value, int) else validation.RELATIVE,
                "absolute": 0.0 if isinstance(value, int) else 1e-12,
            }
            for name, value in session.proved.items()
        },
        "input_settings": [item.name for item in outcome.script.config if item.kind == "input"],
        "checked_inputs": _checked_inputs(session, outcome),
        "inputs": {
            use.path: use.hash
            for order in outcome.kept.orders
            for use in session.inputs_of(session.by_order[order])
        },
        "environment": {
            "python": session.environment.python,
            "executable": session.environment.executable,
            "directory": str(session.directory),
            "packages": session.environment.packages,
            "git": session.environment.git,
        },
        "notes": list(outcome.script.notes),
        "files": hashes,
    }


def _checked_inputs(session: Session, outcome: Outcome) -> list[str]:
    """The input settings whose data a contract speaks of."""
    promised = {
        Path(found.location).name
        for found in session.run.datasets
        if found.name in outcome.script.promised and found.location
    }
    return [
        item.name
        for item in outcome.script.config
        if item.kind == "input" and Path(str(item.value)).name in promised
    ]


def _number(value: MetricValue) -> MetricValue | str:
    finite = value == value and value not in (float("inf"), float("-inf"))  # noqa: PLR0124 - NaN is not itself
    return value if finite else str(value)


def _write_json(place: Path, content: object) -> None:
    place.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
