"""What changed from one version of a pipeline to another: numbers first, then the files people read."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from .records import MetricValue, Record

if TYPE_CHECKING:
    from .records import PipelineVersion

COMPARED_FILES = ("config.yaml", "pipeline.py", "contracts.py", "requirements.lock")


class MetricChange(Record, frozen=True, kw_only=True):
    """One metric in both versions; None where a version does not have it."""

    name: str
    first: MetricValue | None
    second: MetricValue | None


class FileChange(Record, frozen=True, kw_only=True):
    """A file that differs; `lines` is a unified diff without line ends."""

    path: str
    lines: tuple[str, ...]


class VersionDifference(Record, frozen=True, kw_only=True):
    """From version `first` to version `second` of the pipeline `name`."""

    name: str
    first: int
    second: int
    first_status: str
    second_status: str
    metrics: tuple[MetricChange, ...] = ()
    files: tuple[FileChange, ...] = ()


def difference_of_versions(first: PipelineVersion, second: PipelineVersion) -> VersionDifference:
    """Compare two versions of one pipeline; files that are equal in both are not mentioned."""
    names = dict.fromkeys([*first.metrics, *second.metrics])
    files = []
    for file in COMPARED_FILES:
        lines = difflib.unified_diff(
            _lines(first, file),
            _lines(second, file),
            f"v{first.version}/{file}",
            f"v{second.version}/{file}",
            lineterm="",
        )
        if changed := tuple(lines):
            files.append(FileChange(path=file, lines=changed))
    return VersionDifference(
        name=first.name,
        first=first.version,
        second=second.version,
        first_status=first.status,
        second_status=second.status,
        metrics=tuple(
            MetricChange(name=name, first=first.metrics.get(name), second=second.metrics.get(name))
            for name in names
        ),
        files=tuple(files),
    )


def _lines(version: PipelineVersion, file: str) -> list[str]:
    """The lines of a version's file; none when it has been moved away or never had one."""
    try:
        return (Path(version.path) / file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
