"""Figures and axes: which names hold them, what draws on them, and what reads numbers from them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .references import root_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGES = frozenset(
    """
    matplotlib pylab seaborn plotly altair bokeh plotnine missingno folium IPython ipywidgets graphviz
    wordcloud holoviews hvplot yellowbrick mpl_toolkits tabulate pprint tqdm_display
    """.split()
)
_METHODS = frozenset(
    """
    plot hist boxplot barplot scatter from_estimator from_predictions plot_tree savefig show
    """.split()
)
#: Where axes hold what is drawn on them.
_DRAWN = frozenset("lines patches containers collections texts spines".split())
#: What hands out of a figure what was drawn on it before.
_READING = frozenset(
    "gca gcf xlim ylim axis lines patches containers collections texts dataLim viewLim canvas".split()
)


class Figures:
    """The names that hold figures and axes, given what the imports of a notebook mean."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.names = {name for name, path in modules.items() if path.partition(".")[0] in _PACKAGES}
        #: Those that the notebook's own code bound.
        self.bound: set[str] = set()

    def learn(self, node: ast.AST) -> None:
        """Find names bound from plotting calls or looped over them in a statement."""
        before = set(self.names)
        for found in ast.walk(node):
            if isinstance(found, ast.Assign) and self.draws(found.value):
                self.names.update(name for target in found.targets for name in names_in(target))
            elif isinstance(found, ast.For) and self._is_drawn(found.iter):
                self.names.update(names_in(found.target))
            elif isinstance(found, ast.For) and self.mentioned(found.iter):
                self.names.update(name for name in names_in(found.target) if _used_as_axes(name, found))
            elif isinstance(found, ast.withitem) and found.optional_vars and self.draws(found.context_expr):
                self.names.update(names_in(found.optional_vars))
        self.bound |= self.names - before

    def draws(self, node: ast.AST) -> bool:
        """Whether an expression draws, or is a part of a figure."""
        if not isinstance(node, ast.Call):
            return isinstance(node, ast.Subscript | ast.Attribute) and root_of(node) in self.names
        if root_of(node.func) in self.names:
            return True
        return isinstance(node.func, ast.Attribute) and (
            node.func.attr in _METHODS
            or (isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "plot")
        )

    def _is_drawn(self, node: ast.expr) -> bool:
        """Whether a loop goes over what is drawn on a figure: ``for bar in ax.patches``."""
        return isinstance(node, ast.Attribute) and node.attr in _DRAWN and root_of(node) in self.names

    def mentioned(self, node: ast.AST) -> bool:
        """Whether a name that holds figures stands in a piece of code."""
        return any(isinstance(found, ast.Name) and found.id in self.names for found in ast.walk(node))

    def drawn_in(self, statement: ast.stmt) -> bool:
        """Whether a statement draws anywhere in it."""
        return self.mentioned(statement) or any(
            self.draws(found) for found in ast.walk(statement) if isinstance(found, ast.Call)
        )

    def read_in(self, statement: ast.stmt) -> bool:
        """Whether a statement reads from a figure what was drawn before: ``low, high = ax.get_ylim()``."""
        return any(
            isinstance(found, ast.Attribute)
            and (found.attr in _READING or found.attr.startswith("get_"))
            and root_of(found) in self.names
            for found in ast.walk(statement)
        )


def _used_as_axes(name: str, loop: ast.For) -> bool:
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


def names_in(target: ast.AST) -> list[str]:
    """The names in a target of an assignment or a loop."""
    return [found.id for found in ast.walk(target) if isinstance(found, ast.Name)]
