"""Scores on a slice of the rows a run was scored on, from the predictions and features it kept.

A slice is a condition on columns, such as ``species = 'Gentoo' AND weight >= 4``. It is read here and never
evaluated as code. Classes are scored by accuracy, numbers by root mean squared error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import Record

from .predictions import evaluation_of, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from jupyter_mlops.records import Run

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<quoted>`[^`]+`)
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
      | (?P<sign>!=|<>|<=|>=|==|=|<|>)
      | (?P<word>[^\W\d][\w.]*)
    )""",
    re.VERBOSE,
)
_EXAMPLE = "Write it like: \"species = 'Gentoo' AND weight >= 4\"."


class Comparison(Record, frozen=True, kw_only=True):
    """One comparison of a condition: column, sign and plain value."""

    column: str
    sign: str
    value: str | float | bool


class SliceScore(Record, frozen=True, kw_only=True):
    """A score over the `rows` rows of a slice: ``accuracy`` (more is better) or ``rmse`` (less is better)."""

    measure: str
    value: float
    rows: int
    higher_is_better: bool


def parse_slice(condition: str) -> tuple[Comparison, ...]:
    """The comparisons of a condition, all of which must hold.

    Raises:
        UsageError: It is no condition.
    """
    found = []
    tokens = list(_tokens(condition))
    for start in range(0, len(tokens), 4):
        part = tokens[start : start + 4]
        kinds = [kind for kind, _ in part]
        joined = len(part) == 3 or (
            len(part) == 4 and part[3][1].upper() == "AND" and start + 4 < len(tokens)
        )
        plain = (
            kinds[:2] in (["word", "sign"], ["quoted", "sign"])
            and kinds[2:3] in (["text"], ["number"], ["word"])
            and (kinds[2] != "word" or part[2][1].lower() in ("true", "false"))
        )
        if not plain or not joined:
            raise UsageError(f"{condition!r} is no condition on columns.", _EXAMPLE)
        sign = {"==": "=", "<>": "!="}.get(part[1][1], part[1][1])
        found.append(Comparison(column=part[0][1].strip("`"), sign=sign, value=_plain(*part[2])))
    if not found:
        raise UsageError("An empty condition protects nothing.", _EXAMPLE)
    return tuple(found)


def _tokens(condition: str) -> Iterator[tuple[str, str]]:
    place, text = 0, condition.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise UsageError(
                f"{condition!r} cannot be read at {text[place : place + 10].strip()!r}.", _EXAMPLE
            )
        place = match.end()
        yield str(match.lastgroup), str(match.group(str(match.lastgroup)))


def _plain(kind: str, text: str) -> str | float | bool:
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return float(text) if kind == "number" else text.lower() == "true"


def slice_score(run: Run, condition: str, read: Callable[[str], bytes]) -> SliceScore:
    """The score of a run on the rows where `condition` holds.

    Args:
        run: A run that kept predictions.
        condition: See `parse_slice`; columns are those of the features, ``y_true`` and the target's name.
        read: Gives an artifact's bytes by its digest.

    Raises:
        UsageError: The run kept no predictions, a column is unknown, or no row is in the slice.
    """
    comparisons = parse_slice(condition)
    evaluation = evaluation_of(run)
    table = read_table(read(evaluation.predictions))
    columns: dict[str, Any] = {}
    if evaluation.features:
        features = read_table(read(evaluation.features))
        if len(features) == len(table):
            columns = {str(name): features[name].to_numpy() for name in features.columns}
    for name in ("y_true", evaluation.target_name):
        columns.setdefault(name, table["y_true"].to_numpy())
    columns.pop("", None)
    chosen = [True] * len(table)
    for comparison in comparisons:
        if comparison.column not in columns:
            known = ", ".join(list(columns)[:12])
            raise UsageError(
                f"Run {run.reference} kept no column {comparison.column!r}.", f"It kept: {known}."
            )
        held = [_holds(value, comparison) for value in columns[comparison.column].tolist()]
        chosen = [one and other for one, other in zip(chosen, held, strict=True)]
    rows = table[chosen]
    if not len(rows):
        raise UsageError(f"No row of run {run.reference} lies in the slice {condition!r}.", _EXAMPLE)
    true = table["y_true"]
    numbers = true.dtype.kind == "f" and bool((true.dropna() % 1 != 0).any())
    return _scored(rows, numbers=numbers)


def _holds(value: Any, comparison: Comparison) -> bool:
    wanted, sign = comparison.value, comparison.sign
    if isinstance(wanted, str):
        value = str(value) if value is not None else None
    elif isinstance(value, str) or value is None:
        return sign == "!="
    if sign in ("=", "!="):
        return bool((value == wanted) == (sign == "="))
    if value is None:
        return False
    return bool(
        {"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted}[sign]
    )


def _scored(rows: pd.DataFrame, *, numbers: bool) -> SliceScore:
    true, predicted = rows["y_true"], rows.get("y_pred")
    if predicted is None:
        raise UsageError("Only scores of classes were kept, and no predictions.", "Score predict(…), too.")
    if numbers:
        value = float(((true - predicted) ** 2).mean() ** 0.5)
        return SliceScore(measure="rmse", value=value, rows=len(rows), higher_is_better=False)
    value = float((true.astype(object) == predicted.astype(object)).mean())
    return SliceScore(measure="accuracy", value=value, rows=len(rows), higher_is_better=True)
