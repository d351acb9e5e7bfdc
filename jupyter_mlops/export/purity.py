"""Statements that leave nothing behind: displays, prints, plots, and values that nobody needs.

A statement counts as quiet only when everything it calls is known to change nothing. What is not
known is kept; the proof would find a mistake in the other direction.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .harmless import is_harmless
from .references import references, root_of
from .translation import is_looking

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_PURE_BUILTINS = frozenset(
    """
    len round abs float int str bool type isinstance issubclass repr format range print display id hash
    getattr hasattr callable chr ord divmod pow slice vars dir help get_ipython
    """.split()
)
#: Builtins that use an iterator up: quiet only when no iterator can be what they are given.
_CONSUMERS = frozenset(
    "sum list dict set tuple sorted min max zip enumerate any all reversed frozenset".split()
)
_PURE_METHODS = frozenset(
    """
    head tail describe info value_counts isnull isna notnull notna sum mean median std var min max count
    nunique unique round corr cov groupby agg aggregate astype sort_values sort_index reset_index
    set_index to_string to_frame to_numpy to_dict tolist items keys values get_params
    get_feature_names_out format join split strip lower upper startswith endswith item mode quantile
    select_dtypes predict predict_proba decision_function score nlargest nsmallest idxmax idxmin argmax
    argmin cumsum rename drop fillna dropna duplicated memory_usage transpose flatten ravel reshape copy
    abs clip isin between assign query loc pivot_table pivot crosstab get ljust rjust center zfill title
    capitalize replace summary to_markdown to_html style background_gradient set_caption hide bar numpy
    cpu detach size dim numel parameters num_params transform kneighbors stack unstack melt shift diff
    rank rolling resample where mask first last predict_log_proba inverse_transform staged_predict
    """.split()
)
_MUTATING_WORDS = frozenset({"inplace", "out", "copy_X"})
_PURE_PANDAS = frozenset(
    "DataFrame Series concat merge crosstab pivot_table read_csv to_datetime get_dummies isna".split()
)
_PURE_MODULES = frozenset("math time dataclasses statistics collections textwrap string pprint".split())
#: Packages whose classes do nothing when they are made but be there, and maybe draw random numbers.
_MODEL_PACKAGES = frozenset("xgboost lightgbm catboost statsmodels imblearn category_encoders".split())
_PLOT_PACKAGES = frozenset(
    """
    matplotlib pylab seaborn plotly altair bokeh plotnine missingno folium IPython ipywidgets graphviz
    wordcloud holoviews hvplot yellowbrick mpl_toolkits tabulate pprint tqdm_display
    """.split()
)
_PLOT_METHODS = frozenset(
    """
    plot hist boxplot barplot scatter from_estimator from_predictions plot_tree savefig show
    """.split()
)


class Quietness:
    """What counts as quiet in a set of cells, given what their imports mean.

    `modules` maps a top-level name to the dotted module or object it was imported as.
    """

    def __init__(self, modules: dict[str, str]) -> None:
        self.modules = modules
        self.drawn: set[str] = set()
        self._functions: dict[str, ast.FunctionDef | None] = {}
        self._harmless: dict[str, bool] = {}
        self.plotted = {name for name, path in modules.items() if path.partition(".")[0] in _PLOT_PACKAGES}

    def learn(self, statements: Iterable[ast.stmt]) -> None:
        """Find functions, and names that hold figures and axes: bound from plotting calls or looped over."""
        before = set(self.plotted)
        for statement in statements:
            if isinstance(statement, ast.FunctionDef):
                known = self._functions.setdefault(statement.name, statement)
                if known is not statement and (known is None or ast.dump(known) != ast.dump(statement)):
                    self._functions[statement.name] = None
                self._harmless.clear()
            for node in ast.walk(statement):
                if isinstance(node, ast.Assign) and self._is_plot(node.value):
                    self.plotted.update(name for target in node.targets for name in _names(target))
                elif isinstance(node, ast.For) and self._mentions_plot(node.iter):
                    self.plotted.update(
                        name for name in _names(node.target) if self._used_as_axes(name, node)
                    )
                elif (
                    isinstance(node, ast.withitem) and node.optional_vars and self._is_plot(node.context_expr)
                ):
                    self.plotted.update(_names(node.optional_vars))
        self.drawn |= self.plotted - before

    def quiet(self, node: ast.stmt, opaque: Collection[str] = ()) -> bool:
        """Whether dropping a statement loses nothing but the names it binds."""
        if isinstance(node, ast.Expr):
            return self._plain(node.value, opaque)
        if isinstance(node, ast.Assign):
            if all(ast.unparse(target).find(".options.display.") > 0 for target in node.targets):
                return self._plain(node.value, opaque)
            if not all(_only_names(target) for target in node.targets):
                return all(
                    root_of(target) in self.plotted for target in node.targets if not _only_names(target)
                )
            return self._plain(node.value, opaque)
        if isinstance(node, ast.AnnAssign):
            return isinstance(node.target, ast.Name) and (
                node.value is None or self._plain(node.value, opaque)
            )
        if isinstance(node, ast.AugAssign):
            # On an array, a list or a set it changes the object, which other names may hold.
            return False
        if isinstance(node, ast.If):
            return self._plain(node.test, opaque) and self._block(node.body + node.orelse, opaque)
        if isinstance(node, ast.For):
            return (
                _only_names(node.target)
                and self._plain(node.iter, opaque)
                and self._block(node.body + node.orelse, opaque)
            )
        if isinstance(node, ast.With):
            return all(self._plain(item.context_expr, opaque) for item in node.items) and self._block(
                node.body, opaque
            )
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [*node.args.defaults, *(value for value in node.args.kw_defaults if value)]
            return not node.decorator_list and all(self._plain(value, opaque) for value in defaults)
        if isinstance(node, ast.ClassDef):
            return (
                not node.decorator_list
                and not node.keywords
                and self._block(node.body, opaque)
                and all(isinstance(base, ast.Name | ast.Attribute) for base in node.bases)
            )
        return isinstance(node, ast.Pass | ast.Global | ast.Continue)

    def _block(self, body: Iterable[ast.stmt], opaque: Collection[str]) -> bool:
        return all(self.quiet(statement, opaque) for statement in body)

    def _plain(self, node: ast.AST, opaque: Collection[str]) -> bool:
        for found in ast.walk(node):
            if isinstance(found, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
                return False
            if isinstance(found, ast.Call) and not self._pure_call(found, opaque):
                return False
            if isinstance(found, ast.Compare) and any(
                isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.Name) and right.id in opaque
                for op, right in zip(found.ops, found.comparators, strict=True)
            ):
                return False
            if isinstance(found, ast.Starred | ast.comprehension):
                inner = found.value if isinstance(found, ast.Starred) else found.iter
                if isinstance(inner, ast.Name) and inner.id in opaque:
                    return False
        return True

    def _pure_call(self, call: ast.Call, opaque: Collection[str]) -> bool:
        if self._is_plot(call):
            return True
        if any(keyword.arg in _MUTATING_WORDS for keyword in call.keywords):
            return False
        function = call.func
        if isinstance(function, ast.Name):
            if function.id in self.modules:
                return self._pure_path(self.modules[function.id])
            if function.id in self._functions:
                return self._calls_harmless(call, function.id, opaque)
            if function.id in _CONSUMERS:
                return not any(isinstance(part, ast.Name) and part.id in opaque for part in call.args)
            return function.id in _PURE_BUILTINS
        if isinstance(function, ast.Attribute):
            begin = root_of(function)
            if begin in self.modules:
                path = ast.unparse(function)
                return self._pure_path(self.modules[begin] + path[len(begin) :])
            if is_looking(call):
                return True
            seeded = function.attr == "sample" and any(
                keyword.arg == "random_state" for keyword in call.keywords
            )
            return function.attr in _PURE_METHODS or seeded
        return False

    def _calls_harmless(self, call: ast.Call, name: str, opaque: Collection[str]) -> bool:
        """Whether a call of the notebook's own function changes nothing, and uses up no iterator."""
        function = self._functions[name]
        if function is None:
            return False
        touched = {found.name for found in references([function, ast.Expr(call)])}
        if touched & set(opaque):
            return False
        if name not in self._harmless:
            self._harmless[name] = True  # while it is looked at: a function that calls itself
            self._harmless[name] = is_harmless(function, lambda part: self._plain(part, ()))
        return self._harmless[name]

    def keeps_nothing(self, call: ast.Call) -> bool:
        """Whether a call does not hold on to what it is given."""
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        # A new object holds what it is made of.
        return self._pure_call(call, ()) and not name[:1].isupper() and not name.startswith("make_")

    def _pure_path(self, path: str) -> bool:
        package, _, rest = path.partition(".")
        last = path.rpartition(".")[2]
        if package == "numpy":
            return not rest.startswith(("random", "save", "copyto", "put", "place", "seterr", "fill"))
        if package == "pandas":
            return last in _PURE_PANDAS
        if package == "sklearn":
            return not last.startswith(("set_", "enable_", "dump"))
        if package in _MODEL_PACKAGES and last[:1].isupper():
            return True
        if package == "torch":
            changes = ("set_", "manual_seed", "seed", "save", "use_", "init_", "compile")
            return not last.startswith(changes) and not last.endswith("_")
        if path.startswith(("scipy.stats.", "scipy.special.")):
            return True
        return package in _PURE_MODULES or path in ("copy.deepcopy", "copy.copy", "json.dumps", "json.loads")

    # ---- plots

    def _is_plot(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return isinstance(node, ast.Subscript | ast.Attribute) and root_of(node) in self.plotted
        if root_of(node.func) in self.plotted:
            return True
        return isinstance(node.func, ast.Attribute) and (
            node.func.attr in _PLOT_METHODS
            or (isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "plot")
        )

    def _mentions_plot(self, node: ast.AST) -> bool:
        return any(isinstance(found, ast.Name) and found.id in self.plotted for found in ast.walk(node))

    def _used_as_axes(self, name: str, loop: ast.For) -> bool:
        for found in ast.walk(loop):
            value = getattr(found, "value", None)
            itself = isinstance(value, ast.Name) and value.id == name
            if itself and isinstance(found, ast.keyword) and found.arg == "ax":
                return True
            if (
                isinstance(found, ast.Attribute)
                and found.attr.startswith(("set_", "plot", "hist", "imshow", "axis"))
                and isinstance(found.value, ast.Name)
                and found.value.id == name
            ):
                return True
        return False


def _names(target: ast.AST) -> list[str]:
    return [found.id for found in ast.walk(target) if isinstance(found, ast.Name)]


def _only_names(target: ast.AST) -> bool:
    return all(
        isinstance(found, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context)
        for found in ast.walk(target)
    )
