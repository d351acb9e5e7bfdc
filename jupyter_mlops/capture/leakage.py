"""What was learnt from all rows before they were split, read from the code a run stands on.

A small walk over the statements in the order they ran: what a transformer fitted on whole data gave
is marked, marks follow assignments, and a split of marked data is a leak. Names are followed, not
values, so cells that nothing observed are read as well. A mark that cannot be sure is not made.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import RunWarning, Severity

from .vocabulary import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: These learn nothing of other rows, or only which labels there are.
_HARMLESS = frozenset(
    """
    LabelEncoder LabelBinarizer MultiLabelBinarizer PolynomialFeatures Normalizer Binarizer
    FunctionTransformer HashingVectorizer FeatureHasher TSNE MDS
    """.split()
)
_STATISTICS = frozenset({"mean", "std", "min", "max", "median", "var", "quantile", "sum"})
_MODULES = frozenset({"np", "numpy", "pd", "pandas", "torch", "pl", "preprocessing"})
_SCALING = frozenset(
    {"scale", "minmax_scale", "maxabs_scale", "robust_scale", "quantile_transform", "power_transform"}
)
_SPLITS = frozenset({"train_test_split"})
_FOLDED = frozenset({"cross_val_score", "cross_validate", "cross_val_predict"})
_TRAIN, _TEST = frozenset({"train", "training", "tr"}), frozenset({"test", "testing", "val", "valid", "te"})

_Scope = (ast.FunctionDef, ast.AsyncFunctionDef)


class Learnt(msgspec.Struct, frozen=True):
    """What whole data went through: `how` a transformer's class or ``""`` for hand-made, and the `source`."""

    how: str
    source: str
    kind: str


class Workflow(msgspec.Struct):
    """What the code did: leaks, what was fitted on which names, and the tables that were split at random."""

    leaks: list[tuple[Learnt, str, str]] = msgspec.field(default_factory=list)
    fits: list[tuple[str, str, str]] = msgspec.field(default_factory=list)
    random_splits: list[tuple[str, tuple[str, ...]]] = msgspec.field(default_factory=list)
    resampled: bool = False


def read_workflow(trees: Iterable[ast.Module], namespace: Mapping[str, Any]) -> Workflow:
    """What cells that ran in this order did with their data."""
    workflow = Workflow()
    walk = _Walk(workflow, namespace)
    for tree in trees:
        walk.statements(tree.body)
    return workflow


def leak_warnings(workflow: Workflow) -> list[RunWarning]:
    """The leaks, each once."""
    found: dict[tuple[str, str], RunWarning] = {}
    for learnt, name, split in workflow.leaks:
        where = f"`{split}` split it" if split else "it was split"
        if learnt.kind == "resampled":
            message = (
                f"`{learnt.source}` was resampled ({learnt.how}) before {where}: "
                "copies of rows, or rows made of them, are on both sides."
            )
            hint = "Split first, then resample the training rows only."
        elif learnt.how:
            message = (
                f"{learnt.how} was fitted on all of `{learnt.source}` before {where}: it knows the test rows."
            )
            hint = f"Split first, or put {learnt.how} into a Pipeline: it must learn of training rows only."
        else:
            message = (
                f"`{learnt.source}` was {learnt.kind} with its own statistics before {where}: "
                "they contain the test rows."
            )
            hint = "Split first, and use the statistics of the training rows for both sides."
        found.setdefault(
            (learnt.how or learnt.kind, learnt.source),
            RunWarning(
                code="fitted_before_split",
                message=message,
                hint=hint,
                severity=Severity.ERROR if learnt.kind in ("resampled", "selected") else Severity.WARNING,
                names=(learnt.source, name),
            ),
        )
    return list(found.values())


class _Walk:
    """One scope: a notebook's top level, or a function's body."""

    def __init__(self, workflow: Workflow, namespace: Mapping[str, Any]) -> None:
        self.workflow = workflow
        self.namespace = namespace
        self.learnt: dict[str, Learnt] = {}
        self.makers: dict[str, str] = {}
        #: What a transformer that lives in a name was fitted on.
        self.fitted: dict[str, str] = {}
        self.parents: dict[str, str] = {}
        #: Names that hold a statistic of a whole table, and of which.
        self.statistics: dict[str, str] = {}
        self.halves: set[str] = set()

    def statements(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, _Scope):
                _Walk(self.workflow, self.namespace).statements(statement.body)
            elif isinstance(statement, ast.ClassDef):
                self.statements(part for part in statement.body if isinstance(part, _Scope))
            else:
                self.statement(statement)
                for field in ("body", "orelse", "finalbody"):
                    self.statements(getattr(statement, field, ()))
                for handler in getattr(statement, "handlers", ()):
                    self.statements(handler.body)

    def statement(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            if statement.value is None:
                return
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            self.calls(statement.value)
            for target in targets:
                self.bind(target, statement.value, kept=isinstance(statement, ast.AugAssign))
        elif isinstance(statement, ast.For):
            self.calls(statement.iter)
            for name in _names_in(statement.target):
                self.learnt.pop(name, None)
        else:
            for child in ast.iter_child_nodes(statement):
                if isinstance(child, ast.expr):
                    self.calls(child)
                elif isinstance(child, ast.withitem):
                    self.calls(child.context_expr)

    # -- calls: fits and splits ----------------------------------------------------------------------

    def calls(self, expression: ast.expr) -> None:
        for node in _nodes(expression):
            if not isinstance(node, ast.Call):
                continue
            last = _last(node.func)
            if last in _SPLITS:
                self.split(node, last)
            elif last in _FOLDED and len(node.args) > 1:
                self.leaks(node.args[1], last)
            elif last == "split" and node.args and isinstance(node.func, ast.Attribute):
                self.leaks(node.args[0], f"{_root(node.func.value) or 'split'}.split")
            elif last in ("fit", "fit_transform", "fit_resample") and node.args:
                self.fit(node, last)
            elif last == "transform" and node.args and isinstance(node.func, ast.Attribute):
                self.transform_half(node, node.func.value)

    def split(self, node: ast.Call, last: str) -> None:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        for argument in node.args:
            self.leaks(argument, last)
        shuffle = given.get("shuffle")
        if isinstance(shuffle, ast.Constant) and shuffle.value is False:
            return
        for argument in node.args[:1]:
            name = _root(argument)
            if name:
                self.workflow.random_splits.append((name, self.ancestors(name)))

    def leaks(self, argument: ast.expr, split: str) -> None:
        for name in sorted(_data_of(argument)):
            learnt = self.learnt.get(name)
            if learnt is not None:
                self.workflow.leaks.append((learnt, name, split))
        learnt = self.learns(argument)
        if learnt is not None:
            self.workflow.leaks.append((learnt, learnt.source, split))

    def transform_half(self, node: ast.Call, owner: ast.expr) -> None:
        """``scaler.fit(X)``, a split, then ``scaler.transform(X_train)``: fitted on what is now the test."""
        half, how = _root(node.args[0]), self.maker(owner)
        source = self.fitted.get(_root(owner), "")
        if source and half in self.halves and how and how not in _HARMLESS:
            above = {half, *self.ancestors(half)}
            if source in above:
                self.workflow.leaks.append((Learnt(how, source, "transformed"), half, "train_test_split"))

    def fit(self, node: ast.Call, last: str) -> None:
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if last == "fit_resample":
            self.workflow.resampled = True
        if owner is None:
            return
        name = _root(node.args[0])
        if last == "fit" and isinstance(owner, ast.Name) and name and self.is_whole(node.args[0]):
            self.fitted[owner.id] = name
        if last == "fit" and isinstance(node.args[0], ast.Name):
            second = node.args[1] if len(node.args) > 1 else None
            target = second.id if isinstance(second, ast.Name) else ""
            self.workflow.fits.append((_root(owner), node.args[0].id, target))

    # -- assignments: marks follow -------------------------------------------------------------------

    def bind(self, target: ast.expr, value: ast.expr, *, kept: bool) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            parts = value.elts if isinstance(value, ast.Tuple | ast.List) else None
            if parts is not None and len(parts) == len(target.elts):
                for inner, part in zip(target.elts, parts, strict=True):
                    self.bind(inner, part, kept=kept)
                return
            splits = isinstance(value, ast.Call) and _last(value.func) in _SPLITS
            learnt = None if splits else self.mark_of(value)
            for name in _names_in(target):
                self.halves.discard(name)
                self.learnt.pop(name, None)
                if splits:
                    self.halves.add(name)
                    source = _root(value.args[0]) if isinstance(value, ast.Call) and value.args else ""
                    self.parents[name] = source if source != name else self.parents.get(name, "")
                elif learnt is not None:
                    self.learnt[name] = learnt
            return
        name = _root(target)
        if not name:
            return
        whole = isinstance(target, ast.Name)
        learnt = self.mark_of(value)
        if whole and not kept:
            half = _data_of(value) & self.halves
            if learnt is not None and self.divides(name, value):
                self.workflow.leaks.append((learnt, _root(value), ""))
            self.halves.discard(name)
            if half or self.divides(name, value):
                self.halves.add(name)
            self.fitted.pop(name, None)
            self.makers.pop(name, None)
            self.statistics.pop(name, None)
            of = self.statistic_of(value)
            if of:
                self.statistics[name] = of
            parent = _root(value)
            self.parents[name] = parent if parent != name else self.parents.get(name, "")
            if isinstance(value, ast.Call) and _last(value.func)[:1].isupper():
                self.makers[name] = _last(value.func)
            if isinstance(value, ast.Call) and _last(value.func) == "fit" and self.workflow.fits:
                self.workflow.fits.append((name, *self.workflow.fits[-1][1:]))
        if learnt is not None and name not in self.halves:
            self.learnt[name] = learnt
        elif whole and not kept:
            self.learnt.pop(name, None)

    def mark_of(self, value: ast.expr) -> Learnt | None:
        """What the value has learnt of all rows: made here, or taken over from what it is made of."""
        made = self.learns(value)
        if made is not None:
            return made
        for name in sorted(_data_of(value)):
            if name in self.learnt:
                return self.learnt[name]
        return None

    def learns(self, value: ast.expr) -> Learnt | None:
        for node in _nodes(value):
            if isinstance(node, ast.Call) and node.args:
                found = self.transformed(node, node.func) if isinstance(node.func, ast.Attribute) else None
                if found is None and _last(node.func) in _SCALING and self.is_whole(node.args[0]):
                    source = _root(node.args[0])
                    found = Learnt("", source, "scaled") if source else None
                if found is not None:
                    return found
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Sub):
                source = self.scaled_by_itself(node)
                if source:
                    return Learnt("", source, "scaled")
        return None

    def transformed(self, node: ast.Call, function: ast.Attribute) -> Learnt | None:
        if not self.is_whole(node.args[0]):
            return None
        source = _root(node.args[0])
        how = self.maker(function.value)
        if not source or not how or how in _HARMLESS:
            return None
        if function.attr == "fit_resample":
            return Learnt(how, source, "resampled")
        if function.attr == "fit_transform" or (
            function.attr == "transform"
            and (self.fitted.get(_root(function.value)) == source or _fits_in_place(function.value))
        ):
            selects = how.startswith("Select") or how in ("RFE", "RFECV", "TargetEncoder")
            return Learnt(how, source, "selected" if selects else "transformed")
        return None

    def maker(self, expression: ast.expr) -> str:
        """The class of what a method is called on: ``Scaler()``, ``Scaler().fit(X)``, a name bound to one."""
        while isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
            if expression.func.attr[:1].isupper():
                return expression.func.attr
            expression = expression.func.value
        if isinstance(expression, ast.Call):
            last = _last(expression.func)
            return last if last[:1].isupper() or last.startswith("make_") else ""
        if isinstance(expression, ast.Name):
            known = self.makers.get(expression.id)
            if known is None:
                kind = type(self.namespace.get(expression.id))
                bases = {base.__name__ for base in type.__dict__["__mro__"].__get__(kind)}
                known = kind.__name__ if bases & {"TransformerMixin", "SamplerMixin"} else ""
            return known
        return ""

    def scaled_by_itself(self, node: ast.BinOp) -> str:
        """``(X - X.mean()) / X.std()``: the table whose own statistics it is scaled with."""
        scaled = node.left
        if isinstance(scaled, ast.BinOp):
            scaled = scaled.left
        name = _plain_root(scaled)
        if not name or not self.is_whole(scaled):
            return ""
        written = ast.unparse(scaled)
        for part in _nodes(node.right):
            if isinstance(part, ast.Call) and self.statistic_of(part) == written:
                return name
            if isinstance(part, ast.Name) and self.statistics.get(part.id) == written:
                return name
        return ""

    def statistic_of(self, value: ast.expr) -> str:
        """The table, or column, an expression is a statistic of over all of its rows: ``X.mean(axis=0)``."""
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
            return ""
        if value.func.attr not in _STATISTICS:
            return ""
        places = [keyword.value for keyword in value.keywords if keyword.arg == "axis"]
        owner = value.func.value
        arguments = value.args
        if _is_module(owner) and arguments:
            owner, arguments = arguments[0], arguments[1:]
        if any(_is_one(place) for place in (*places, *arguments)):
            return ""
        return ast.unparse(owner) if _plain_root(owner) and self.is_whole(owner) else ""

    def is_whole(self, argument: ast.expr) -> bool:
        """Whether an argument is data that no split has made a part of."""
        names = _roots_of(argument)
        if any(set(words(name)) & (_TRAIN | _TEST) for name in names):
            return False
        return not names & self.halves and not _is_part(argument)

    def divides(self, name: str, value: ast.expr) -> bool:
        """Whether a name says that a slice is the training or the test part of it."""
        return bool(set(words(name)) & (_TRAIN | _TEST)) and _is_part(value)

    def ancestors(self, name: str) -> tuple[str, ...]:
        found: list[str] = []
        while name in self.parents and self.parents[name] and self.parents[name] not in found:
            name = self.parents[name]
            found.append(name)
        return tuple(found)


def _fits_in_place(expression: ast.expr) -> bool:
    """``Scaler().fit(X)`` in front of ``.transform(X)``."""
    return isinstance(expression, ast.Call) and _last(expression.func) == "fit"


def _is_part(expression: ast.expr) -> bool:
    """Whether an expression takes some rows: a slice, a mask or an index list, not a column."""
    for node in _nodes(expression):
        if isinstance(node, ast.Subscript):
            place = node.slice
            if isinstance(place, ast.Tuple) and place.elts:
                place = place.elts[0]
            if isinstance(place, ast.Slice) and (place.lower is not None or place.upper is not None):
                return True
            if isinstance(place, ast.Compare | ast.UnaryOp | ast.BoolOp | ast.BinOp):
                return True
            if isinstance(place, ast.Name) and set(words(place.id)) & (
                _TRAIN | _TEST | {"idx", "index", "indices", "mask", "fold"}
            ):
                return True
        if isinstance(node, ast.Attribute) and node.attr in ("head", "tail", "sample"):
            return True
    return False


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _root(expression: ast.expr) -> str:
    """The name an expression takes its data from: ``df`` of ``df.drop(…)["x"].values``."""
    while True:
        if isinstance(expression, ast.Name):
            return expression.id
        if isinstance(expression, ast.Call):
            if isinstance(expression.func, ast.Attribute) and not _is_module(expression.func.value):
                expression = expression.func
            elif expression.args:
                expression = expression.args[0]
            else:
                return ""
        elif isinstance(expression, ast.Attribute | ast.Subscript | ast.Starred):
            expression = expression.value
        else:
            return ""


def _is_module(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Name) and expression.id in _MODULES


def _plain_root(expression: ast.expr) -> str:
    """Like `_root`, with the columns taken: statistics of one column scale that column only."""
    if isinstance(expression, ast.Name):
        return expression.id
    if isinstance(expression, ast.Subscript) and isinstance(expression.value, ast.Name):
        return expression.value.id
    return ""


def _roots_of(expression: ast.expr) -> set[str]:
    return {node.id for node in _nodes(expression) if isinstance(node, ast.Name)}


def _data_of(expression: ast.expr) -> set[str]:
    """The names whose values go into an expression; a length or a shape is no value."""
    if isinstance(expression, ast.Call) and _last(expression.func) in ("len", "range", "type"):
        return set()
    if isinstance(expression, ast.Attribute) and expression.attr in ("shape", "size", "columns", "ndim"):
        return set()
    if isinstance(expression, ast.Name):
        return {expression.id}
    found: set[str] = set()
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.expr):
            found |= _data_of(child)
        elif isinstance(child, ast.keyword):
            found |= _data_of(child.value)
    return found


def _names_in(target: ast.expr) -> Iterator[str]:
    for node in _nodes(target):
        if isinstance(node, ast.Name):
            yield node.id


def _nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """`ast.walk`, done once for a tree: a cell is read again with every run that stands on it."""
    held = vars(tree)
    found: tuple[ast.AST, ...] | None = held.get("_nodes")
    if found is None:
        found = held["_nodes"] = tuple(ast.walk(tree))
    return found
