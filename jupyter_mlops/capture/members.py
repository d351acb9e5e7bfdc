"""The numbers inside a structure of results: dicts, Series, small tables, arrays and lists of scores."""

from __future__ import annotations

from itertools import islice
from typing import Any

from jupyter_mlops.records import MetricValue

from .numbers import is_number, module_of, own_state, to_float, to_number
from .vocabulary import (
    counts_outcomes,
    is_limit,
    is_part,
    is_setting,
    sounds_like_holder,
    sounds_like_metric,
    sounds_like_size,
    words,
)

_MRO: Any = type.__dict__["__mro__"]
_VARS: Any = type.__dict__["__dict__"]

Path = tuple[str | int, ...]
Member = tuple[Path, tuple[str, ...], MetricValue]

_MEMBERS = 200
_ARRAY = 100
#: Of what a reader sees, this many elements are facts of their own.
_ELEMENTS = 20
_CELLS = 9
_MOST = 2**53
_ROWS = 30
#: Columns of a table of tests, where one of them is a p-value: ``F``, ``PR(>F)``, ``P>|t|``.
_STATISTICS = frozenset({"f", "t", "z", "p", "pr", "pvalue", "pval"})


def members(value: Any, *, depth: int = 2, shown: bool = False, trusted: bool = False) -> list[Member]:
    """The numbers inside a structure of results: the path to each, the words that name it, itself.

    Dicts (nested ones too), named tuples, Series, tables of at most 30 rows whose columns sound
    like metrics, and arrays of scores, which give their mean and standard deviation (paths
    ``("mean",)``, ``("std",)``). Of a table, the path is column and row position. Of what is
    `shown` to a reader the elements count too: of a list, a short array, a confusion matrix. A
    table that is `trusted` to hold results need not have columns that sound like it. Anything
    else, or anything large, gives nothing.
    """
    kind = type(value)
    if is_number(value):
        return [((), (), to_number(value))]
    if issubclass(kind, dict):
        if (
            kind.__name__ == "OptimizeResult"
        ):  # of SciPy's the rest is where it was found, and in how many steps
            value = {key: dict.get(value, key) for key in ("fun", "cost") if is_number(dict.get(value, key))}
        return _dict_members(value, depth, trusted, shown)
    if issubclass(kind, tuple) and (fields := _fields(kind)):
        return [
            ((index,), (name,), to_number(item))
            for index, (name, item) in enumerate(zip(fields, tuple.__iter__(value), strict=False))
            if is_number(item)
        ]
    if kind is list or kind is tuple:
        return _list_members(value, trusted) if shown else []
    if shown and is_dataclass(kind):
        found = _dict_members(own_state(value), 0, trusted, shown)
        return [((f".{path[0]}", *path[1:]), parts, number) for path, parts, number in found]
    module = module_of(kind).partition(".")[0]
    if module == "numpy" and kind.__name__ == "ndarray":
        return _array_members(value, shown)
    if module == "pandas" and kind.__name__ == "Series":
        return _series_members(value)
    if kind.__name__ == "DataFrame" and module in ("pandas", "polars"):
        table = _Table.of(value, module)
        return _frame_members(table, trusted) if table is not None else []
    return []


def is_dataclass(kind: type) -> bool:
    """Whether a type is a dataclass, read past what its metaclass may do."""
    return any("__dataclass_fields__" in _VARS.__get__(base) for base in _MRO.__get__(kind))


def holds_scores(value: Any, depth: int = 2) -> bool:
    """Whether a structure says by its own keys or columns that it holds scores: ``{"rmse": 0.3}``."""
    kind = type(value)
    if issubclass(kind, dict):
        items = list(islice(dict.items(value), _MEMBERS + 1))
        if not 0 < len(items) <= _MEMBERS or any(type(key) is not str for key, _ in items):
            return False
        scored = [
            sounds_like_metric(key) and (is_number(item) or (type(item) is list and _is_scored(item)))
            for key, item in items
        ]
        if any(scored):
            return 2 * sum(scored) >= len(scored)
        return depth > 0 and all(holds_scores(item, depth - 1) for _, item in items)
    if kind is list:
        return 0 < len(value) <= _MEMBERS and all(
            type(item) is dict and holds_scores(item, 0) for item in value
        )
    return False


def _is_scored(values: list[Any]) -> bool:
    return numbers_of(values[:_MEMBERS]) is not None


def histories(value: Any, *, depth: int = 2) -> list[tuple[Path, tuple[str, ...], list[float]]]:
    """Lists of at least two numbers inside a dict (of dicts): what a training run appended to."""
    found: list[tuple[Path, tuple[str, ...], list[float]]] = []
    if not issubclass(type(value), dict) or len(value) > _MEMBERS:
        return found
    for key, item in dict.items(value):
        label = _key(key)
        if label is None:
            continue
        if type(item) is list:
            numbers = numbers_of(item)
            if numbers is not None and len(numbers) > 1 and not sounds_like_size(str(label)):
                found.append(((label,), (str(label),), numbers))
        elif depth and issubclass(type(item), dict):
            found += [
                ((label, *path), (str(label), *parts), numbers)
                for path, parts, numbers in histories(item, depth=depth - 1)
            ]
    return found


def numbers_of(values: list[Any]) -> list[float] | None:
    """The list as floats, None if something else is in it or nothing but whole numbers."""
    numbers = [to_float(value) for value in values]
    if not numbers or any(number is None for number in numbers):
        return None
    if all(type(to_number(value)) is int for value in values):
        return None
    return numbers  # type: ignore[return-value]


def _key(key: Any) -> str | int | None:
    """The key as a path has it; of another number than a plain int, its text."""
    kind = type(key)
    if kind is str or kind is int:
        return key  # type: ignore[no-any-return]
    if issubclass(kind, str):
        return str.__str__(key)
    return str(to_number(key)) if kind is not bool and is_number(key) else None


def _fields(kind: type) -> tuple[str, ...]:
    for base in kind.__mro__:
        found = vars(base).get("_fields")
        if type(found) is tuple and all(type(name) is str for name in found):
            return found
    return ()


def _dict_members(value: dict[Any, Any], depth: int, trusted: bool, shown: bool) -> list[Member]:
    found: list[Member] = []
    if len(value) > _MEMBERS:
        return found
    scored = any(type(key) is str and sounds_like_metric(key) for key in dict.keys(value))
    for key, item in dict.items(value):
        label = _key(key)
        if scored and type(label) is str and is_number(item) and _is_tried(label, to_number(item)):
            continue
        if label is None or (type(label) is str and "__" in label.strip("_")):
            continue  # `clf__C` is a setting of a step of a pipeline
        if is_number(item):
            told = str(label)
            aside = label == "support" or is_limit(told) or sounds_like_size(told)
            if sounds_like_metric(told) or not aside:
                found.append(((label,), (str(label),), to_number(item)))
        elif depth and not sounds_like_size(str(label)):
            inner: list[Member] = []
            if issubclass(type(item), (dict, tuple)) or type(item).__name__ == "ndarray":
                array = type(item).__name__ == "ndarray" and shown
                inner = members(item, depth=depth - 1, shown=array or type(item) is tuple, trusted=trusted)
            found += [((label, *path), (str(label), *parts), number) for path, parts, number in inner]
    return found


def _is_tried(key: str, number: MetricValue) -> bool:
    """Whether a number beside scores only says what was scored: ``{"depth": 4, "acc": 0.9}``."""
    whole = abs(number) < _MOST and number == int(number)
    return whole and not (sounds_like_metric(key) or counts_outcomes(key))


def is_named_number(item: Any) -> bool:
    """Whether something is a pair of a text and the number it names; ``("104", 0.2)`` is one of a row's."""
    pair = type(item) is tuple and len(item) == 2 and type(item[0]) is str and is_number(item[1])
    return pair and any(map(str.isalpha, item[0]))


def _list_members(value: list[Any] | tuple[Any, ...], trusted: bool) -> list[Member]:
    found: list[Member] = []
    if len(value) > _ROWS:
        return found
    for index, item in enumerate(value):
        kind = type(item)
        if is_number(item):
            if type(to_number(item)) is float and len(value) <= _ELEMENTS:
                found.append(((index,), (str(index),), to_number(item)))
        elif is_named_number(item):
            found.append(((index, 1), (item[0][:40],), to_number(item[1])))
        elif kind is dict or issubclass(kind, tuple):
            # A row of a table: its first text says which one it is.
            parts = item.values() if isinstance(item, dict) else item
            texts = [part for part in parts if type(part) is str]
            row = texts[0][:40] if texts else str(index)
            found += [
                ((index, *path), (row, *names), number)
                for path, names, number in members(item, depth=0, shown=True, trusted=trusted)
            ]
    return found


def _counts(value: Any) -> bool:
    """Whether an array counts: of floats, whether all are whole and none is below zero."""
    return value.dtype.kind == "i" or bool(
        ((value >= 0) & (value < _MOST)).all() and (value == value.round()).all()
    )


def _array_members(value: Any, shown: bool) -> list[Member]:
    if value.ndim == 2 and shown and value.dtype.kind in "if" and value.shape[0] == value.shape[1]:
        if not 4 <= value.size <= _CELLS or not _counts(value):
            return []
        rows = value.astype("int64").tolist()
        return [
            ((row, column), (str(row), str(column)), number)
            for row, numbers in enumerate(rows)
            for column, number in enumerate(numbers)
        ]
    if value.ndim != 1 or value.dtype.kind != "f" or not 1 <= value.size <= _ARRAY:
        return []
    found: list[Member] = []
    if value.size > 1:
        found += [(("mean",), ("mean",), float(value.mean())), (("std",), ("std",), float(value.std()))]
    if shown and value.size <= _ELEMENTS:
        found += [((index,), (str(index),), number) for index, number in enumerate(value.tolist())]
    return found


def _series_members(value: Any) -> list[Member]:
    if len(value) > 50 or value.dtype.kind != "f":
        return []
    labels = value.index.tolist()
    keys: list[str | int] = labels
    if type(value.index.name) is str and all(type(label) is int for label in labels):
        labels, keys = [f"{value.index.name}_{label}" for label in labels], list(range(len(labels)))
    if any(type(label) is not str for label in labels) or len(set(labels)) != len(labels):
        return []
    if not any(map(str.isalpha, "".join(labels))):
        return []  # numbers of rows, as a recommender ranks them
    return [
        ((key,), (label,), float(number))
        for key, label, number in zip(keys, labels, value.tolist(), strict=True)
        if not is_limit(label)
        and (sounds_like_metric(label) or not (sounds_like_size(label) or is_setting(label)))
    ]


class _Table:
    """A small table of pandas or polars, read whole: its columns as lists, and what its rows are called."""

    def __init__(self, columns: dict[str, list[Any]], floats: list[str], labels: list[Any]) -> None:
        self.columns, self.floats, self.labels = columns, floats, labels

    @staticmethod
    def of(value: Any, module: str) -> _Table | None:
        rows, width = value.shape
        names = [name for name in value.columns if type(name) is str]
        if width > 50 or not 0 < rows <= _ROWS or len(set(names)) != width:
            return None
        if module == "polars":
            columns = {name: value[name].to_list() for name in names}
            floats = [name for name, kind in value.schema.items() if kind.is_float()]
            return _Table(columns, floats, list(range(rows)))
        floats = [name for name in names if value[name].dtype.kind == "f"]
        labels = value.index.tolist()
        if type(value.index.name) is str and all(type(label) is int for label in labels):
            labels = [f"{value.index.name}_{label}" for label in labels]  # `k` of ``df.set_index("k")``
        return _Table({name: value[name].tolist() for name in names}, floats, labels)


#: Words of a column that holds the names of what a model is made of: such a table explains it.
_NAMING = frozenset("feature features variable variables term terms predictor predictors regressor".split())


def _explains(table: _Table) -> bool:
    """Whether the rows of a table are the features of a model: importances, coefficients."""
    return any(
        words(name) and words(name)[-1] in _NAMING and all(type(item) is str for item in told)
        for name, told in table.columns.items()
    )


def _tested(table: _Table) -> bool:
    """Whether a table is one of tests: a column holds p-values."""
    return any({"p", "pr", "pvalue", "pval"} & set(words(name)) for name in table.floats)


def _frame_members(table: _Table, trusted: bool) -> list[Member]:
    labels = table.labels
    if _explains(table):
        # How much the features say of each other is told; what a model makes of them explains it.
        table.floats = [name for name in table.floats if "vif" in words(name)]
    if len(labels) == 1:
        names = (*table.floats, str(labels[0]))
        scored = any(sounds_like_metric(name) or is_part(name) for name in names)
        if not (scored or trusted or _tested(table)):
            return []
        whole = len(table.floats) > 1 and all(type(label) is str for label in labels)
        return [
            (
                (name, 0),
                (str(labels[0]), name) if whole and sounds_like_metric(labels[0]) else (name,),
                number,
            )
            for name in table.floats
            if type(number := table.columns[name][0]) is float and not _sets(name)
        ]
    told_by_row = all(type(label) is str for label in labels) and any(map(sounds_like_metric, labels))
    tested = _tested(table)
    if tested:
        told_by_row = False
    # Beside a column of scores one of a single letter holds what was tried: `C`.
    named = any(map(sounds_like_metric, table.floats))
    scores = [
        name
        for name in table.floats
        if name != "support"
        and not sounds_like_holder(name)
        and not _sets(name)
        and (
            sounds_like_metric(name)
            or is_part(name)
            or told_by_row
            or (tested and set(words(name)) <= _STATISTICS)
            or (trusted and not sounds_like_size(name) and not (len(name) == 1 and named))
        )
    ]
    if scores and all(type(label) is int for label in labels):
        labels = _row_labels(table, scores, labels)
    return [
        ((name, position), (str(label)[:40], name), float(number))
        for name in scores
        for position, (label, number) in enumerate(zip(labels, table.columns[name], strict=True))
        if number is not None and number == number  # noqa: PLR0124 — an empty cell of a table is NaN
    ]


def _sets(name: str) -> bool:
    """Whether a column holds a setting that was tried, which names the rows: ``threshold``."""
    return is_setting(name) and not sounds_like_metric(name)


def _row_labels(table: _Table, scores: list[str], labels: list[int]) -> list[Any]:
    """What tells the rows of a table without an index of its own apart: texts, settings, numbers."""
    made = [""] * len(labels)
    for texts in (True, False):
        for name, told in table.columns.items():
            if name in scores or len(set(made)) == len(made):
                continue
            if texts and all(type(item) is dict for item in told):
                parts = ["_".join(f"{key}={part}" for key, part in item.items()) for item in told]
            elif texts and all(type(item) is str for item in told):
                parts = told
            elif not texts and all(type(item) in (int, float, str) for item in told):
                parts = [f"{name}_{item}" for item in told]
            else:
                continue
            made = [f"{before}_{part}".strip("_")[:40] for before, part in zip(made, parts, strict=True)]
    return made if len(set(made)) == len(made) else labels
