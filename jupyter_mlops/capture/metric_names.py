"""What a metric is called: from a printed label, an expression, or the call that made it."""

from __future__ import annotations

import ast
import re

from .syntax import expression_of, last_name
from .vocabulary import sounds_like_metric, words

#: Stands between the text that says *which one* was scored and the label before the number.
BETWEEN = "\x1f"
_LONGEST = 60
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CUT = re.compile(r"[\n|,;\t]|\s{3,}|={3,}|-{3,}")
#: ``item mean     RMSE``: a name in a column of its own, and what is told of it.
_PADDED = re.compile(r"([^\n|,;\t:=]+?)\s{3,}([^\n|,;\t\s]+[ :=]*)$")
_NAME_WORDS = 3
#: ``|a - b|``
_BARS = re.compile(r"\|(\S[^|\n]{0,38}\S)\|")
_LEADING = frozenset("the and with my our a an is was".split())
_NOT_WORD = re.compile(r"[^\w.@²]+")


def canonical(label: str) -> str:
    """The metric's name behind a printed label or an expression: ``"Test RMSE: "`` gives ``test_rmse``.

    Only the last clause before the number counts. Words in capitals and identifiers keep their case.
    """
    context, _, text = label.rpartition(BETWEEN)
    text = _BARS.sub(r" \1 ", _ANSI.sub("", text))
    pieces = [piece for piece in _CUT.split(_PADDED.sub(_unpadded, text)) if words(piece)]
    text = pieces[-1] if pieces else ""
    before, parts = (
        [part for part in _NOT_WORD.split(piece.replace("²", "2")) if part.strip("._")]
        for piece in (context, text)
    )
    while len(parts) > 1 and parts[0].lower() in _LEADING:
        parts.pop(0)
    parts = [*before, *parts]
    while parts and parts[-1].lower() in ("is", "of", "the", "on", "at", "approximately", "about"):
        parts.pop()
    while parts and parts[0].lower() in ("the", "and", "with", "my", "our"):
        parts.pop(0)
    cased = [
        part.lower() if part.istitle() or (len(parts) > 1 and not part.isupper()) else part for part in parts
    ]
    return "_".join(part.strip("._") for part in cased)[:_LONGEST]


def _unpadded(found: re.Match[str]) -> str:
    before, last = found.groups()
    short = 0 < len(words(before)) <= _NAME_WORDS and not sounds_like_metric(before)
    return f"{before} {last}" if short and sounds_like_metric(last) else found.group()


#: ``P(B > A)``: how likely one thing is to beat another.
_CHANCE = re.compile(r"(?:^|[\s,;|])(?:P|Pr|Prob)\s*\([^()]*[<>≤≥][^()]*\)\W*$", re.IGNORECASE)


def is_chance(label: str) -> bool:
    """Whether a label says how likely one thing is to beat another, as ``P(B > A) =`` does."""
    return _CHANCE.search(label) is not None


_SYMBOL = re.compile(r"(?:^|[\s,;(|])[A-MO-Z]\s*[=:]?\s*$")


def is_symbol(label: str) -> bool:
    """Whether a label ends in a capital that stands alone: ``J = ``. It counts nothing, as ``j`` does."""
    return _SYMBOL.search(label) is not None


def singular(name: str) -> str:
    """``losses`` and ``loss`` are one; so are ``val_accs`` and ``val_acc``."""
    for ending, instead in (("_history", ""), ("_list", ""), ("sses", "ss"), ("ies", "y")):
        if name.endswith(ending):
            return name.removesuffix(ending) + instead
    return name.removesuffix("s") if not name.endswith("ss") else name


def join(holder: str, parts: tuple[str, ...]) -> str:
    """The name of a number inside a structure: what holds it, then the words of its path."""
    return canonical(".".join(part.replace(" ", "_") for part in (holder, *parts) if part))


def data_part(arguments: tuple[str, ...]) -> str:
    """Which part of the data a call was given, by its arguments' names: ``train``, ``val``, or ``""``."""
    for argument in reversed(arguments):
        for word in words(argument.rpartition("=")[2]):
            if word in ("train", "test", "valid", "validation", "val", "dev", "holdout", "oof"):
                return word
    return ""


#: Words of what holds by how much one sample is above another.
_DIFFERENCES = frozenset("diff diffs difference differences delta deltas uplift lift effect effects".split())
_ORDERINGS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)
#: What only sums up: its name alone says nothing of what was summed up.
_SUMMARIES = frozenset(
    "mean std sum min max median var abs round item average nanmean tolist cumsum sqrt".split()
)
_MODULES = frozenset({"np", "numpy", "torch", "jnp", "statistics"})
_ROUNDING = frozenset({"round", "float", "str", "abs", "int"})


def expression_name(expression: str) -> str:
    """What an expression that stands there for itself is called.

    ``np.linalg.norm(w - v)`` gives ``norm``, ``run(base)["acc"]`` ``acc``, ``acc * 100`` ``acc``.
    """
    node = expression_of(expression)
    return canonical(expression if node is None else _called_after(node, 0))


def _called_after(node: ast.expr, depth: int) -> str:
    if depth > 8:
        return ""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _called_after(node.value, depth + 1) if isinstance(node.value, ast.Name) else ""
        return f"{owner}.{node.attr}" if owner else node.attr
    if isinstance(node, ast.Subscript):
        index = node.slice
        if isinstance(index, ast.Constant) and isinstance(index.value, str):
            if sounds_like_metric(index.value):
                inner = node.value.slice if isinstance(node.value, ast.Subscript) else None
                outer = inner.value if isinstance(inner, ast.Constant) else ""
                return f"{outer}.{index.value}" if isinstance(outer, str) and outer else index.value
            return f"{_called_after(node.value, depth + 1)}.{index.value}"
        return _called_after(node.value, depth + 1)
    if isinstance(node, ast.Call):
        return _name_of_call(node, depth)
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return _called_after(node.elt, depth + 1)
    if isinstance(node, (ast.UnaryOp, ast.Compare)):
        return _called_after(node.operand if isinstance(node, ast.UnaryOp) else node.left, depth + 1)
    if isinstance(node, ast.BinOp) and compares_samples(node):
        sides = (_called_after(side, depth + 1).removesuffix(".mean") for side in (node.left, node.right))
        return "_".join(("difference", *sides))
    if found := _error(node) or (_agreed_share(node) if isinstance(node, ast.BinOp) else ""):
        return found
    names = [found.id for found in ast.walk(node) if isinstance(found, ast.Name) and found.id not in _MODULES]
    names = list(dict.fromkeys(names))
    parts = (found.attr for found in ast.walk(node) if isinstance(found, ast.Attribute))
    telling = [name for name in dict.fromkeys((*names, *parts)) if sounds_like_metric(name)]
    if len(telling) == 1:
        return telling[0]
    return "_".join(names[:3]) if names else ""


def _agreement(node: ast.expr | None) -> str:
    """``(predicted == y).mean()`` is an accuracy, whatever it is called; of ``!=`` an error rate."""
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
        return ""
    if any(isinstance(side, ast.Constant) for side in (node.left, node.comparators[0])):
        return ""
    return {ast.Eq: "accuracy", ast.NotEq: "error_rate"}.get(type(node.ops[0]), "")


def error_name(expression: str) -> str:
    """``rmse``, ``mse``, ``mae``, ``mape`` or ``sse`` for a formula of that shape, else ``""``."""
    node = expression_of(expression)
    while isinstance(node, ast.Call) and last_name(node.func) in _ROUNDING and node.args:
        node = node.args[0]
    return _error(node) if node is not None else ""


def _error(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _is_constant(node.right, 0.5):
        return _root_of_error(node.left)
    if not isinstance(node, ast.Call):
        return ""
    last, first = last_name(node.func), node.args[0] if node.args else None
    if last == "sqrt" and first is not None:
        return _root_of_error(first)
    averaged = first if first is not None else getattr(node.func, "value", None)
    kind = _deviation(averaged) if averaged is not None else ""
    if last in ("mean", "average", "nanmean"):
        return f"m{kind}" if kind else ""
    return "sse" if last == "sum" and kind == "se" else ""


def _root_of_error(node: ast.expr) -> str:
    if _error(node) == "mse" or (isinstance(node, ast.Name) and node.id.lower().endswith("mse")):
        return "rmse"
    return "rmse" if isinstance(node, ast.Call) and last_name(node.func) == "mean_squared_error" else ""


def _deviation(node: ast.expr) -> str:
    """``se`` for squared differences, ``ae`` for absolute ones, ``ape`` for relative ones."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return "se" if _is_constant(node.right, 2) and _differs(node.left) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return "ape" if _deviation(node.left) == "ae" else ""
    if not isinstance(node, ast.Call):
        return ""
    last = last_name(node.func)
    inner = node.args[0] if node.args else getattr(node.func, "value", None)
    if last == "square":
        return "se" if _differs(inner) else ""
    if last not in ("abs", "absolute", "fabs"):
        return ""
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div):
        return "ape" if _differs(inner.left) else ""
    return "ae" if _differs(inner) else ""


def _differs(node: ast.expr | None) -> bool:
    """Whether an expression is a difference of two things, neither of them a mean of the other."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and not isinstance(node.left, ast.Constant)
        and not isinstance(node.right, ast.Constant)
        and not any(
            last_name(part.func) in ("mean", "median")
            for part in ast.walk(node)
            if isinstance(part, ast.Call)
        )
    )


def _is_constant(node: ast.expr, value: float) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _counted(node: ast.expr | None) -> str:
    """``(predicted == y).sum()`` counts what is correct, of ``!=`` the errors."""
    if not (isinstance(node, ast.Call) and last_name(node.func) == "sum"):
        return ""
    summed = node.args[0] if node.args else getattr(node.func, "value", None)
    return {"accuracy": "correct", "error_rate": "errors"}.get(_agreement(summed), "")


def _agreed_share(node: ast.BinOp) -> str:
    """``sum(predicted == y) / len(y)`` is an accuracy."""
    if not isinstance(node.op, ast.Div):
        return ""
    whole = node.right
    measured = isinstance(whole, ast.Call) and last_name(whole.func) == "len"
    measured = measured or (isinstance(whole, ast.Subscript) and last_name(whole.value) == "shape")
    measured = measured or last_name(whole) == "size"
    return {"correct": "accuracy", "errors": "error_rate"}.get(_counted(node.left), "") if measured else ""


def is_share(expression: str) -> bool:
    """Whether an expression is a share of those that fulfil something: ``(error < 0.25).mean()``."""
    node = expression_of(expression)
    averaged = _averaged(node)
    if not isinstance(averaged, ast.Compare):
        return False
    return not isinstance(averaged.left, (ast.Name, ast.Attribute)) or compares_samples(node)


def compares_samples(node: ast.expr | None) -> bool:
    """Whether an expression holds one sample against another: ``(b > a).mean()``, ``b.mean() - a.mean()``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return all(isinstance(_averaged(side), ast.Name) for side in (node.left, node.right))
    averaged = _averaged(node)
    if not (isinstance(averaged, ast.Compare) and isinstance(averaged.ops[0], _ORDERINGS)):
        return False
    left, right = _sample(averaged.left), averaged.comparators[0]
    if isinstance(right, ast.Constant):
        return bool(_DIFFERENCES & set(words(ast.unparse(left))))  # `(boot["diff"] > 0).mean()`
    return isinstance(left, ast.Name) and isinstance(right, ast.Name)


def _sample(node: ast.expr) -> ast.expr:
    """What an array is made of: `p_diffs` of ``np.array(p_diffs)``."""
    made = isinstance(node, ast.Call) and last_name(node.func) in ("array", "asarray") and node.args
    return node.args[0] if made and isinstance(node, ast.Call) else node


def _averaged(node: ast.expr | None) -> ast.expr | None:
    """What a call takes the mean of."""
    if not (isinstance(node, ast.Call) and last_name(node.func) in ("mean", "average")):
        return None
    return node.args[0] if node.args else getattr(node.func, "value", None)


def _name_of_call(node: ast.Call, depth: int) -> str:
    if found := _error(node) or _counted(node):
        return found
    function = node.func
    last = last_name(function)
    first = node.args[0] if node.args else None
    if last in _ROUNDING and isinstance(function, ast.Name) and first is not None:
        return _called_after(first, depth + 1)
    if last in ("values", "items") and isinstance(function, ast.Attribute) and not node.args:
        return _called_after(function.value, depth + 1)
    if last not in _SUMMARIES:
        return last
    averaged = first if first is not None else getattr(function, "value", None)
    if last in ("mean", "average") and (found := _agreement(averaged)):
        return found
    if compares_samples(node) and isinstance(averaged, ast.Compare):
        above = "above" if isinstance(averaged.ops[0], (ast.Gt, ast.GtE)) else "below"
        sides = (_called_after(_sample(side), depth + 1) for side in (averaged.left, averaged.comparators[0]))
        return f"share_{f'_{above}_'.join(sides)}"
    if isinstance(function, ast.Attribute):
        if first is not None and isinstance(function.value, ast.Name) and function.value.id in _MODULES:
            return f"{_called_after(first, depth + 1)}.{last}"
        owner = _called_after(function.value, depth + 1)
        return owner if last in ("item", "round", "tolist") else f"{owner}.{last}"
    return f"{_called_after(first, depth + 1)}.{last}" if first is not None else last
