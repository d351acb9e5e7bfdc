"""CARD.md: what a version is, for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import Execution, PipelineVersion, Run, VersionChange

    from .plan import Script, Slice


def write_card(
    version: PipelineVersion,
    run: Run,
    script: Script,
    kept: Slice,
    executions: Sequence[Execution],
    previous: PipelineVersion | None,
    changes: Sequence[VersionChange] = (),
) -> str:
    """The text of CARD.md; `changes` are those since `previous`."""
    report = version.report
    proved = (
        "proved: two fresh processes gave the run's own numbers"
        if report.verdict == "validated"
        else "rejected"
    )
    lines = [
        f"# {version.name} v{version.version}",
        "",
        (
            f"Made from run {run.reference} (`{_line(run.name or run.run_id)}`) of `{_line(run.experiment)}`"
            f" on {version.created_at:%Y-%m-%d %H:%M} UTC; {proved}."
        ),
    ]
    if report.verdict != "validated":
        lines += ["", f"> **Not proved.** {_line(report.cause)} {_line(report.hint)}".rstrip()]
    if run.note or run.hypothesis:
        lines += ["", *(f"> {_line(text)}" for text in (run.hypothesis, run.note) if text)]
    lines += ["", "## What it does", ""]
    for number, step in enumerate(script.steps, start=1):
        gives = f" → {', '.join(f'`{name}`' for name in step.outputs)}" if step.outputs else ""
        title = f": {_line(step.title)}" if step.title else ""
        lines.append(f"{number}. `{step.name}`{title}{gives}")
    lines += ["", "## Metrics", "", "| metric | run | proof | |", "| --- | --- | --- | --- |"]
    checks = {check.name: check for check in report.metrics}
    for name, value in run.metrics.items():
        check = checks.get(name)
        shown = "–" if check is None or check.first is None else f"{check.first:.6g}"
        mark = (
            "equal"
            if check is not None and check.equal
            else "not equal"
            if check is not None
            else "not proved"
        )
        lines.append(f"| {_cell(name)} | {value:.6g} | {shown} | {mark} |")
    if report.predictions:
        lines += ["", *(f"- {_line(said)}" for said in report.predictions)]
    if previous is not None:
        lines += ["", f"## Since v{previous.version}", "", *_changes(changes)]
    if script.config:
        lines += ["", "## Settings", "", "| name | value | type |", "| --- | --- | --- |"]
        lines += [
            f"| {_cell(item.name)} | {_cell(str(item.value))} | {item.type} |" for item in script.config
        ]
        lines += ["", *(f"- {_line(said)}" for said in report.settings)] if report.settings else []
    if run.datasets:
        lines += ["", "## Data", "", "| name | rows | columns | from |", "| --- | --- | --- | --- |"]
        for dataset in run.datasets:
            columns = str(len(dataset.columns) or "–")
            lines.append(
                f"| {_cell(dataset.name)} | {dataset.rows} | {columns} | {_cell(dataset.location or '–')} |"
            )
    counts = {cell.order: cell.execution_count or cell.order for cell in executions}
    lines += ["", "## Where it comes from", ""]
    lines += [f"- cell [{counts.get(cell.order, cell.order)}]: {_line(cell.reason)}" for cell in kept.kept]
    place = [f"The proof ran in {report.environment}."] if report.environment else []
    notes = dict.fromkeys([*place, *report.notes, *script.notes])
    if notes:
        lines += ["", "## Good to know", "", *(f"- {_line(note)}" for note in notes)]
    if len(report.attempts) > 1:
        lines += ["", "## How the proof went", ""]
        lines += [f"- {item.rung}: {item.verdict}. {_line(item.cause)}".rstrip() for item in report.attempts]
    lines += [
        "",
        "## Run it",
        "",
        "```sh",
        "python -m pip install -r requirements.lock",
        "python pipeline.py run --output-dir output",
        "```",
    ]
    if version.fallback is not None:
        lines += [
            "",
            f"Should it fail in use: v{version.fallback} is its fallback (`jupyter mlops rollback`).",
        ]
    return "\n".join(lines) + "\n"


def _changes(changes: Sequence[VersionChange]) -> list[str]:
    """A line a change; what takes more than two values to tell is named alone."""
    lines = []
    for change in changes:
        before = [line[1:] for line in change.lines if line.startswith("-")]
        after = [line[1:] for line in change.lines if line.startswith("+")]
        said = f"- {change.section} ({change.layer}): {_line(change.name)}"
        short = (
            change.section in ("config", "metrics", "environment") and len(before) <= 1 and len(after) <= 1
        )
        if short:
            values = [text.partition(": ")[2] for text in (*before, *after)]
            said += f" {_line(' → '.join(values))}" if before and after else f" {'new' if after else 'gone'}"
        lines.append(said)
    return lines or ["- Nothing is different."]


def _line(text: str) -> str:
    """Text of a person or a program on one line, without anything that could be taken for HTML."""
    plain = " ".join(text.split())
    return re.sub(r"[<>]", lambda found: "&lt;" if found[0] == "<" else "&gt;", plain)


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
