"""The run that is exported: its executions, what it has to prove, and where it ran."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops.records import Environment, Execution, FileUse, Run

from . import inlining, outline, shown, slicing, validation
from .translation import translate

if TYPE_CHECKING:
    from collections.abc import Collection

_SYSTEM_FOLDERS = ("/proc/", "/sys/", "/dev/", "/usr/", "/etc/", "/lib/", "/opt/conda/")
_HIDDEN = (
    ".cache",
    ".jupyter_mlops",
    ".ipython",
    ".jupyter",
    ".matplotlib",
    "site-packages",
    "profile_default",
    "dist-packages",
    ".config",
)
#: Readers whose first argument is a query or a table, no path.
_QUERIES = ("read_sql", "read_sql_query", "read_sql_table", "read_gbq", "read_database", "read_clipboard")


def own_orders(run: Run) -> set[int]:
    """The executions that are the run itself."""
    known = {cell.order for cell in run.cells}
    return (set(run.orders) & known) or {max(known)}


class Session:
    """The run to be exported and where it ran."""

    def __init__(self, run: Run, exclude: Collection[int]) -> None:
        #: What the notebook says in words above its cells.
        self.words = outline.read_outline(run)
        self.environment = run.environment or Environment(
            python="", executable=sys.executable, platform="", directory=str(Path.cwd())
        )
        self.directory = Path(self.environment.directory or ".").absolute()
        #: Where the version is written, if that is known.
        self.version_folder: Path | None = None
        self.run = run = inlining.inline_scripts(run, self.directory, validation.file_hashes)
        cells = [self._headed(slicing.with_static_names(cell)) for cell in run.cells]
        self.executions = shown.name_shown_values(cells)
        self.by_order = {cell.order: cell for cell in self.executions}
        self.wanted = own_orders(run) - set(exclude)
        timed = {name for name in run.metrics if self._measures_time(name) or self._is_written(name)}
        #: The metrics that a proof has to reproduce: all but measured durations and what a library wrote.
        self.proved = {name: value for name, value in run.metrics.items() if name not in timed} or run.metrics
        self.executable = self.environment.executable or sys.executable

    def _measures_time(self, name: str) -> bool:
        detail = self.run.metric_details.get(name)
        if detail is None:
            return validation.measures_time(name)
        cell = self.by_order.get(detail.order or 0)
        clocks = validation.clock_names(translate(cell.code)) if cell is not None else ()
        return validation.measures_time(name, detail.expression, clocks)

    def _is_written(self, name: str) -> bool:
        """Whether only a library's own lines told a metric: no code of the notebook gives it."""
        detail = self.run.metric_details.get(name)
        return detail is not None and detail.origin == "written"

    def _headed(self, cell: Execution) -> Execution:
        title = self.words[cell.order].title if cell.order in self.words else ""
        return msgspec.structs.replace(cell, heading=title) if title and not cell.heading else cell

    def is_foreign(self, path: str) -> bool:
        """Whether a file is Python's, a library's or the notebook's own, and no data of the user."""
        prefixes = (sys.prefix, sys.base_prefix, str(Path(self.executable).parent.parent))
        return (
            path.startswith((*_SYSTEM_FOLDERS, *(f"{prefix}/" for prefix in prefixes)))
            or any(part in _HIDDEN for part in Path(path).parts)
            or path.endswith((".py", ".pyc", ".so", ".ipynb", ":memory:"))
        )

    def inputs_of(self, execution: Execution) -> list[FileUse]:
        """The data files an execution read; those of Python and its libraries are not the user's."""
        found = [
            use
            for use in execution.files
            if use.mode.startswith("r")
            and not self.is_foreign(use.path)
            and (use.hash or Path(use.path).exists())
        ]
        seen = {use.path for use in found}
        if execution.files:
            return found
        for dataset in self.run.datasets:
            if (
                dataset.location
                and dataset.order == execution.order
                and "://" not in dataset.location
                and not dataset.loader.endswith(_QUERIES)
            ):
                path = os.path.normpath(self.directory / Path(dataset.location).expanduser())
                if path not in seen and Path(path).is_absolute():
                    found.append(FileUse(path=path, mode="r", hash=dataset.file_hash))
        return found
