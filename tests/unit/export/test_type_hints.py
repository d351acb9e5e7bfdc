"""Types that the run saw, as annotations that the script can evaluate."""

from __future__ import annotations

import pytest

from jupyter_mlops.export.plan import Hoisted, KeptCell, Slice
from jupyter_mlops.export.steps import prepare_cells, taken_names
from jupyter_mlops.export.type_hints import Annotations
from jupyter_mlops.records import Execution


@pytest.mark.parametrize(
    ("code", "recorded", "wanted"),
    [
        ("x = f(list)", "list[tuple]", "list[tuple]"),
        ("list = [1]\nx = f(list)", "list[tuple]", "Any"),
        ("from pathlib import Path\nx = Path('a')", "pathlib.PosixPath", "Path"),
        ("x = f()", "dict[str, somewhere.else_.x]", "dict[str, Any]"),
        ("x = f(x=1)", "numpy.ndarray", "np.ndarray"),
        ("import numpy as np\nx = f()", "numpy.ndarray", "np.ndarray"),
        ("import numpy as np\nnp = 1\nx = f()", "numpy.ndarray", "Any"),
    ],
)
def test_an_annotation_names_only_what_the_script_has(code: str, recorded: str, wanted: str) -> None:
    execution = Execution(
        execution_id="1", session_id="s", order=1, source=code, code=code, types={"x": recorded}
    )
    taken = "else_ x".split() if "somewhere" in recorded else []
    cells = prepare_cells([execution], Slice(kept=(KeptCell(order=1, reason=""),)))
    known = Annotations(cells, Hoisted(), {}, {*taken_names(cells), *taken})
    assert known.of("x") == wanted
