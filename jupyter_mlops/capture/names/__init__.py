"""Which names a cell uses, from its syntax alone, and what live functions reach from there.

`cell_names` walks the tree once, statement by statement, keeping the set of names that are *surely*
bound so far: a name counts as read when it may have been used before that. What stands inside a
function is read when the function's name is first used, or at the end of the cell if it never is;
a class body and a lambda are read where they stand. Names a library looks up for itself (``@limit``
in a pandas query, ``{path}`` in a shell line, ``log`` in a formula) count as reads too.

Reads hold whatever name is used, builtins as well, because a notebook can rebind those: intersect
with the namespace to know which are the notebook's.

`live_reads` follows the functions and classes of a living namespace without ever running their code.
"""

from __future__ import annotations

import ast

from .cell import CellNames, Import, Literal
from .literals import literals_of
from .live import code_names, live_reads, live_stores, live_use
from .statements import Statements

__all__ = [
    "CellNames",
    "Import",
    "Literal",
    "cell_names",
    "code_names",
    "live_reads",
    "live_stores",
    "live_use",
]


def cell_names(code: str, tree: ast.Module | None = None) -> CellNames:
    """The names of `code` (plain Python, magics already transformed); pass `tree` if it is parsed.

    Never raises: what does not parse gives ``syntax_error``, what is nested too deeply ``dynamic``.
    """
    if tree is None:
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError):
            return CellNames(syntax_error=True)
        except (RecursionError, MemoryError):
            return CellNames(dynamic=True)
    walker = Statements()
    try:
        walker.body(tree.body)
    except RecursionError:
        return CellNames(dynamic=True)
    return walker.result(literals_of(tree.body))
