"""Runs a piece of notebook code as a tracked cell does, without a kernel."""

from __future__ import annotations

import ast
import contextlib
import io
from typing import TYPE_CHECKING, Any

from jupyter_mlops.capture import loops, probes
from jupyter_mlops.capture.instrument import instrument
from jupyter_mlops.capture.loops import LoopWatch, series_of
from jupyter_mlops.capture.metrics import Found, Observed, find_metrics
from jupyter_mlops.capture.names import cell_names
from jupyter_mlops.capture.probes import Probe

if TYPE_CHECKING:
    from collections.abc import Iterable


class Notebook:
    """A namespace in which cells run one after the other."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {"__name__": "__main__"}
        self.order = 0
        self.probe = Probe()
        self.watch = LoopWatch()

    def run(self, code: str, *, tracked: bool = True, mutated: Iterable[str] = ()) -> Found:
        """Run `code` as a cell; what it raises passes on after the probes are off."""
        self.order += 1
        tree = ast.fix_missing_locations(instrument(ast.parse(code), code, self.order, tracked=tracked))
        self.probe, self.watch = Probe(), LoopWatch()
        probes.activate(self.probe if tracked else None)
        loops.activate(self.watch if tracked else None)
        try:
            with contextlib.redirect_stdout(io.StringIO()) as self.printed:
                exec(compile(tree, f"cell {self.order}", "exec"), self.space)
        finally:
            probes.activate(None)
            loops.activate(None)
        assert not self.probe.faults
        assert not self.watch.faults
        names = cell_names(code)
        return find_metrics(
            Observed(
                tree=ast.parse(code),
                code=code,
                order=self.order,
                namespace=self.space,
                bound=names.bound,
                events=self.probe.events,
                loops=series_of(self.watch),
                mutated=frozenset(mutated),
                settings=frozenset(names.literals),
                fingerprint=lambda value: f"fingerprint of {type(value).__name__}",
            )
        )


def metrics_of(code: str) -> dict[str, float]:
    """The metrics of a single cell."""
    return Notebook().run(code).values
