"""Numbers a figure or a cross table shows: annotated heatmaps, scikit-learn's displays, confusion counts."""

from __future__ import annotations

import ast
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from .numbers import is_number, module_of, own_state, to_number
from .syntax import last_name
from .vocabulary import sounds_like_metric, words

if TYPE_CHECKING:
    from .members import Member

#: More classes than this are no table whose every cell is a fact.
_CLASSES = 3
#: In a figure they are a picture of a table (which is kept) but for two classes, whose cells have names.
_DRAWN_CLASSES = 2
#: Words of a name that holds a confusion matrix.
CONFUSING = frozenset({"cm", "confusion", "conf", "confmat"})
_ROLES = frozenset(
    """
    pred preds predicted prediction predictions yhat hat true actual truth label labels target class row col
    y cluster
    """.split()
)
_PREDICTED = frozenset("pred preds predicted prediction predictions yhat hat".split())
_TRIED_ROWS, _TRIED_COLUMNS = 30, 12


def is_drawing(node: ast.Call) -> bool:
    """Whether a call makes one of scikit-learn's displays, which say of themselves what they draw."""
    last = last_name(node.func)
    return last in ("from_predictions", "from_estimator") or (last.endswith("Display") and last != "Display")


def drawn_argument(node: ast.Call) -> ast.expr | None:
    """What a call draws with its numbers written into it: ``sns.heatmap(cm, annot=True)``."""
    last, first = last_name(node.func), node.args[0] if node.args else None
    if last == "heatmap":
        annotated = next((key.value for key in node.keywords if key.arg == "annot"), None)
        if annotated is None or (isinstance(annotated, ast.Constant) and not annotated.value):
            return None
        return first
    if last in ("imshow", "matshow") and isinstance(first, ast.Name) and CONFUSING & set(words(first.id)):
        return first
    return None


def display_members(value: Any) -> list[Member] | None:
    """The numbers one of scikit-learn's displays draws; None if `value` is no display."""
    if not type(value).__name__.endswith("Display") or not module_of(type(value)).startswith("sklearn."):
        return None
    state = own_state(value)
    found: list[Member] = [
        ((f".{key}",), (key,), to_number(item))
        for key, item in state.items()
        if sounds_like_metric(key) and is_number(item)
    ]
    for path, parts, number in matrix_members(state.get("confusion_matrix"), drawn=True):
        found.append(((".confusion_matrix", *path), ("confusion_matrix", *parts), number))
    return found


_TESTED = ("statistic", "fvalue", "pvalue")
_PAIRS = 45


def tested_members(value: Any) -> list[Member] | None:
    """What a test of statsmodels prints of itself: its p-value, or that of each pair; None for others."""
    kind = type(value)
    if not module_of(kind).startswith("statsmodels."):
        return None
    state = own_state(value)
    if kind.__name__ == "ContrastResults":
        keys = [key for key in _TESTED if is_number(state.get(key))]
        keys = [key for key in keys if key != "fvalue" or "statistic" not in keys]
        return [((f".{key}",), (key,), to_number(state[key])) for key in keys]
    if kind.__name__ != "TukeyHSDResults":
        return None
    found: list[Any] = [state.get(key) for key in ("groupsunique", "pvalues", "meandiffs")]
    groups, pvalues, differences = found
    if not all(type(part).__name__ == "ndarray" for part in (groups, pvalues, differences)):
        return None
    pairs = list(combinations(map(str, groups.tolist()), 2))
    if not len(pairs) == len(pvalues) == len(differences) or len(pairs) > _PAIRS:
        return None  # against one control they are fewer
    return [
        ((f".{key}", position), ("_".join(pair), label), number)
        for key, label, numbers in (
            ("meandiffs", "mean_diff", differences),
            ("pvalues", "pvalue_adj", pvalues),
        )
        for position, (pair, number) in enumerate(zip(pairs, numbers.tolist(), strict=True))
    ]


def matrix_members(value: Any, *, drawn: bool = False) -> list[Member]:
    """The cells of a confusion matrix of a few classes, counts or shares: of a square array.

    Of one that is `drawn` into a figure only those of two classes.
    """
    if type(value).__name__ != "ndarray" or module_of(type(value)) != "numpy":
        return []
    if value.ndim != 2 or value.dtype.kind not in "iuf" or value.shape[0] != value.shape[1]:
        return []
    if not 2 <= value.shape[0] <= (_DRAWN_CLASSES if drawn else _CLASSES):
        return []
    rows = value.tolist()
    return [
        ((row, column), (str(row), str(column)), number)
        for row, numbers in enumerate(rows)
        for column, number in enumerate(numbers)
    ]


def crossed_members(value: Any, expression: str) -> list[Member]:
    """The cells of a table that counts predictions by their truth: rows and columns have the same classes."""
    if type(value).__name__ != "DataFrame" or module_of(type(value)).partition(".")[0] != "pandas":
        return []
    if not (2 <= value.shape[0] <= _CLASSES + 1 and 2 <= value.shape[1] <= _CLASSES + 1):
        return []
    if any(kind.kind not in "iuf" for kind in value.dtypes):
        return []
    rows, columns = _classes(value.index), _classes(value.columns)
    if not rows or list(rows.values()) != list(columns.values()):
        return []
    told = f"{expression} {_name(value.index)} {_name(value.columns)} {' '.join(map(str, columns))}"
    if not (CONFUSING | _PREDICTED) & set(words(told)):
        return []
    labels, heads = value.index.tolist(), value.columns.tolist()
    cells = value.to_numpy().tolist()
    return [
        ((row, column), (rows[labels[row]], columns[heads[column]]), cells[row][column])
        for row, column in product(range(len(labels)), range(len(heads)))
        if labels[row] in rows and heads[column] in columns
    ]


def _classes(axis: Any) -> dict[Any, str]:
    """The classes along an axis, without the words that say whose they are and without sums."""
    labels = axis.tolist()
    if not all(type(label) in (str, int, float, bool) for label in labels):
        return {}
    named = {label: " ".join(part for part in words(str(label)) if part not in _ROLES) for label in labels}
    return {label: name or str(label) for label, name in named.items() if name not in ("all", "total", "sum")}


def _name(axis: Any) -> str:
    return axis.name if type(axis.name) is str else ""


def pivoted(node: ast.expr | None) -> str:
    """What a table holds that ``results.pivot(…, values="mean_test_score")`` made, if it is a score."""
    if not (isinstance(node, ast.Call) and last_name(node.func) in ("pivot", "pivot_table")):
        return ""
    given = next((key.value for key in node.keywords if key.arg == "values"), None)
    if given is None and len(node.args) > (0 if last_name(node.func) == "pivot_table" else 2):
        given = node.args[0 if last_name(node.func) == "pivot_table" else 2]
    held = given.value if isinstance(given, ast.Constant) else None
    return held if isinstance(held, str) and sounds_like_metric(held) else ""


def pivoted_members(value: Any, held: str) -> list[Member]:
    """The cells of a table of scores by two settings: ``mean_test_score.C_1.gamma_0.1``."""
    if type(value).__name__ != "DataFrame" or module_of(type(value)).partition(".")[0] != "pandas":
        return []
    if value.shape[0] > _TRIED_ROWS or value.shape[1] > _TRIED_COLUMNS:
        return []
    if any(kind.kind != "f" for kind in value.dtypes):
        return []
    rows, columns = value.index.tolist(), value.columns.tolist()
    if not all(type(label) in (str, int, float) for label in (*rows, *columns)):
        return []
    of_rows, of_columns = (
        [f"{_name(axis)}_{label}".strip("_") for label in labels]
        for axis, labels in ((value.index, rows), (value.columns, columns))
    )
    return [
        ((row, column), (held, of_rows[row], of_columns[column]), number)
        for row, numbers in enumerate(value.to_numpy().tolist())
        for column, number in enumerate(numbers)
        if number == number  # noqa: PLR0124 — an empty cell is NaN
    ]


_QUANTILES = frozenset({"quantile", "percentile", "nanquantile", "nanpercentile"})


def interval_of(node: ast.expr) -> str | None:
    """What an interval is one of, by two quantiles that leave out as much below as above; None for others."""
    if not (isinstance(node, ast.Call) and last_name(node.func) in _QUANTILES):
        return None
    function, given = node.func, list(node.args)
    given += [key.value for key in node.keywords if key.arg in ("q", "quantile", "percentile")]
    bounds = [_numbers(part) for part in given]
    pair = next((found for found in bounds if len(found) == 2), None)
    if pair is None or pair[0] >= pair[1] or not any(abs(sum(pair) - whole) < 1e-9 for whole in (1, 100)):
        return None
    if not _numbers(given[0]):
        return ast.unparse(given[0])
    return ast.unparse(function.value) if isinstance(function, ast.Attribute) else None


def _numbers(node: ast.expr) -> list[float]:
    if not isinstance(node, (ast.List, ast.Tuple)):
        return []
    found = [part.value for part in node.elts if isinstance(part, ast.Constant)]
    numbers = [value for value in found if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return numbers if len(numbers) == len(node.elts) else []


def interval_members(value: Any, name: str) -> list[Member]:
    """The two bounds of an interval."""
    kind, module = type(value).__name__, module_of(type(value)).partition(".")[0]
    if (kind, module) not in (("Series", "pandas"), ("ndarray", "numpy")) or len(value) != 2:
        return []
    if value.ndim != 1 or value.dtype.kind != "f":
        return []
    low, high = value.tolist()
    return [((0,), (f"{name}_low",), low), ((1,), (f"{name}_high",), high)]
