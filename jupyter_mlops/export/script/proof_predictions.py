"""Holds what a script's scores compare against what the notebook's own compared; NumPy and nothing else.

The tables that a run kept of its predictions lie in a folder as NumPy archives without pickles, and
``wanted.json`` says which functions compared each. Every call of such a function in the script is heard,
and the nearest of them counts: ``equal``, ``differ`` (the same rows, other predictions), ``rows`` (as many
rows, and others) or ``unheard``.
"""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path
from typing import Any

#: How far fractions may be apart, relative to the largest of their column, and be the same.
_RELATIVE = 1e-6
#: The seconds that comparing may take, and the calls that are looked at again at the end.
_SECONDS = 5.0
_MOST_CALLS = 50
_ORDER = {"equal": 0, "differ": 1, "rows": 2, "unheard": 3}


class Predictions:
    """What the notebook kept, and how near the script's calls come to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wanted = [tuple(pair) for pair in json.loads((folder / "wanted.json").read_text("utf-8"))]
        self.functions = {function for _, function in self.wanted}
        self.found: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.heard: list[tuple[str, list[Any]]] = []
        self.tables: dict[str, Any] = {}
        self.spent = 0.0

    def listen(self, function: Any, word: str) -> Any:
        """The function itself, whose arguments are looked at."""

        def heard(*given: Any, **named: Any) -> Any:
            value = function(*given, **named)
            self.hear(word, [*given, *named.values()])
            return value

        return heard

    def hear(self, word: str, given: list[Any]) -> None:
        """Look at the arguments of one call, now, and at the end if nothing was equal."""
        if not self._compare(word, given) and len(self.heard) < _MOST_CALLS:
            self.heard.append((word, given))

    def told(self) -> dict[str, dict[str, Any]]:
        """What came of each table, by its digest and function with a space between."""
        for word, given in self.heard:
            self._compare(word, given)  # what a cell changes in place is kept as it was at the cell's end
        return {" ".join(key): self.found.get(key, {"state": "unheard"}) for key in self.wanted}

    def _compare(self, word: str, given: list[Any]) -> bool:
        """Whether what a call was given is what a table of its function holds."""
        begun = time.monotonic()
        equal = False
        try:
            for key in self.wanted:
                known = self.found.get(key, {"state": "unheard"})
                if key[1] != word or known["state"] == "equal" or self.spent > _SECONDS:
                    continue
                found = _nearest(self._table(key[0]), [_array(value) for value in given])
                equal = equal or found["state"] == "equal"
                if _rank(found) < _rank(known):
                    self.found[key] = found
        except Exception:  # noqa: BLE001 - a value of a kind that cannot be compared is not compared
            return False
        finally:
            self.spent += time.monotonic() - begun
        return equal

    def _table(self, digest: str) -> list[tuple[str, Any, Any]]:
        """The columns of a table: name, values, and where one is missing (None: nowhere)."""
        import numpy as np

        if digest not in self.tables:
            with np.load(self.folder / f"{digest}.npz", allow_pickle=False) as file:
                self.tables[digest] = [
                    (name, file[str(place)], file[f"{place}?"] if f"{place}?" in file.files else None)
                    for place, name in enumerate(file["columns"].tolist())
                ]
        return self.tables[digest]  # type: ignore[no-any-return]


def listened(tree: ast.Module, functions: set[str], listener: str) -> None:
    """Let every call of these functions in a script go by ``listener(function, word)``.

    Functions that the script also uses without calling them may be called where nobody hears it: these are
    left alone.
    """
    known = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def word_of(node: ast.AST) -> str:
        word = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        word = known.get(word, word) if isinstance(node, ast.Name) else word
        return word if word in functions else ""

    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and word_of(node.func)]
    called = {id(call.func) for call in calls}
    elsewhere = {
        word_of(node)
        for node in ast.walk(tree)
        if id(node) not in called and isinstance(getattr(node, "ctx", None), ast.Load)
    }
    for call in calls:
        word = word_of(call.func)
        if word not in elsewhere:
            made = ast.parse(f"{listener}(0, {word!r})", mode="eval").body
            for part in ast.walk(made):
                ast.copy_location(part, call.func)
            made.args[0] = call.func  # type: ignore[attr-defined]
            call.func = made


def _rank(found: dict[str, Any]) -> tuple[int, int]:
    return _ORDER[found["state"]], found.get("differ", 0)


def _nearest(table: list[tuple[str, Any, Any]], given: list[Any]) -> dict[str, Any]:
    """How near one call's arguments come to what a table holds."""
    true, masked = table[0][1], table[0][2]
    rows = len(true)
    best: dict[str, Any] = {"state": "unheard"}
    sized = [value for value in given if value is not None and len(value) == rows]
    for place, value in enumerate(sized):
        if value.ndim != 1 or len(sized) < 2:
            continue
        if _apart(true, value, masked)[0]:
            best = min(best, {"state": "rows", "rows": rows}, key=_rank)
            continue
        for other in sized[:place] + sized[place + 1 :]:
            for columns in _parts(table[1:], other):
                pairs = [_apart(kept, found, gone) for kept, found, gone in columns]
                differ, by = max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)
                state = "differ" if differ else "equal"
                best = min(best, {"state": state, "rows": rows, "differ": differ, "by": by}, key=_rank)
    return best


def _parts(columns: list[tuple[str, Any, Any]], value: Any) -> list[list[tuple[Any, Any, Any]]]:
    """Which columns a value may be: each, or all predictions or scores at once."""
    if value.ndim == 1:
        return [[(kept, value, gone)] for _, kept, gone in columns]
    found = []
    for word in ("y_pred", "y_score"):
        group = [column for column in columns if column[0].startswith(word)]
        if len(group) == value.shape[1]:
            found.append([(kept, value[:, place], gone) for place, (_, kept, gone) in enumerate(group)])
    return found


def _apart(kept: Any, value: Any, gone: Any) -> tuple[int, float]:
    """In how many places two columns differ, and how far fractions are apart, in the size of the largest."""
    import numpy as np

    if gone is not None:
        kept, value = kept[~gone], value[~gone]
    if kept.dtype.kind not in "biufc" or value.dtype.kind not in "biufc":
        return sum(one != other for one, other in zip(kept.tolist(), value.tolist(), strict=True)), 1.0
    if kept.dtype.kind in "biu" and value.dtype.kind in "biu":
        return int((kept != value).sum()), 1.0
    same = (kept == value) | ((kept != kept) & (value != value))  # noqa: PLR0124 - NaN is not itself
    if same.all():
        return 0, 0.0
    whole = np.isfinite(kept) & np.isfinite(value)
    size = float(max(np.abs(kept[whole]).max(initial=0.0), np.abs(value[whole]).max(initial=0.0))) or 1.0
    with np.errstate(all="ignore"):
        gaps = np.where(same, 0.0, np.where(whole, np.abs(kept - value) / size, np.inf))
    return int((gaps > _RELATIVE).sum()), float(gaps.max())


def _array(value: Any) -> Any:
    """A value as an array of one or two dimensions; None for what is none."""
    import numpy as np

    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()
    elif not isinstance(value, list | tuple | np.ndarray):
        return None
    found = np.asarray(value)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    return found if found.ndim in (1, 2) and len(found) else None
