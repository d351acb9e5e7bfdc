"""Which files the kept cells read and write, and how their code reaches them."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from jupyter_mlops.records import Execution, FileUse

    from .plan import Cell, Hoisted


def used_files(
    cells: Sequence[Cell],
    inputs_of: Callable[[Execution], Sequence[FileUse]],
    is_foreign: Callable[[str], bool],
) -> tuple[set[str], dict[str, FileUse]]:
    """Paths the cells write, and the files they read before they write them, if they ever do.

    Args:
        cells: The cells, oldest first.
        inputs_of: The data files that an execution read.
        is_foreign: Whether a file is none of the user's.
    """
    written: set[str] = set()
    inputs: dict[str, FileUse] = {}
    for cell in cells:
        read = {use.path: use for use in inputs_of(cell.execution)}
        made = made_first(cell)
        inputs.update({path: use for path, use in read.items() if path not in written | made | inputs.keys()})
        for use in cell.execution.files:
            writes = use.path in made or not use.mode.startswith("r")
            if writes and not is_foreign(use.path):
                written.add(use.path)
    return written, inputs


def made_first(cell: Cell) -> set[str]:
    """The files that a cell reads only after it has written them anew, as far as its code tells."""
    both = {use.path for use in cell.execution.files if use.mode == "rw"}
    first: dict[str, tuple[int, bool]] = {}
    for node in ast.walk(cell.source.tree) if both else ():
        parent = cell.source.parents.get(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and isinstance(parent, ast.Call):
            called = parent.func.attr if isinstance(parent.func, ast.Attribute) else ast.unparse(parent.func)
            texts = [part.value for part in parent.args[1:] if isinstance(part, ast.Constant)]
            writes = called.startswith(("to_", "save", "dump", "write")) or (
                called == "open" and any(str(text).startswith("w") for text in texts)
            )
            place = (node.lineno, writes)
            first[node.value] = min(first.get(node.value, place), place)
    made = {Path(text).name for text, (_, writes) in first.items() if writes}
    return {path for path in both if Path(path).name in made}


def loose_files(
    base: Path, hoisted: Hoisted, inputs: Collection[str], written: Collection[str]
) -> tuple[list[str], list[str]]:
    """Files and folders reached by relative paths that could not be hoisted, relative to `base`."""
    known = {os.path.normpath(base / str(item.value)) for item in hoisted.fields() if item.kind == "input"}
    known |= {
        os.path.normpath(base / str(constant.value))
        for _, constant, item in hoisted.paths
        if item.kind == "output"
    }
    linked, folders = [], []
    for path in [*inputs, *written]:
        if path in known or not Path(path).is_relative_to(base):
            continue
        name = Path(path).relative_to(base).as_posix()
        if path in inputs:
            linked.append(name)
        else:
            folders.append(Path(name).parent.as_posix())
    return sorted(set(linked)), sorted(set(folders))
