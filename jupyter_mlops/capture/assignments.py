"""What a cell's own text says of the names it binds: where, from what, and whether they are used up."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops.records import Span

from .syntax import expression_of, last_name, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Assignment(msgspec.Struct):
    """The last top-level assignment to a name."""

    target: ast.Name
    value: ast.expr
    in_loop: bool
    consumed: bool = False


def span_of(node: ast.expr) -> Span:
    """Where `node` stands, as `ast` counts."""
    return Span(
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno or node.lineno,
        end_column=node.end_col_offset or node.col_offset,
    )


def assignments_of(tree: ast.Module) -> dict[str, Assignment]:
    """The last assignment to each name at the cell's top level, inside its loops and branches too."""
    found: dict[str, Assignment] = {}

    def walk(statements: Iterable[ast.stmt], in_loop: bool) -> None:
        for statement in statements:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for node in ast.walk(statement):
                    _consume(node, found)
                continue
            for node in _expressions(statement):
                _consume(node, found)
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    _bind(target, statement.value, in_loop, found)
            elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)) and statement.value is not None:
                _bind(statement.target, statement.value, in_loop, found)
            for field in ("body", "orelse", "finalbody"):
                walk(getattr(statement, field, ()), in_loop or isinstance(statement, (ast.For, ast.While)))
            for handler in getattr(statement, "handlers", ()):
                walk(handler.body, in_loop)

    walk(tree.body, False)
    return found


def _expressions(statement: ast.stmt) -> Iterable[ast.AST]:
    """Nodes of the statement's own expressions; calls that only show something consume nothing."""
    stack: list[ast.AST] = [
        node
        for node in ast.iter_child_nodes(statement)
        if not isinstance(node, (ast.stmt, ast.ExceptHandler))
    ]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name):
        return
    while stack:
        node = stack.pop()
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "display")
        ):
            stack.extend(_reckoned(node))
            continue
        yield node
        stack.extend(ast.iter_child_nodes(node))


def _reckoned(call: ast.Call) -> Iterable[ast.AST]:
    """The sums inside a print call that reckon with several names: ``print(1 - ss_res / ss_tot)``."""
    for node in ast.walk(call):
        if isinstance(node, ast.BinOp) and not isinstance(node.left, (ast.Constant, ast.JoinedStr)):
            names = {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}
            if len(names) > 1 and not any(
                isinstance(found, (ast.Call, ast.JoinedStr)) for found in ast.walk(node)
            ):
                yield node


def _consume(node: ast.AST, found: dict[str, Assignment]) -> None:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in found:
        found[node.id].consumed = True


def _bind(target: ast.expr, value: ast.expr, in_loop: bool, found: dict[str, Assignment]) -> None:
    if isinstance(target, ast.Name):
        found[target.id] = Assignment(target=target, value=value, in_loop=in_loop)
    elif isinstance(target, (ast.Tuple, ast.List)):
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value] * len(target.elts)
        for element, part in zip(target.elts, values, strict=False):
            _bind(element, part, in_loop, found)


def is_constant(node: ast.expr) -> bool:
    """Whether nothing was computed: no name is read and nothing is called."""
    return not any(isinstance(part, (ast.Name, ast.Call, ast.Attribute)) for part in ast.walk(node))


def measures_time(node: ast.expr) -> bool:
    """Whether an expression reads a clock, a length or a size in memory."""
    return any(
        isinstance(part, (ast.Attribute, ast.Name))
        and (part.attr if isinstance(part, ast.Attribute) else part.id)
        in ("len", "item_size", "nbytes", *_CLOCKS)
        for part in ast.walk(node)
    )


_CLOCKS = ("time", "perf_counter", "monotonic", "process_time", "now", "timer", "default_timer")

_SPAN_OF_TIME = re.compile(
    r"\b(?:end|stop|toc|t1|t2)(?:_?time)?\s*-\s*(?:start|begin|tic|t0|t1)(?:_?time)?\b"
)


def reads_clock(expression: str) -> bool:
    """Whether the text of an expression calls a clock, or takes one time from another: ``end - start``."""
    return (
        any(f"{clock}()" in expression for clock in _CLOCKS) or _SPAN_OF_TIME.search(expression) is not None
    )


def stored_keys(tree: ast.Module) -> dict[str, tuple[ast.Name, set[str | int] | None]]:
    """Names of which the cell sets items, ``results["svm"] = …``, with the keys; None: any keys."""
    found: dict[str, tuple[ast.Name, set[str | int] | None]] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)):
            continue
        if not isinstance(node.value, ast.Name):
            continue
        name = node.value.id
        _, keys = found.get(name, (node.value, set()))
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        keys = {*keys, key} if keys is not None and isinstance(key, (str, int)) else None
        found[name] = (node.value, keys)
    return found


def has_grown(node: ast.expr, value: object, depth: int = 2) -> bool:
    """Whether a container that began as the literal `node` was filled since."""
    if isinstance(node, ast.Dict) and type(value) is dict:
        if len(value) != len(node.keys):
            return True
        parts = zip(node.values, value.values(), strict=True)
        return depth > 0 and any(has_grown(part, item, depth - 1) for part, item in parts)
    return isinstance(node, ast.List) and type(value) is list and len(value) != len(node.elts)


#: What looks at data and says nothing of a model.
_EXPLORING = frozenset(
    """
    describe corr corrwith cov value_counts isna isnull nunique sample info dtypes memory_usage skew kurt
    kurtosis quantile duplicated crosstab mode unique feature_importances_ get_params
    """.split()
)
_LOOKING = frozenset(
    {"head", "tail", "groupby", "iloc", "loc", "mean", "median", "std", "var", "min", "max", "sum", "agg"}
)


def explored(expression: str) -> tuple[str, bool]:
    """(root, surely): the name an expression is a chain of methods and items of, ``""`` if it is none.

    `surely` is True where a method only ever describes data: ``df.corr()["y"]``. Scaling and rounding
    change nothing: ``df.memory_usage().sum() / 1e6``.
    """
    node = expression_of(expression)
    return ("", False) if node is None else _explored(node)


def _explored(node: ast.expr) -> tuple[str, bool]:
    while True:
        if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
            node = node.left
        elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
            node = node.right
        elif isinstance(node, ast.UnaryOp):
            node = node.operand
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("round", "float", "int", "abs")
            and node.args
        ):
            node = node.args[0]
        else:
            break
    methods: set[str] = set()
    if isinstance(node, ast.Call) and root_of(node.func) in ("np", "numpy") and len(node.args) == 1:
        methods.add(last_name(node.func))  # `np.mean(df["age"])`
        node = node.args[0]
    while True:
        if isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.Constant):
            # `(y == 1).mean()`: what share of the data is so.
            root = root_of(node.left)
            return (root, bool(root)) if methods & _LOOKING else ("", False)
        if isinstance(node, ast.Attribute):
            methods.add(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript):
            methods.add("loc")
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            break
    if not isinstance(node, ast.Name) or not methods:
        return "", False
    return (node.id if methods & (_LOOKING | _EXPLORING) else ""), bool(methods & _EXPLORING)
