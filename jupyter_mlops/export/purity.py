"""Statements that leave nothing behind: displays, prints, plots, and values that nobody needs.

A statement counts as quiet only when everything it calls is known to change nothing. What is not
known is kept; the proof would find a mistake in the other direction.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from . import appearance
from .draws import is_seeded, may_draw
from .figures import Figures
from .harmless import CHANGING, is_fresh, is_harmless
from .references import last_name, path_of, references, root_of
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
    nunique unique round corr cov groupby agg aggregate astype sort_values sort_index reset_index set_index
    to_string to_frame to_numpy to_dict tolist items keys values get_params get_feature_names_out format
    join split strip lower upper startswith endswith item mode quantile select_dtypes predict predict_proba
    decision_function score nlargest nsmallest idxmax idxmin argmax argmin cumsum rename drop fillna dropna
    duplicated memory_usage transpose flatten ravel reshape copy abs clip isin between assign query loc
    pivot_table pivot crosstab get ljust rjust center zfill title capitalize replace summary most_common
    to_markdown to_html style background_gradient set_caption hide bar numpy named_parameters state_dict cpu
    detach size dim numel parameters num_params transform kneighbors stack unstack melt shift diff rank
    rolling resample where mask first last predict_log_proba inverse_transform staged_predict eq ne lt le gt
    ge mul div prod cumprod dot argsort squeeze skew kurt sem contains explode reindex ffill bfill asfreq
    ewm expanding to_period day_name month_name total_seconds todense toarray tocsr rsplit splitlines
    isdigit isalpha casefold removeprefix removesuffix iterrows itertuples equals
    """.split()
)
#: Methods that do to data what a function says.
_CALLING_BACK = frozenset("apply map applymap pipe".split())
#: Methods that change what they are called on: quiet where that is made in the same breath.
_FITTING = frozenset("fit fit_transform fit_predict partial_fit set_params".split())
#: What methods' names begin with that write or change what they are called on, and others that do.
_WRITING = ("to_", "save", "dump", "write", "export", "set", "send", "exec", "register")
_CHANGING_DATA = frozenset("tofile fill put partition resize itemset backward step run eval".split())
#: Arguments by which a call changes something it is given.
_MUTATING_WORDS = frozenset({"inplace", "out", "buf"})
_PURE_MODULES = frozenset(
    "math time dataclasses statistics collections textwrap string pprint gc itertools".split()
)
#: Parts of SciPy that only compute; what calls back a function of the notebook is looked at.
_PURE_SCIPY = ("stats", "special", "signal", "spatial", "linalg", "sparse", "interpolate", "cluster", "fft")
#: Packages whose classes do nothing when they are made but be there, and maybe draw random numbers.
_MODEL_PACKAGES = frozenset("xgboost lightgbm catboost statsmodels imblearn category_encoders".split())


class Quietness:
    """What counts as quiet in a set of cells, given what their imports mean.

    `modules` maps a top-level name to the dotted module or object it was imported as.
    """

    def __init__(self, modules: dict[str, str]) -> None:
        self.modules = modules
        #: Whether what is printed goes somewhere that code can read.
        self.redirected = False
        #: Names that hold models which draw when they are fitted, and not when they predict.
        self.estimators: set[str] = set()
        self._counted: set[str] = set()
        self._listed = False
        self._functions: dict[str, ast.FunctionDef | None] = {}
        self._harmless: dict[str, bool] = {}
        self.figures = Figures(modules)

    def learn(self, statements: Iterable[ast.stmt]) -> None:
        """Find functions, classes that note their subclasses, and names that hold figures."""
        for statement in statements:
            self.redirected = self.redirected or appearance.redirects(statement)
            if isinstance(statement, ast.FunctionDef):
                known = self._functions.setdefault(statement.name, statement)
                if known is not statement and (known is None or ast.dump(known) != ast.dump(statement)):
                    self._functions[statement.name] = None
                self._harmless.clear()
            for node in ast.walk(statement):
                if isinstance(node, ast.ClassDef) and self._notes_subclasses(node):
                    self._counted.add(node.name)
                self._listed = self._listed or getattr(node, "attr", "") == "__subclasses__"
            self.figures.learn(statement)

    def quiet(self, node: ast.stmt, opaque: Collection[str] = ()) -> bool:
        """Whether dropping a statement loses nothing but the names it binds."""
        if isinstance(node, ast.Expr):
            return self._plain(node.value, opaque)
        if isinstance(node, ast.Assign):
            if self.sets_option(node):
                return self._plain(node.value, opaque)
            if not all(_only_names(target) for target in node.targets):
                return all(
                    root_of(target) in self.figures.names
                    for target in node.targets
                    if not _only_names(target)
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
                and not self._notes_subclasses(node)
                and not self._listed
                and self._block(node.body, opaque)
                and all(isinstance(base, ast.Name | ast.Attribute) for base in node.bases)
            )
        if isinstance(node, ast.Delete):
            # The name goes, and with it nothing that anything can see.
            return all(isinstance(target, ast.Name) for target in node.targets)
        return isinstance(node, ast.Pass | ast.Global | ast.Continue)

    def sets_option(self, statement: ast.stmt) -> bool:
        """Whether a statement sets how things are shown, by an assignment."""
        return isinstance(statement, ast.Assign) and appearance.sets_option(statement, self.modules)

    def may_draw(self, statement: ast.stmt) -> bool:
        """Whether a statement may draw random numbers that others would have drawn."""
        without = frozenset(self.figures.bound)
        return may_draw(statement, self.modules, self._functions, without, self.estimators)

    def _notes_subclasses(self, node: ast.ClassDef) -> bool:
        """Whether a class is noted by another when it is made: by a metaclass, or by what it derives from."""
        hooks = {"__init_subclass__", "__set_name__"}
        own = {found.name for found in ast.walk(node) if isinstance(found, ast.FunctionDef)}
        bases = {root_of(base) for base in node.bases}
        return bool(node.keywords or own & hooks or bases & self._counted)

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
        if self.figures.draws(call):
            return True
        if any(map(_mutates, call.keywords)):
            return False
        function = call.func
        if appearance.is_shown_only(call, self.modules):
            return True
        if isinstance(function, ast.Name):
            if function.id == "print":
                return not self.redirected and not appearance.prints_elsewhere(call)
            if function.id in self.modules:
                path = self.modules[function.id]
                used_up = path.startswith("itertools.") and _mentions(call.args, opaque)
                return self._pure_path(path) and not used_up and self._plain_callbacks(call)
            if function.id in self._functions:
                return self._calls_harmless(call, function.id, opaque)
            if function.id in _CONSUMERS:
                return not _mentions(call.args, opaque)
            return function.id in _PURE_BUILTINS
        if isinstance(function, ast.Attribute):
            begin = root_of(function)
            # What a module's function gave may be written: ``pd.DataFrame(rows).to_csv(path)``.
            if begin in self.modules and not (_of_a_result(function) and _has_effect(function.attr)):
                path = ast.unparse(function)
                whole = self.modules[begin] + path[len(begin) :]
                fits = function.attr in _FITTING and isinstance(function.value, ast.Call)
                pure = self._makes(function.value) if fits else self._pure_path(whole)
                pure = pure and not (whole.startswith("itertools.") and _mentions(call.args, opaque))
                return pure and self._plain_callbacks(call)
            if is_looking(call):
                return True
            if function.attr in _FITTING:
                return self._makes(function.value)
            if function.attr in _CALLING_BACK and not self._plain_callbacks(call, strictly=True):
                return False
            return function.attr in _PURE_METHODS | _CALLING_BACK or (
                function.attr == "sample" and is_seeded(call)
            )
        return False

    def _makes(self, value: ast.expr) -> bool:
        """Whether a value is new where it stands: ``Ridge()`` in ``Ridge().fit(X, y)``."""
        if not isinstance(value, ast.Call):
            return False
        fresh = is_fresh(value) or path_of(value.func, self.modules).startswith("statsmodels.")
        return fresh and self._pure_call(value, ())

    def _plain_callbacks(self, call: ast.Call, *, strictly: bool = False) -> bool:
        """Whether no function that a call is given does more than give a value.

        A name that stands for nothing known may be a function; `strictly` says that it does.
        """
        for part in (*call.args, *(keyword.value for keyword in call.keywords)):
            if isinstance(part, ast.Name):
                if part.id in self._functions:
                    function = self._functions[part.id]
                    if function is None or not self._harmless_function(part.id, function):
                        return False
                elif part.id in self.modules:
                    if strictly and not self._pure_path(self.modules[part.id]):
                        return False
                elif strictly and part.id not in _PURE_BUILTINS | _CONSUMERS:
                    return False
            elif strictly and isinstance(part, ast.Attribute):
                begin = root_of(part)
                path = self.modules.get(begin, "") + ast.unparse(part)[len(begin) :]
                if begin not in ("str", "int", "float") and not (
                    begin in self.modules and self._pure_path(path)
                ):
                    return False
        return True

    def _calls_harmless(self, call: ast.Call, name: str, opaque: Collection[str]) -> bool:
        """Whether a call of the notebook's own function changes nothing, and uses up no iterator."""
        function = self._functions[name]
        if function is None:
            return False
        touched = {found.name for found in references([function, ast.Expr(call)])}
        if touched & set(opaque):
            return False
        return self._harmless_function(name, function)

    def _harmless_function(self, name: str, function: ast.FunctionDef) -> bool:
        if name not in self._harmless:
            self._harmless[name] = True  # while it is looked at: a function that calls itself
            self._harmless[name] = is_harmless(function, lambda part: self._plain(part, ()))
        return self._harmless[name]

    def keeps_nothing(self, call: ast.Call) -> bool:
        """Whether a call does not hold on to what it is given."""
        function = call.func
        name = last_name(function)
        # A new object holds what it is made of.
        return self._pure_call(call, ()) and not name[:1].isupper() and not name.startswith("make_")

    def _pure_path(self, path: str) -> bool:
        package, _, rest = path.partition(".")
        last = path.rpartition(".")[2]
        if package == "numpy":
            effects = ("random", "save", "copyto", "put", "place", "seterr", "fill")
            return not rest.startswith(effects) and last != "at"
        if package == "pandas":
            return not last.startswith(("set_", "reset_", "to_pickle", "option", "eval", "Excel", "HDF"))
        if package == "sklearn":
            return not last.startswith(("set_", "enable_", "dump"))
        if package in _MODEL_PACKAGES and last[:1].isupper():
            return True
        if package == "statsmodels":
            return not last.startswith(("set_", "save", "load", "get_rdataset", "webuse"))
        if package == "torch":
            changes = ("set_", "manual_seed", "seed", "save", "use_", "init_", "compile", "backward")
            return not last.startswith(changes) and not last.endswith("_")
        if package == "scipy":
            return rest.partition(".")[0] in _PURE_SCIPY
        return package in _PURE_MODULES or path in ("copy.deepcopy", "copy.copy", "json.dumps", "json.loads")


def _of_a_result(function: ast.Attribute) -> bool:
    """Whether a method is one of something that a call gave."""
    inner = function.value
    while isinstance(inner, ast.Attribute | ast.Subscript):
        inner = inner.value
    return isinstance(inner, ast.Call)


def _has_effect(method: str) -> bool:
    """Whether a method of data may write it somewhere, change it, or call something back."""
    if method in _FITTING | _PURE_METHODS:
        return False
    return method in _CHANGING_DATA | CHANGING | _CALLING_BACK or method.startswith(_WRITING)


def _mutates(keyword: ast.keyword) -> bool:
    """Whether an argument lets a call, or what it makes, change what it is given."""
    name = keyword.arg or ""
    kept = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
    return name in _MUTATING_WORDS or name.startswith("overwrite_") or (name.startswith("copy") and kept)


def _mentions(parts: Iterable[ast.expr], names: Collection[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in parts)


def _only_names(target: ast.AST) -> bool:
    return all(
        isinstance(found, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context)
        for found in ast.walk(target)
    )
