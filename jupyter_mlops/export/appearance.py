"""What changes only how things are shown, as display options do; and whether code reads what is printed."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .references import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Calls that change what is shown or said, and no number.
_SHOWN = re.compile(
    r"numpy\.set_printoptions|torch\.set_printoptions|polars\.Config\.set_(tbl|fmt|ascii)\w*"
    r"|warnings\.(filterwarnings|simplefilter|resetwarnings|warn)"
    r"|logging\.(disable|captureWarnings|getLogger)|(\w+\.)+set_verbosity\w*"
)
#: pandas' options by the parts of their names that people write; ``mode.…`` and ``compute.…`` are others.
_OPTION = re.compile(
    r"(display|plotting|styler)\.[\w.]+"
    r"|(max_|min_)(columns|rows|colwidth|seq_items|info_columns|info_rows|categories)|(float_)?format"
    r"|precision|width|chop_threshold|colheader_justify|expand_frame_repr|show_dimensions|notebook_repr_html"
)
_STANDARD_STREAMS = frozenset({"sys.stdout", "sys.stderr", "stdout", "stderr", "None"})
_REDIRECTING = frozenset({"redirect_stdout", "redirect_stderr", "capture_output"})


def is_shown_only(call: ast.Call, modules: Mapping[str, str]) -> bool:
    """Whether a call sets what is displayed, warned of or logged, and nothing that a number hangs on."""
    path = path_of(call.func, modules)
    texts = [
        part.value
        for part in (*call.args, *(keyword.value for keyword in call.keywords))
        if isinstance(part, ast.Constant)
    ]
    if path.startswith("warnings.") and "error" in texts:
        return False
    if _SHOWN.fullmatch(path):
        return True
    if path.startswith("logging.") and path.endswith((".setLevel", ".disabled")):
        return True
    if path == "numpy.seterr":
        return not {"raise", "call", "log"} & {*texts}
    if path in ("pandas.set_option", "pandas.reset_option", "pandas.options.display"):
        names = call.args[::2] if path == "pandas.set_option" else call.args
        return bool(names) and all(
            isinstance(part, ast.Constant) and isinstance(part.value, str) and _OPTION.fullmatch(part.value)
            for part in names
        )
    return False


def sets_option(node: ast.Assign, modules: Mapping[str, str]) -> bool:
    """Whether an assignment sets only such an option: ``pd.options.display.precision = 3``."""
    paths = [path_of(target, modules) for target in node.targets]
    return all(
        path.startswith(("pandas.options.display.", "pandas.options.plotting.")) or path == "warnings.warn"
        for path in paths
    )


def redirects(node: ast.AST) -> bool:
    """Whether code takes what is printed for itself, so that a print is more than that."""
    for found in ast.walk(node):
        if isinstance(found, ast.Attribute):
            name = found.attr
            if name in ("stdout", "stderr") and not isinstance(found.ctx, ast.Load):
                return True
        elif isinstance(found, ast.alias):
            name = found.name
        else:
            name = getattr(found, "id", "")
        if name in _REDIRECTING:
            return True
    return False


def prints_elsewhere(call: ast.Call) -> bool:
    """Whether a print goes to a file of the notebook's own."""
    return any(
        keyword.arg is None or (keyword.arg == "file" and ast.unparse(keyword.value) not in _STANDARD_STREAMS)
        for keyword in call.keywords
    )
