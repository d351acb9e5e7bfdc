"""What came out of a cell: its metrics, their curves, and what each was scored on.

A metric is a number the cell *shows* or *keeps as a result*: the value of a scoring call, a
computed number it binds, displays or prints, a number inside a dict, Series or table of results, a
fitted object's own score, or what a loop rebinds step by step. One number told three ways
(``acc = accuracy_score(…)``, ``print("Accuracy:", acc)``, ``acc`` at the end) is one metric: facts
about the same expression are merged, and a bound name wins over a label, a label over a call.
"""

from __future__ import annotations

from .curves import drop_unspoken, find_curves
from .evidence import Evidence, Found, Observed
from .labelled import find_printed
from .results import find_bound, find_fitted, find_histories, find_stored
from .scores import find_called
from .shown import find_displayed, show
from .trivial import note_trivial
from .turns import find_turns

__all__ = ["Found", "Observed", "find_metrics"]


def find_metrics(observed: Observed) -> Found:
    """Find the metrics of one executed cell.

    The rooms look where a number is told best first, so that later tellings of it are recognised.
    """
    evidence = Evidence(observed)
    find_curves(evidence)
    find_bound(evidence)
    find_stored(evidence)
    find_fitted(evidence)
    find_histories(evidence)
    find_turns(evidence)
    find_printed(evidence, show)
    find_displayed(evidence)
    find_called(evidence)
    drop_unspoken(evidence)
    note_trivial(evidence)
    found = evidence.found
    found.own = evidence.compared or any(
        detail.origin in ("bound", "printed", "displayed") and evidence.is_own(detail)
        for detail in found.details.values()
    )
    return found
