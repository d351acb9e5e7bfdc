"""Lists and counters that code fills and nobody reads, and statements that share a line."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.export.leftovers import drop_inside
from jupyter_mlops.export.plan import KeptCell, Slice
from jupyter_mlops.export.purity import Quietness
from jupyter_mlops.export.steps import imported_modules, prepare_cells
from jupyter_mlops.export.trimming import trim
from jupyter_mlops.records import Execution


def left(code: str, live: set[str]) -> str:
    execution = Execution(execution_id="1", session_id="s", order=1, source=code, code=code)
    cells = prepare_cells([execution], Slice(kept=(KeptCell(order=1, reason=""),)))
    quietness = Quietness(imported_modules(cells))
    trim(cells, set(), live, quietness)
    drop_inside(cells, [], quietness, live)
    trim(cells, set(), live, quietness)
    source = cells[0].source
    text = "\n".join(source.render(*source.extent(statement)) for statement in cells[0].statements)
    return ast.unparse(ast.parse(text))


LOOP = "for i in range(3):\n    x = f(i)\n"


@pytest.mark.parametrize(
    "code",
    [
        f"log = []\n{LOOP}    log.append({{'i': i, 'x': x}})",
        f"log = {{'a': [], 'b': []}}\n{LOOP}    log['a'].append(x)\n    log['b'].append(round(x, 2))",
        f"from collections import defaultdict\nlog = defaultdict(list)\n{LOOP}    log['a'].append(x)",
        f"log = {{}}\n{LOOP}    log[i] = x",
        f"n = 0\n{LOOP}    n += 1",
        f"import numpy as np\nlog = np.zeros(len(d))\n{LOOP}    log[i] = x\n    log += m.predict(d)",
        f"import pandas as pd\nlog = pd.DataFrame(columns=['a'])\n{LOOP}    log.loc[i] = x",
        f"log = d.copy()\n{LOOP}    log[i] = log[i].astype('category')",
        f"n, m = 0, 1\nlog = []\n{LOOP}    log.append(x); log.append(i)",
    ],
)
def test_what_is_filled_for_nobody_goes(code: str) -> None:
    assert left(code, {"x"}) == LOOP.strip()


@pytest.mark.parametrize(
    "code",
    [
        # Somebody reads it, by whatever way.
        f"log = []\n{LOOP}    log.append(x)\nx = log",
        f"log = []\n{LOOP}    log.append(x)\nx = g('a > @log')",
        f"log = []\n{LOOP}    log.append(x)\nx = eval('log')",
        # What it is given does more.
        f"log = []\n{LOOP}    log.append(next(it))",
        f"log = []\n{LOOP}    log.append(i)\nlog.append(g(x))",
        # It is a name for something else, or that may be changed through it.
        f"log = d\n{LOOP}    log.append(x)",
        f"log = d\n{LOOP}    log += x\nx = d",
        f"import pandas as pd\nlog = pd.DataFrame(d)\n{LOOP}    log.loc[i] = x\nx = d",
        f"log = {{}}\n{LOOP}    log['a'] = d\n    log['a'].append(x)\nx = d",
        f"log = []\n{LOOP}    log.append(d)\n    log[0][1] += 1\nx = d",
        # It may be there for the error it raises.
        f"log = []\n{LOOP}    try:\n        log.append(len(i))\n    except TypeError:\n        x = 3",
    ],
)
def test_what_somebody_may_read_stays(code: str) -> None:
    assert left(code, {"x"}) == ast.unparse(ast.parse(code))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("for i in d:\n    x = f(i); print(x)", "for i in d:\n    x = f(i)"),
        ("for i in d:\n    print(i); print(d); x = f(i)  # so", "for i in d:\n    x = f(i)"),
        ("for i in d:\n    x = f(i)\n    if x: print(x); break", "for i in d:\n    x = f(i)\n    if x:\n        break"),
        ("for i in d:\n    x = f(i)\n    if x: print(x)\n    else: x = 2", "for i in d:\n    x = f(i)\n    if x:\n        pass\n    else:\n        x = 2"),
    ],
)  # fmt: skip
def test_statements_that_share_a_line_go_one_by_one(code: str, expected: str) -> None:
    assert left(code, {"x"}) == expected


def test_of_a_name_that_is_a_result_only_the_last_value_counts() -> None:
    first, last = "m = Ridge(alpha=1)\nm.fit(X, y)\n", "m = Ridge(alpha=2)\nm.fit(X, y)"
    head = "from sklearn.linear_model import Ridge\n"
    assert left(f"{head}{first}{last}", {"m"}) == ast.unparse(ast.parse(head + last))
    used = "def f():\n    return m\nm2 = f()\n"  # a function may be called in between
    assert left(f"{head}{first}{used}{last}", {"m", "m2"}).count("Ridge(") == 2


def test_what_a_metric_is_read_from_is_filled_for_it() -> None:
    code = f"log = {{}}\n{LOOP}    log[i] = x"
    execution = Execution(execution_id="1", session_id="s", order=1, source=code, code=code)
    cells = prepare_cells([execution], Slice(kept=(KeptCell(order=1, reason=""),)))
    made = cells[0].statements[0]
    drop_inside(cells, list(made.targets), Quietness({}), {"x"})  # type: ignore[attr-defined]
    assert "log[i] = x" in cells[0].source.render(*cells[0].source.extent(cells[0].statements[1]))
