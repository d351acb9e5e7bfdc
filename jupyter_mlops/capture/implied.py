"""Settings that no call states: defaults of the notebook's own functions, and what its loops try.

``def build(max_depth=5): return Forest(max_depth=max_depth)`` and ``for lr in (0.1, 0.01): train(lr)``.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any

import msgspec

from .settings import is_argument, is_scalar
from .syntax import Function, last_name
from .vocabulary import FITTING_CALLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TRIED = 50
#: Sizes and names of data that functions make, no settings.
_SIZES = frozenset({"n", "N", "size", "n_samples", "m", "count"})
#: Calls that draw evenly between 0 and 1.
_DRAWS = frozenset({"rand", "random", "random_sample", "uniform"})
_BUILT_IN = frozenset(dir(builtins))
_SCALING = (ast.Mult, ast.Div, ast.Pow)


class Implied(msgspec.Struct, frozen=True):
    """What the text of one cell implies.

    `defaults` are, by function or class it defines, the parameters in order and those with a default
    that is a setting; `calls` the plain names it calls, each with how many arguments by position and
    which by keyword; `tried` what its loops run over, as (name, values); `shares` fractions of the rows
    that a split takes, under the name of what it gives.
    """

    defaults: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {}
    calls: tuple[tuple[str, int, frozenset[str]], ...] = ()
    tried: tuple[tuple[str, list[Any]], ...] = ()
    shares: tuple[tuple[str, float], ...] = ()


def read_implied(tree: ast.Module) -> Implied:
    """Read what a cell's text implies."""
    defaults = {}
    for statement in tree.body:
        made = _maker(statement)
        if made is not None:
            name, function, bound = made
            parameters = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
            defaults[name] = (tuple(parameters[bound:]), dict(_defaults(function)))
    calls = []
    tried: dict[str, list[Any]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if not any(isinstance(argument, ast.Starred) for argument in node.args) and all(
                keyword.arg for keyword in node.keywords
            ):
                given = frozenset(keyword.arg for keyword in node.keywords if keyword.arg)
                calls.append((node.func.id, len(node.args), given))
        elif isinstance(node, ast.For):
            for name, values in _tried(node):
                tried.setdefault(name, values)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            for generator in node.generators:
                for name, values in _tried(generator, node):
                    tried.setdefault(name, values)
    return Implied(defaults, tuple(calls), tuple(tried.items()), tuple(_shares(tree)))


def implied_settings(cells: Iterable[tuple[int, Implied]]) -> list[tuple[int, str, str, Any]]:
    """(order, function, name, value) of what `cells`, latest first, imply together.

    A default counts where its function was called without another value.
    """
    known = list(cells)
    makers: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {}
    for _, implied in known:
        for name, maker in implied.defaults.items():
            makers.setdefault(name, maker)
    found: list[tuple[int, str, str, Any]] = []
    for order, implied in known:
        found += [(order, "loop", name, values) for name, values in implied.tried]
        found += [(order, "split", f"{name}_fraction", share) for name, share in implied.shares]
        for name, positional, keywords in implied.calls:
            parameters, defaults = makers.get(name, ((), {}))
            given = {*parameters[:positional], *keywords}
            found += [(order, name, key, value) for key, value in defaults.items() if key not in given]
    return found


def _shares(tree: ast.Module) -> Iterator[tuple[str, float]]:
    """Fractions of rows: ``cut = int(0.8 * len(X))``, ``mask = np.random.rand(len(X)) < 0.8``."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        value = node.value
        share = _share(value)
        if (
            isinstance(value, ast.Compare)
            and len(value.ops) == 1
            and isinstance(value.ops[0], (ast.Lt, ast.LtE))
        ):
            drawn = value.left.func if isinstance(value.left, ast.Call) else None
            share = _fraction(value.comparators[0]) if drawn and last_name(drawn) in _DRAWS else None
        if share is not None:
            yield node.targets[0].id, share


def _share(node: ast.expr) -> float | None:
    """The fraction in ``int(len(X) * 0.8)``."""
    if isinstance(node, ast.Call) and last_name(node.func) in ("int", "round", "floor", "ceil") and node.args:
        return _share(node.args[0])
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)):
        return None
    for share, whole in ((node.left, node.right), (node.right, node.left)):
        if (found := _fraction(share)) is not None and _measures(whole):
            return found
    return None


def _fraction(node: ast.expr) -> float | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if type(value) is float and 0 < value < 1 else None


def _measures(node: ast.expr) -> bool:
    """``len(X)``, ``X.shape[0]``, ``n``."""
    if isinstance(node, ast.Call):
        return last_name(node.func) == "len"
    if isinstance(node, ast.Subscript):
        return last_name(node.value) == "shape"
    return isinstance(node, ast.Name) and node.id in _SIZES


def _maker(node: ast.stmt) -> tuple[str, Function, int] | None:
    """What a statement defines: its name, what takes its arguments, how many of these are bound."""
    if isinstance(node, Function):
        return node.name, node, 0
    if isinstance(node, ast.ClassDef):
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                return node.name, part, 1
    return None


def _defaults(function: Function) -> Iterator[tuple[str, Any]]:
    arguments = [*function.args.posonlyargs, *function.args.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = list(
        zip(arguments[len(arguments) - len(function.args.defaults) :], function.args.defaults, strict=True)
    )
    pairs += zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    for argument, default in pairs:
        if default is None or argument.arg in _SIZES:
            continue
        value = _literal(default)
        if is_argument(argument.arg, value) and _sets(argument.arg, function.body):
            yield argument.arg, value


def _tried(
    node: ast.For | ast.comprehension, whole: ast.AST | None = None
) -> Iterator[tuple[str, list[Any]]]:
    """What a loop over literal settings tries, if they set something in it."""
    if not isinstance(node.target, ast.Name):
        return
    values = _values(node.iter)
    inside: list[ast.AST] = list(node.body) if isinstance(node, ast.For) else [whole] if whole else []
    name = node.target.id
    if len(values) > 1 and all(is_argument(name, value) for value in values) and _sets(name, inside, False):
        yield name, values


def _values(node: ast.expr) -> list[Any]:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("tqdm", "trange", "reversed", "sorted")
        and node.args
    ):
        return _values(node.args[0])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        limits = [_literal(argument) for argument in node.args]
        if limits and not node.keywords and all(type(limit) is int for limit in limits) and len(limits) <= 3:
            if len(limits) == 3 and not limits[2]:
                return []
            values = range(*limits)
            return list(values) if len(values) <= _TRIED else []
        return []
    value = _literal(node)
    if type(value) in (list, tuple) and len(value) <= _TRIED and all(is_scalar(item) for item in value):
        return list(value)
    return []


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _sets(name: str, body: Iterable[ast.AST], reckons: bool = True) -> bool:
    """Whether a name sets something up: it is given to a class or a fit, or (`reckons`) used in a step."""
    return any(
        _is_given(node, name, whole=not reckons) or (reckons and _is_used(node, name))
        for statement in body
        for node in ast.walk(statement)
    )


def _is_given(node: ast.AST, name: str, *, whole: bool) -> bool:
    """Whether a call is given a name as a setting; of a function's own (`whole`) any argument is one."""
    if not isinstance(node, ast.Call):
        return False
    last = last_name(node.func)
    given = [keyword.value for keyword in node.keywords if keyword.arg == name]
    if last[:1].isupper() or last in FITTING_CALLS:
        given += [*node.args, *(keyword.value for keyword in node.keywords)]
    elif whole and isinstance(node.func, ast.Name) and last not in _BUILT_IN:
        given += node.args
    return any(_is(part, name) for part in given)


def _is_used(node: ast.AST, name: str) -> bool:
    """``self.lr = lr``, ``w -= lr * gradient``, ``for epoch in range(epochs)``."""
    if isinstance(node, ast.Assign):
        kept, value = node.targets[0], node.value
        pairs = [(kept, value)]
        if isinstance(kept, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(kept.elts, value.elts, strict=False))
        return any(isinstance(part, ast.Attribute) and _is(item, name) for part, item in pairs)
    if isinstance(node, ast.AugAssign):
        return _scales(node.value, name)
    if isinstance(node, ast.Return):
        return node.value is not None and _scales(node.value, name)
    if isinstance(node, ast.Slice):  # the best `k` of what was sorted
        return any(bound is not None and _is(bound, name) for bound in (node.lower, node.upper))
    return isinstance(node, ast.For) and _counts(node.iter, name)


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _scales(node: ast.expr, name: str) -> bool:
    return any(
        isinstance(part, ast.BinOp)
        and isinstance(part.op, _SCALING)
        and (_is(part.left, name) or _is(part.right, name))
        for part in ast.walk(node)
    )


def _counts(node: ast.expr, name: str) -> bool:
    """``for epoch in range(epochs)``."""
    return isinstance(node, ast.Call) and any(_is(argument, name) for argument in node.args)
