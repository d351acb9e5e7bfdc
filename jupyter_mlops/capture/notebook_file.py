"""The notebook as its file has it: which cells it holds by now, in which order.

A kernel is sent code alone. Whether a cell was edited, moved or deleted since it ran stands only in
the file the front end saves.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

#: A larger file, one full of pictures, is not read while a cell waits.
_MOST_BYTES = 8_000_000


class SavedNotebook(msgspec.Struct, frozen=True):
    """The code cells of a saved notebook: their sources by id, in order; `saved` is a POSIX time."""

    sources: dict[str, str]
    saved: float


class NotebookFile:
    """A notebook's file, read anew only when it has changed. `path` may be empty."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._stamp: tuple[int, int] | None = None
        self._read: SavedNotebook | None = None

    def read(self) -> SavedNotebook | None:
        """What the file holds; None where there is none, or one too large or without ids."""
        if self._path is None:
            return None
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                self._stamp, self._read = stamp, None
                if found.st_size <= _MOST_BYTES:
                    self._read = _parse(self._path.read_bytes(), found.st_mtime)
        except (OSError, ValueError, RecursionError):  # away, half written, or no notebook
            return None
        return self._read


def _parse(data: bytes, saved: float) -> SavedNotebook | None:
    document: Any = json.loads(data)
    cells = document.get("cells") if type(document) is dict else None
    if type(cells) is not list:
        return None
    sources: dict[str, str] = {}
    for cell in cells:
        if type(cell) is not dict or cell.get("cell_type") != "code" or type(cell.get("id")) is not str:
            continue
        source = cell.get("source")
        sources[cell["id"]] = source if type(source) is str else "".join(map(str, source or ()))
    return SavedNotebook(sources, saved) if sources else None
