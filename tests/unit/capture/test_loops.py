"""Curves from loops nobody logged, and loops that stay what they were."""

from __future__ import annotations

import ast
import math
import pickle
import subprocess
import sys
import textwrap
import traceback

import pytest
from observing import Notebook

from jupyter_mlops.capture.instrument import instrument
from jupyter_mlops.capture.loops import _KEPT, Series, thin


def curve(code: str, name: str) -> list[float]:
    return Notebook().run(textwrap.dedent(code)).curves[name].values


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        ("for e in range(3):\n    loss = 1 / (e + 1)", "loss", [1, 1 / 2, 1 / 3]),
        ("losses = []\nfor e in range(3):\n    losses.append(e / 2)", "losses", [0, 0.5, 1]),
        ("h = {'loss': []}\nfor e in range(3):\n    h['loss'].append(e / 2)", "loss", [0, 0.5, 1]),
        ("loss = 8.0\nwhile loss > 1:\n    loss = loss / 2", "loss", [4, 2, 1]),
        ("e = 0\nwhile True:\n    e += 1\n    loss = 1 / e\n    if e == 3: break", "loss", [1, 1 / 2, 1 / 3]),
        ("for e in range(9):\n    loss = e / 2\n    if e == 2: break", "loss", [0, 0.5, 1]),
        ("for e in range(4):\n    if e == 1: continue\n    loss = e / 2", "loss", [0, 0, 1, 1.5]),
        (
            "for e in [1, 2]:\n    total_loss = 0.0\n    for b in (1, 2):\n        total_loss += b * e",
            "total_loss",
            [3, 6],
        ),
        ("for e in (x for x in 'ab'):\n    acc = ord(e) / 97", "acc", [1, 98 / 97]),
        ("for e, v in enumerate([4.0, 5.0]):\n    loss = v", "loss", [4, 5]),
        ("import numpy as np\nfor e in range(2):\n    loss = np.float64(e) / 4", "loss", [0, 0.25]),
        ("def train():\n    for e in range(3):\n        loss = e / 2\ntrain()", "loss", [0, 0.5, 1]),
    ],
)
def test_curve(code: str, name: str, expected: list[float]) -> None:
    assert curve(code, name) == pytest.approx(expected)


def test_a_list_and_the_number_appended_to_it_are_one_curve() -> None:
    found = Notebook().run("losses = []\nfor e in range(3):\n    loss = e / 2\n    losses.append(loss)")
    assert list(found.curves) == ["loss"]


def test_a_function_of_an_earlier_untracked_cell_is_watched() -> None:
    notebook = Notebook()
    notebook.run(
        "def train(n):\n    for e in range(n):\n        val_loss = 1 / (e + 1)\n    return e", tracked=False
    )
    found = notebook.run("last = train(4)")
    assert found.curves["val_loss"].values == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert (found.details["val_loss"].scope, found.details["val_loss"].order) == ("train", 1)


def test_counters_and_temporaries_are_no_curves() -> None:
    code = "total = 0.0\nfor i in range(4):\n    n = i * 2.0\n    t = i / 3\n    total += t\nprint(f'Total: {total}')"
    assert list(Notebook().run(code).curves) == ["total"]


def test_long_loops_keep_their_shape_extremes_and_last_point() -> None:
    code = "import math\nfor i in range(200_000):\n    loss = math.sin(i / 3000)"
    found = Notebook().run(code).curves["loss"]
    expected = [math.sin(i / 3000) for i in range(200_000)]
    assert found.count > 4_000
    assert found.values[-1] == expected[-1]
    for step, value in zip(found.steps, found.values, strict=True):
        assert value == expected[step]
    assert max(found.values) == pytest.approx(1, abs=0.01)
    assert min(found.values) == pytest.approx(-1, abs=0.01)


def test_thinning_keeps_extremes_ends_and_order() -> None:
    values = [math.sin(i / 50) for i in range(10_000)]
    values[1234], values[5678] = 9.0, -9.0
    kept = thin(values, 200)
    assert kept == sorted(kept)
    assert {0, 1234, 5678, 9999} <= set(kept)
    assert len(kept) <= 200
    assert thin([math.nan] * 1000, 10)[0] == 0


def test_a_series_is_bounded() -> None:
    series = Series()
    for step in range(3 * _KEPT):
        series.steps.append(step)
        series.values.append(step % 7)
        series.times.append(0.0)
        series.thin()
    assert len(series.values) <= _KEPT
    assert series.steps[-1] == 3 * _KEPT - 1


# -- loops stay what they were ---------------------------------------------------------------------

EQUAL = [
    "out = [x for x in range(3)]\nfor x in out:\n    if x < 5: out.append(x + 1)\n    print(x)",
    "for x in range(3):\n    print(x)\nelse:\n    print('else')",
    "for x in range(3):\n    print(x)\n    break\nelse:\n    print('else')",
    "n = 0\nwhile n < 3:\n    n += 1\n    loss = n / 2\nelse:\n    print('else')",
    "n = 0\nwhile n < 3:\n    n += 1\n    loss = n / 2\n    if n == 2: break\nelse:\n    print('else')",
    "n = 0\nwhile (n := n + 1) < 4:\n    if n == 2: continue\n    loss = n / 2\n    print(n)",
    "for i in range(2):\n    n = 0\n    while n < 2:\n        n += 1\n        loss = n\n    else:\n        continue\n    print('no')",
    "it = iter([1, 2, 3])\nfor x in it:\n    print(x, next(it, None))\n    loss = x",
    "d = {'a': 1}\ntry:\n    for k in d:\n        d['b'] = 1\n        print(k)\nexcept RuntimeError as e:\n    print(e)",
    "def g():\n    for x in range(3):\n        loss = x\n        yield x\nprint(list(g()))",
    "class C:\n    def __iter__(self):\n        print('iter')\n        return iter([1])\nfor x in C():\n    print(x)",
    "for a, (b, *c) in [(1, (2, 3))]:\n    print(a, b, c)",
    "def f():\n    for x in range(5):\n        loss = x\n        if x == 2: return loss\nprint(f())",
    "gen = (x for x in range(5))\nfor x in gen:\n    if x == 2: break\nprint(list(gen))",
]


@pytest.mark.parametrize("code", EQUAL)
def test_a_watched_loop_does_what_it_did(code: str) -> None:
    watched = Notebook()
    watched.run(code)
    plain = Notebook()
    plain.run(code, tracked=False)
    assert watched.printed.getvalue() == plain.printed.getvalue()
    assert set(watched.space) == set(plain.space)


@pytest.mark.parametrize(
    "code",
    [
        "for x in 3:\n    print(x)",
        "for x in [1, 0]:\n    loss = 1 / x\n    print(loss)",
        "def g():\n    yield 1\n    raise KeyError('inside')\nfor x in g():\n    print(x)",
        "n = 2\nwhile 1 / n:\n    n -= 1\n    loss = n",
        "from sklearn.metrics import accuracy_score\nacc = accuracy_score([1], [1, 2])",
        "print(f'{1 / 0:.2f}')",
    ],
)
def test_tracebacks_are_the_users_own(code: str) -> None:
    def raised(tracked: bool) -> list[tuple[str, int | None, int | None, int | None]]:
        with pytest.raises(Exception) as caught:  # noqa: PT011 — each code raises its own
            Notebook().run(code, tracked=tracked)
        frames = traceback.extract_tb(caught.value.__traceback__)
        first = next(i for i, frame in enumerate(frames) if frame.filename == "cell 1")
        return [(frame.filename, frame.lineno, frame.colno, frame.end_colno) for frame in frames[first:]]

    assert raised(True) == raised(False)


def test_functions_keep_their_pickle_where_we_are_not_installed() -> None:
    code = "def train(n):\n    for e in range(n):\n        loss = 1 / (e + 1)\n        print(f'loss {loss}')\n    return loss"
    tree = ast.fix_missing_locations(instrument(ast.parse(code), code, 1, tracked=False))
    source = f"import sys\nsys.modules.pop('jupyter_mlops', None)\n{ast.unparse(tree)}\nprint(train(3))"
    done = subprocess.run([sys.executable, "-I", "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(1 / 3)


def test_functions_keep_their_code_when_their_cell_is_edited_elsewhere() -> None:
    function = "def train(n):\n    for e in range(n):\n        loss = 1 / (e + 1)\n    return loss\n"
    codes = []
    for cell in (f"x = 1\n{function}", f"x = 2\ny = 3\n{function}"):
        notebook = Notebook()
        notebook.run(cell)
        codes.append(notebook.space["train"].__code__)
    assert codes[0].co_code == codes[1].co_code
    assert pickle.dumps([str(constant) for constant in codes[0].co_names]) == pickle.dumps(
        [str(constant) for constant in codes[1].co_names]
    )
