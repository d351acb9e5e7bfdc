"""Functions of the notebook that change nothing, and names whose object nobody else holds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .references import last_name, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

#: Methods that change what they are called on, and nothing else.
CHANGING = frozenset(
    """
    append extend insert remove pop clear add discard update setdefault sort reverse popitem
    fit partial_fit fit_transform fit_predict set_params
    """.split()
)
#: Methods and functions that give an object of its own.
_FRESH = frozenset(
    """
    copy deepcopy clone DataFrame Series array zeros ones empty full arange linspace zeros_like ones_like
    read_csv read_excel read_parquet read_json list dict set sorted defaultdict Counter deque
    """.split()
)
#: Functions that give several objects, each its own.
_GIVING_PARTS = frozenset({"train_test_split"})
_Loop = ast.For | ast.AsyncFor | ast.While
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_harmless(function: ast.FunctionDef, plain: Callable[[ast.AST], bool]) -> bool:
    """Whether calling a function does nothing but give a value, print and draw.

    Args:
        function: A function of the notebook.
        plain: Whether evaluating an expression changes nothing.
    """
    if function.decorator_list or any(
        isinstance(node, ast.Yield | ast.YieldFrom | ast.Await | ast.Global | ast.Nonlocal)
        for node in ast.walk(function)
    ):
        return False
    own = fresh_names(function.body)
    own -= {name.arg for name in ast.walk(function.args) if isinstance(name, ast.arg)}
    return all(_harmless(statement, own, plain) for statement in function.body)


def _harmless(node: ast.stmt, own: set[str], plain: Callable[[ast.AST], bool]) -> bool:
    def block(statements: Iterable[ast.stmt]) -> bool:
        return all(_harmless(statement, own, plain) for statement in statements)

    if isinstance(node, ast.Pass | ast.Continue | ast.Break | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Assert | ast.Raise):
        return all(plain(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))
    if isinstance(node, ast.Return):
        return node.value is None or plain(node.value)
    if isinstance(node, ast.Expr):
        changed = changed_name(node)
        if changed:
            call = node.value
            assert isinstance(call, ast.Call)  # noqa: S101 - nothing else changes a name here
            return changed in own and all(map(plain, _given(call)))
        return plain(node.value)
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None and not plain(node.value):
            return False
        touched = {
            root_of(part)
            for target in targets
            for part in ast.walk(target)
            if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load)
        }
        if isinstance(node, ast.AugAssign):
            touched.add(root_of(node.target))
        return touched <= own
    if isinstance(node, ast.If | ast.While):
        return plain(node.test) and block(node.body) and block(node.orelse)
    if isinstance(node, ast.For):
        return plain(node.iter) and block(node.body) and block(node.orelse)
    if isinstance(node, ast.With):
        return all(plain(item.context_expr) for item in node.items) and block(node.body)
    if isinstance(node, ast.Try):
        handlers = all(block(handler.body) for handler in node.handlers)
        return handlers and block(node.body) and block(node.orelse) and block(node.finalbody)
    return False


def _given(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)


def changed_name(node: ast.stmt) -> str:
    """The one name whose object a statement changes and does nothing else, ``""`` for other statements.

    ``model.fit(X, y)``, ``found = model.fit_predict(X)``, ``frame["a"] = b``, ``frame.pop("a")``; what it
    reads may still do more.
    """
    alone = isinstance(node, ast.Expr) or (
        isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    )
    call = node.value if alone else None  # type: ignore[attr-defined]
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
    ):
        in_place = any(
            keyword.arg == "inplace" and isinstance(keyword.value, ast.Constant) and keyword.value.value
            for keyword in call.keywords
        )
        if in_place or call.func.attr in CHANGING:
            return call.func.value.id
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Subscript | ast.Attribute):
            inner = target.value
            if isinstance(inner, ast.Attribute) and inner.attr in ("loc", "iloc", "at", "iat"):
                inner = inner.value
            return inner.id if isinstance(inner, ast.Name) else ""
    return ""


def fresh_names(statements: Sequence[ast.stmt]) -> set[str]:
    """Names that everywhere in `statements` are bound to objects that nothing else can hold yet."""
    found: set[str] = set()
    others: set[str] = set()
    for statement in statements:
        for node in ast.walk(statement):
            pairs = _pairs(node)
            if pairs:
                for name, value in pairs:
                    (found if is_fresh(value) else others).add(name)
                continue
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                continue
            targets: list[ast.AST] = []
            if isinstance(node, ast.Assign):
                targets = [*node.targets]
            elif isinstance(node, ast.AnnAssign | _Loop):
                targets = [node.target] if not isinstance(node, ast.While) else []
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                targets = [node.optional_vars]
            elif isinstance(node, ast.NamedExpr):
                targets = [node.target]
            elif isinstance(node, _Function | ast.ClassDef):
                others.add(node.name)
            others.update(
                part.id
                for target in targets
                for part in ast.walk(target)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            )
    return found - others


def _pairs(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """The names and values of ``a = x`` and ``a, b = x, y``."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return []
    target, value = node.targets[0], node.value
    names = [part.id for part in getattr(target, "elts", ()) if isinstance(part, ast.Name)]
    if names and isinstance(value, ast.Call) and last_name(value.func) in _GIVING_PARTS:
        return [(name, value) for name in names] if len(names) == len(target.elts) else []  # type: ignore[attr-defined]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return list(zip(names, value.elts, strict=True)) if len(names) == len(target.elts) else []
    return [(target.id, value)] if isinstance(target, ast.Name) else []


def is_fresh(value: ast.expr) -> bool:
    """Whether an expression gives an object that nothing else holds."""
    made = ast.Constant | ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    if isinstance(value, made):
        return True
    if not isinstance(value, ast.Call):
        return False
    function = value.func
    name = last_name(function)
    if name in ("fit", "set_params") and isinstance(function, ast.Attribute):
        return is_fresh(function.value)
    return name in _FRESH | _GIVING_PARTS or name.startswith("make_") or name[:1].isupper()


#: Methods that give something new, which holds nothing of what they are called on.
_GIVING_NEW = frozenset(
    """
    copy drop dropna fillna astype sum mean median std var min max count nunique round corr cov
    value_counts isnull isna notna describe sort_values sort_index reset_index set_index rename
    predict predict_proba decision_function score transform mode quantile tolist item split strip
    lower upper replace join format index any all idxmax idxmin argmax argmin sample merge add
    fit_transform fit_predict inverse_transform get_feature_names_out kneighbors
    """.split()
)


def escaping_names(statements: Iterable[ast.stmt], keeps_nothing: Callable[[ast.Call], bool]) -> set[str]:
    """Names whose object something else may hold after `statements`.

    What is computed from an object holds nothing of it; a part or a view of it does, where it is bound,
    kept in another object or given to a call of which it is not known that it keeps nothing.
    """
    found: set[str] = set()
    for statement in statements:
        parents = {child: parent for parent in ast.walk(statement) for child in ast.iter_child_nodes(parent)}
        found.update(
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and _lets_out(node, parents, keeps_nothing)
        )
    return found


#: Where a value is used up.
_ENDS = (
    ast.BinOp, ast.Compare, ast.UnaryOp, ast.FormattedValue, ast.Expr, ast.Slice, ast.If, ast.While,
    ast.Assert,
)  # fmt: skip


def _lets_out(
    node: ast.expr, parents: Mapping[ast.AST, ast.AST], keeps_nothing: Callable[[ast.Call], bool]
) -> bool:
    """Whether the object of a name, or a part of it, goes where something may hold it."""
    current: ast.AST = node
    while True:
        parent = parents.get(current)
        if isinstance(parent, ast.Attribute):
            if not isinstance(parent.ctx, ast.Load):
                return False
        elif isinstance(parent, ast.Subscript):
            if current is parent.slice or not isinstance(parent.ctx, ast.Load):
                return False
        elif isinstance(parent, ast.Call):
            if current is not parent.func:
                return not keeps_nothing(parent)
            name = current.attr if isinstance(current, ast.Attribute) else ""
            if not name:
                return False  # a function is called: it is no data
            if name in _GIVING_NEW:
                return False
        elif not isinstance(parent, ast.keyword | ast.Starred):
            return not isinstance(parent, _ENDS)
        current = parent
