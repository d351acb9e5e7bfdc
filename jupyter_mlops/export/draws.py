"""Random generators that the whole program shares: which cells seed them, which statements may draw."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .references import BUILTINS, root_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from jupyter_mlops.records import Execution

    from .plan import Cell

#: Calls that set a generator anew.
SEEDING = {
    "numpy.random.seed": "rng:numpy",
    "random.seed": "rng:random",
    "torch.manual_seed": "rng:torch",
    "torch.random.manual_seed": "rng:torch",
}
#: Methods of data, texts and containers that compute without chance.
_CERTAIN = frozenset(
    """
    head tail describe info value_counts isnull isna notnull notna sum mean median std var min max count
    nunique unique round corr cov groupby agg astype sort_values sort_index reset_index set_index
    to_string to_frame to_numpy to_dict tolist item items keys values get pop append extend insert update
    add setdefault get_params format join split strip lower upper replace startswith endswith mode quantile
    select_dtypes nlargest nsmallest idxmax idxmin argmax argmin cumsum rename drop fillna dropna duplicated
    transpose flatten ravel reshape copy abs clip isin between assign query pivot_table crosstab stack
    unstack melt shift diff rank merge map applymap to_csv cpu detach numpy size dim eval
    numel parameters named_parameters state_dict most_common
    """.split()
)
#: Methods by which a fitted model only computes.
_PREDICTING = frozenset("score predict predict_proba predict_log_proba decision_function kneighbors".split())
_ESTIMATING = ("sklearn", "xgboost", "lightgbm")
#: Modules that draw nothing.
_CERTAIN_MODULES = frozenset(
    "math time collections itertools json re os pathlib warnings gc copy matplotlib".split()
)
#: Parts of scikit-learn that fit nothing and draw nothing.
_CERTAIN_SKLEARN = ("metrics", "base", "pipeline", "compose", "exceptions")


def may_draw(
    node: ast.AST,
    modules: Mapping[str, str],
    functions: Mapping[str, ast.FunctionDef | None],
    without: frozenset[str] = frozenset(),
    estimators: Collection[str] = (),
) -> bool:
    """Whether running a statement may draw random numbers: all that is not known to do without does.

    Args:
        node: The statement.
        modules: What imported names stand for.
        functions: The notebook's own functions; None where a name means several.
        without: Names that draw figures, and functions that are being looked at.
        estimators: Names of models that draw when they are fitted, and not when they predict.
    """
    loaders = any(path.partition(".")[0] == "torch" for path in modules.values())
    for found in ast.walk(node):
        if (
            loaders
            and isinstance(found, ast.For | ast.comprehension)
            and not isinstance(found.iter, ast.Call)
        ):
            return True  # whoever goes over a loader of data draws its order
        if not isinstance(found, ast.Call):
            continue
        root = root_of(found.func)
        if root in without:
            continue
        if isinstance(found.func, ast.Name) and root in functions:
            function = functions[root]
            if function is None or may_draw(function, modules, functions, without | {root}):
                return True
        elif not _is_certain(found, root, modules) and not _predicts(found, estimators):
            return True
    return False


def _predicts(call: ast.Call, estimators: Collection[str]) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _PREDICTING
        and isinstance(function.value, ast.Name)
        and function.value.id in estimators
    )


def _is_certain(call: ast.Call, root: str, modules: Mapping[str, str]) -> bool:
    function = call.func
    if root in modules:
        path = modules[root] + ast.unparse(function)[len(root) :]
        package, _, rest = path.partition(".")
        last = path.rpartition(".")[2]
        if package in _CERTAIN_MODULES:
            return True
        if package == "numpy":
            return not rest.startswith("random")
        if package == "pandas":
            return last != "sample" and "(" not in rest
        if package == "sklearn":
            if last == "train_test_split":
                return is_seeded(call)
            return rest.partition(".")[0] in _CERTAIN_SKLEARN or (last[:1].isupper() and "(" not in rest)
        return False
    if isinstance(function, ast.Name):
        return function.id in BUILTINS
    return isinstance(function, ast.Attribute) and (
        function.attr in _CERTAIN or (function.attr == "sample" and is_seeded(call))
    )


def is_seeded(call: ast.Call) -> bool:
    """Whether a call is given a number to draw from, and not a generator that others share."""
    return any(
        keyword.arg == "random_state"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, int)
        for keyword in call.keywords
    )


def generators_of(cell: Cell, seeded: Collection[str] | None = None) -> set[str]:
    """The random generators that a cell drew from or set, of those `seeded`; all, if nobody saw it run."""
    states = {*cell.execution.ambient_reads, *cell.execution.ambient_writes}
    found = {state for state in states if state.startswith("rng:")}
    found = set(SEEDING.values()) if cell.execution.from_history else found
    return found if seeded is None else found & set(seeded)


def seeded_generators(executions: Iterable[Execution]) -> set[str]:
    """The random generators that some execution seeds, or may seed by what its code says."""
    found: set[str] = set()
    for execution in executions:
        if execution.from_history or re.search(r"seed|set_?state", execution.code, re.IGNORECASE):
            return set(SEEDING.values())
        found |= {
            state
            for state in execution.ambient_writes
            if state.startswith("rng:") and state not in execution.ambient_reads
        }
    return found


def estimators_of(executions: Iterable[Execution]) -> set[str]:
    """Names that held models of libraries whose predictions are certain, and never anything else."""
    kinds: dict[str, set[bool]] = {}
    for execution in executions:
        for name, kind in execution.types.items():
            kinds.setdefault(name, set()).add(kind.partition(".")[0] in _ESTIMATING)
    return {name for name, found in kinds.items() if found == {True}}
