"""Confusion matrices as small tables: which class was taken for which."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from .evaluation import compared_by
from .metric_names import data_part
from .numbers import is_number, module_of, own_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from .sites import Event

MEDIA_TYPE = "text/csv"
#: Larger matrices are no table a person reads.
_CLASSES = 60
_TABLES = 20
_LONGEST = 80
#: What the cell of a spreadsheet begins with when it is computed.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ConfusionTable(msgspec.Struct, frozen=True):
    """One confusion matrix: a name, the classes, and a row for each true one."""

    name: str
    classes: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]

    def csv(self) -> bytes:
        """The table as a file: the first column holds the true class, the others what was predicted."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        classes = [_inert(label) for label in self.classes]
        writer.writerow(["true \\ predicted", *classes])
        for label, row in zip(classes, self.rows, strict=True):
            writer.writerow([label, *row])
        return text.getvalue().encode()

    @property
    def path(self) -> str:
        """Where the table lies among the artifacts of its run."""
        return f"tables/{self.name}.csv"


def _inert(label: str) -> str:
    """A label that no spreadsheet takes for a formula: what it would compute stands behind a quote."""
    try:
        float(label)
    except ValueError:
        return f"'{label}" if label.startswith(_FORMULA) else label
    return label


def find_confusions(events: list[Event], describe: Callable[[Any], Any]) -> list[ConfusionTable]:
    """The confusion matrices a cell computed; of one line that ran several times, the last.

    `describe` tells what is known of a target (`trivial.describe_target`): its classes or numbers.
    """
    last: dict[str, Event] = {}
    for event in events:
        if event.site.kind == "call" and event.site.function.rpartition(".")[2] == "confusion_matrix":
            last[event.site.key] = event
    found: dict[str, ConfusionTable] = {}
    for event in islice(last.values(), _TABLES):
        rows = _rows_of(event.value)
        if rows is None:
            continue
        name = base = _name_of(event)
        count = 2
        while name in found:
            name, count = f"{base}-{count}", count + 1
        found[name] = ConfusionTable(name, _classes_of(event, len(rows), describe), rows)
    for event in events:
        # What scikit-learn's display draws it has computed itself.
        state = own_state(event.value) if event.site.kind == "displayed" else {}
        rows = _rows_of(state.get("confusion_matrix")) if _is_display(event.value) else None
        if rows is None or len(found) >= _TABLES or any(table.rows == rows for table in found.values()):
            continue
        name, count = "confusion_matrix", 2
        while name in found:
            name, count = f"confusion_matrix-{count}", count + 1
        labels = _plain(state.get("display_labels"))
        named = labels is not None and len(labels) == len(rows)
        classes = labels if labels is not None and named else range(len(rows))
        found[name] = ConfusionTable(name, tuple(str(label)[:_LONGEST] for label in classes), rows)
    return list(found.values())


def _is_display(value: Any) -> bool:
    return type(value).__name__ == "ConfusionMatrixDisplay" and module_of(type(value)).startswith("sklearn.")


def _rows_of(value: Any) -> tuple[tuple[float, ...], ...] | None:
    if type(value).__name__ != "ndarray" or module_of(type(value)) != "numpy":
        return None
    if value.dtype.kind not in "iuf" or value.ndim != 2 or value.shape[0] != value.shape[1]:
        return None
    if not 1 < value.shape[0] <= _CLASSES:
        return None
    return tuple(tuple(row) for row in value.tolist())


def _name_of(event: Event) -> str:
    """What the notebook calls it; of a name as short as ``cm``, what it is as well."""
    part = data_part(event.site.arguments)
    own = event.site.target
    name = own if own and "conf" in own.lower() else "_".join(filter(None, ("confusion_matrix", own, part)))
    return re.sub(r"[^\w.-]+", "_", name)[:_LONGEST]


def _classes_of(event: Event, count: int, describe: Callable[[Any], Any]) -> tuple[str, ...]:
    """The classes in the order of the matrix; their numbers where they are not known."""
    given: Any = event.given.get("labels")
    for argument, value in event.values.items():
        if argument.startswith("labels="):
            given = value
    if given is None:
        compared = compared_by(event)
        known: dict[Any, None] = {}
        for value in (compared.target, compared.prediction):
            target = describe(value) if value is not None else None
            known.update(dict.fromkeys(_seen_in(target)))
        try:
            given = sorted(known)
        except TypeError:  # texts beside numbers
            given = None
    else:
        given = _plain(given)
    if given is None or len(given) != count:
        return tuple(map(str, range(count)))
    return tuple(str(label)[:_LONGEST] for label in given)


def _seen_in(target: Any) -> list[Any]:
    if target is None:
        return []
    if target.classes is not None:
        return list(target.classes)
    import numpy as np

    values = np.unique(target.numbers)
    return [int(value) if value == int(value) else float(value) for value in values[: _CLASSES + 1].tolist()]


def _plain(labels: Any) -> list[Any] | None:
    if type(labels).__name__ == "ndarray" and module_of(type(labels)) == "numpy" and labels.dtype.kind != "O":
        labels = labels.tolist()
    if type(labels) not in (list, tuple):
        return None
    return list(labels) if all(type(label) is str or is_number(label) for label in labels) else None
