"""What a loop in the syntax tree binds, appends and reads: which of its names are worth watching."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .sites import FILLED
from .syntax import Loop, dotted, own_nodes
from .vocabulary import FITTING_CALLS, PREDICTING_CALLS, sounds_like_metric, sounds_like_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def bound_in(node: Loop) -> dict[str, bool]:
    """Names the loop's own body binds, each with whether a plain assignment does so."""
    bound: dict[str, bool] = {}
    for found in own_nodes(node, inner_loops=False):
        if isinstance(found, ast.Assign):
            if isinstance(found.value, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.JoinedStr)):
                continue
            for target in found.targets:
                for name in target_names(target):
                    bound[name] = bound.get(name, False) or not _adds_to(name, found.value)
        elif isinstance(found, (ast.AnnAssign, ast.NamedExpr)) and isinstance(found.target, ast.Name):
            if found.value is not None:
                bound[found.target.id] = True
        elif isinstance(found, ast.AugAssign) and isinstance(found.target, ast.Name):
            bound.setdefault(found.target.id, False)
    return bound


def _adds_to(name: str, value: ast.expr) -> bool:
    """Whether ``name = name + …``, the long form of ``+=``."""
    return (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Add)
        and isinstance(value.left, ast.Name)
        and value.left.id == name
    )


def target_names(target: ast.expr) -> list[str]:
    """The names a target binds."""
    return [
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    ]


def counters(node: Loop) -> list[str]:
    """The names a ``for`` counts with."""
    return target_names(node.target) if isinstance(node, ast.For) else []


def appended(node: Loop) -> Iterator[tuple[str, str, str]]:
    """``history["loss"].append(loss)`` gives ``("history", "loss", "loss")``; attributes too."""
    counting = set(counters(node))
    trained_on = _trained_on(node)
    for found in own_nodes(node, inner_loops=False):
        target = found.targets[0] if isinstance(found, ast.Assign) else None
        if isinstance(target, ast.Subscript) and dotted(target.value):
            # hist[epoch] = loss
            if isinstance(target.slice, ast.Name) and target.slice.id in counting:
                kept = found.value if isinstance(found, ast.Assign) else None
                if kept is not None and _predicts(kept):
                    continue  # `oof[rows] = model.predict(…)`: predictions, no curve
                yield dotted(target.value), FILLED, kept.id if isinstance(kept, ast.Name) else ""
            continue
        if not (
            isinstance(found, ast.Call)
            and isinstance(found.func, ast.Attribute)
            and found.func.attr == "append"
            and len(found.args) == 1
            and not isinstance(found.args[0], (ast.Tuple, ast.List, ast.Dict, ast.Starred))
        ):
            continue
        value = found.args[0].id if isinstance(found.args[0], ast.Name) else ""
        owner = found.func.value
        if isinstance(owner, ast.Name) and owner.id in trained_on:
            continue
        if dotted(owner):
            yield dotted(owner), "", value
        elif (
            isinstance(owner, ast.Subscript)
            and dotted(owner.value)
            and isinstance(owner.slice, ast.Constant)
            and isinstance(owner.slice.value, str)
        ):
            yield dotted(owner.value), owner.slice.value, value


def _trained_on(node: Loop) -> set[str]:
    """Lists a loop makes models of: ``ARIMA(history).fit()`` grows its data, not its results."""
    return {
        argument.id
        for found in own_nodes(node, inner_loops=True)
        if isinstance(found, ast.Call)
        and (dotted(found.func).rpartition(".")[2][:1].isupper() or _fits(found.func))
        for argument in found.args[:2]
        if isinstance(argument, ast.Name)
    }


def _predicts(value: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in PREDICTING_CALLS
        for node in ast.walk(value)
    )


def _fits(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr in FITTING_CALLS


def printed_names(node: Loop) -> set[str]:
    """The names printed anywhere in a loop."""
    return {
        name.id
        for found in own_nodes(node, inner_loops=True)
        if isinstance(found, ast.Call) and dotted(found.func) == "print"
        for name in ast.walk(found)
        if isinstance(name, ast.Name)
    }


def is_read_in(node: Loop, name: str) -> bool:
    """Whether a loop's own body reads `name`."""
    return any(
        isinstance(found, ast.Name) and found.id == name and isinstance(found.ctx, ast.Load)
        for found in own_nodes(node, inner_loops=True)
    )


def makes_calls(node: Loop) -> bool:
    """Whether a loop calls anything."""
    return any(isinstance(found, ast.Call) for found in own_nodes(node, inner_loops=True))


def breaks_out(statements: list[ast.stmt]) -> bool:
    """Whether statements leave or continue the loop they stand in."""
    return any(
        isinstance(found, (ast.Break, ast.Continue))
        for statement in statements
        for found in own_nodes(statement, inner_loops=False)
    )


def watched(
    node: Loop, around: Sequence[Loop], *, inside: bool
) -> tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """The names and lists of a loop that may become curves; `around` are the loops it stands in.

    `inside` tells whether that is in a function.
    """
    bound = bound_in(node)
    printed = printed_names(node)
    # A name reset by the body of a loop further out belongs to that one: its value there is
    # the epoch's, in here only a running sum.
    outer = {name for loop in around for name, plain in bound_in(loop).items() if plain}
    counting = {name for loop in (*around, node) for name in counters(loop)}
    lists = tuple(appended(node))
    loud = printed | {name for _, _, name in lists}
    names = tuple(
        name
        for name in bound
        if name not in outer
        and name not in counting
        and not sounds_like_size(name)
        # A running sum over batches is no result; what is made of it in the end is.
        and (bound[name] or name in printed or not inside)
        and (name in loud or sounds_like_metric(name) or not is_read_in(node, name))
    )
    return names, lists
