"""Picking rows of a table by a condition a person typed, and running nothing of it.

``age > 60 and sex == 'female'``, ``city in ['Bergen', 'Oslo']``, ``20 <= mass < 30``, ``not late``; SQL's
spelling says the same: ``age > 60 AND sex = 'female'``, ``city IN ('Bergen', 'Oslo')``, ``sex <> 'male'``.
Odd column names go between back-ticks. Only comparisons, ``and``, ``or``, ``not``, names of columns, numbers,
words and lists of them are understood.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Mask = npt.NDArray[np.bool_]

_LONGEST = 2000
_HINT = "Write for example: age > 60 and sex == 'female'. Odd column names go between back-ticks."


def rows_where(table: pd.DataFrame, query: str) -> Mask:
    """Which rows of `table` meet `query`; an empty one picks them all. Missing values meet nothing.

    Raises:
        FilterError: The query does not parse or names a column the table does not have.
    """
    import numpy as np

    if not query.strip():
        return np.ones(len(table), dtype=bool)
    if len(query) > _LONGEST:
        raise FilterError("The condition is too long.", _HINT)
    try:
        code, names = _as_python(query.strip())
        return _Reader(table, names).mask(ast.parse(code, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FilterError(f"{query!r} is no condition on rows.", _HINT) from None


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
      | `(?P<column>[^`]*)`
      | (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
      | (?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
      | (?P<sign>!=|<>|<=|>=|==|=|<|>|[-+,()\[\]{}])
    )""",
    re.VERBOSE | re.DOTALL,
)
_SIGNS = {"=": "==", "<>": "!="}
_JOINING = ("and", "or", "not", "in")
_CONSTANTS = {"true": "True", "false": "False", "none": "None", "null": "None"}


def _as_python(query: str) -> tuple[str, dict[str, str]]:
    """A condition as a Python expression, and the columns that its names stand for.

    Raises:
        ValueError: It holds what no condition holds.
    """
    parts: list[str] = []
    columns: dict[str, str] = {}
    place, before = 0, ""
    while place < len(query):
        match = _TOKEN.match(query, place)
        if match is None:
            raise ValueError(query[place:])
        place, kind = match.end(), str(match.lastgroup)
        text = match[kind]
        folded = text.casefold()
        if kind == before == "text":
            raise ValueError(query)  # Python would join them
        if kind == "text":
            parts.append(repr(_unquoted(text)))
        elif kind == "word" and folded in _JOINING:
            parts.append(folded)
        elif kind == "word" and folded in _CONSTANTS:
            parts.append(_CONSTANTS[folded])
        elif kind in ("word", "column"):
            name = f"column_{len(columns)}"
            columns[name] = text
            parts.append(name)
        else:
            parts.append(_SIGNS.get(text, text))
        before = kind
    return " ".join(parts), columns


def _unquoted(text: str) -> str:
    """What a quoted text says; a quote inside may be doubled, as in SQL, or escaped, as in Python."""
    quote = text[0]
    inside = re.sub(
        rf"(\\.)|{quote}{quote}", lambda match: match[1] or f"\\{quote}", text[1:-1], flags=re.DOTALL
    )
    return str(ast.literal_eval(quote + inside.replace("\n", "\\n") + quote))


def quoted_name(name: object) -> str:
    """A column's name as a query can hold it."""
    text = str(name)
    return text if text.isidentifier() and text.casefold() not in _WORDS else f"`{text}`"


_WORDS = frozenset({*_JOINING, *_CONSTANTS})


class _Reader:
    def __init__(self, table: pd.DataFrame, names: Mapping[str, str]) -> None:
        self._table = table
        self._names = names
        self._columns = {str(column): column for column in table.columns}

    def mask(self, node: ast.expr) -> Mask:
        import numpy as np

        if isinstance(node, ast.BoolOp):
            masks = [self.mask(value) for value in node.values]
            together = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return np.asarray(together.reduce(masks), dtype=bool)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self.mask(node.operand)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            masks = [
                self._compared(left, operator, right)
                for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
            ]
            return np.asarray(np.logical_and.reduce(masks), dtype=bool)
        if isinstance(node, ast.Name):
            values = self._column(node.id)
            known = values.dropna()
            if known.map(type).eq(str).any():
                raise FilterError(f"{self._names[node.id]!r} says neither yes nor no.", _HINT)
            return np.asarray(values.fillna(False).astype(bool), dtype=bool)
        raise ValueError

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Mask:
        import numpy as np

        one, two = self._side(left), self._side(right)
        if isinstance(operator, (ast.In, ast.NotIn)):
            if not hasattr(one, "isin") or hasattr(two, "isin"):
                raise ValueError
            two = two if isinstance(two, list) else [two]  # ``IN ('a')`` is one value to Python
            found = np.asarray(one.isin(two) | one.astype(str).isin([str(item) for item in two]), dtype=bool)
            return ~found if isinstance(operator, ast.NotIn) else found
        if isinstance(one, list) or isinstance(two, list):
            raise ValueError
        try:
            found = _COMPARE[type(operator)](one, two)
        except KeyError:
            raise ValueError from None
        except TypeError:
            text = ast.unparse(ast.Compare(left, [operator], [right]))
            raise FilterError(f"{text!r} compares what has no order.", _HINT) from None
        if isinstance(operator, ast.NotEq):  # a missing value is not known to be another one
            for side in (one, two):
                if hasattr(side, "notna"):
                    found = found & side.notna()
        if isinstance(found, (bool, np.bool_)):
            return np.full(len(self._table), bool(found))
        return np.asarray(found.fillna(False), dtype=bool)

    def _side(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self._column(node.id)
        value = ast.literal_eval(node)
        if isinstance(value, (list, tuple, set)):
            return list(value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise ValueError

    def _column(self, name: str) -> Any:
        wanted = self._names[name]
        if wanted not in self._columns:
            listed = ", ".join(list(self._columns)[:12])
            raise FilterError(f"There is no column {wanted!r}.", f"There are: {listed}.")
        values = self._table[self._columns[wanted]]
        return values.astype(object) if str(values.dtype) == "category" else values


_COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
