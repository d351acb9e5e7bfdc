"""State that no name of the notebook shows: what a number stands on is kept all the same.

Cells run under the real ledger, and the slice of the last one is looked at.
"""

from __future__ import annotations

import decimal
import fractions
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_mlops.capture import ambient, modules
from jupyter_mlops.capture.ledger import Cell, Ledger, Outcome
from jupyter_mlops.export import slicing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = """
THRESHOLD = 1
ITEMS = [1]
class Setting:
    level = 1
def get(): return THRESHOLD
def configure(value):
    global THRESHOLD
    THRESHOLD = value
"""
IDLE = "idle = 1"
COUNTER = "class A:\n    seen = []\n    def add(self, x): self.seen.append(x)"
CACHED = "import functools\nscale = 2\n@functools.cache\ndef f(x):\n    return x * scale"
CONNECT = "import sqlite3\ncon = sqlite3.connect('d.db')\ncon.execute('create table t (a)'); con.commit()"
FILL = "con.execute('insert into t values (3)'); con.commit()"
TOTAL = "t = sqlite3.connect('d.db').execute('select sum(a) from t').fetchone()[0]"
REPLACE = "os.replace('old.txt', 'new.txt')"
MEMORY = "import sqlite3\ncon = sqlite3.connect(':memory:')\ncur = con.cursor()"
TRIAL = "import decimal\ndef coarse(n):\n    decimal.getcontext().prec = n"
SHELF = "with shelve.open('kept.shelf') as s: s['a'] = s.get('a', 1) + 2"

#: Cells, of which the last is wanted, and the orders that are not needed for it; all others are.
CASES: dict[str, tuple[list[str], set[int]]] = {
    "a module's attribute": (["import own_settings as o", "o.THRESHOLD = 3", IDLE, "t = o.get()"], {3}),
    "by setattr": (["import own_settings as o", "setattr(o, 'THRESHOLD', 4)", IDLE, "t = o.get()"], {3}),
    "by its function": (["import own_settings as o", "o.configure(5)", IDLE, "t = o.get()"], {3}),
    "its list": (["import own_settings as o", "o.ITEMS.append(2)", IDLE, "t = sum(o.ITEMS)"], {3}),
    "its class": (["from own_settings import Setting", "Setting.level = 2", IDLE, "t = Setting().level"], {3}),
    "its function": (["import own_settings as o", "o.get = lambda: 9", IDLE, "t = o.get()"], {3}),
    "a module only asked": (["import own_settings as o", "o.get()", "t = o.get()"], {2}),
    "a library's class": (
        ["from fractions import Fraction", "Fraction.twice = lambda s: s * 2", IDLE, "t = Fraction(1, 2).twice()"],
        {3},
    ),
    "the decimal context": (
        ["import decimal", "decimal.getcontext().prec = 3", IDLE, "t = decimal.Decimal(1) / 7"],
        {3},
    ),
    "the decimal context, inside": ([TRIAL, "coarse(4)", IDLE, "t = decimal.Decimal(1) / 7"], {3}),
    "warnings that raise": (
        ["import warnings", "warnings.simplefilter('error')", IDLE, "t = len(warnings.filters)"],
        {3},
    ),
    "what a cache remembers": ([CACHED, "f(3)", "scale = 10", IDLE, "t = f(3) + f(4)"], {4}),
    "a cache asked again": ([CACHED, "f(3)", "f(3)", "t = f(3)"], {3}),
    "a generator's other name": (["g = (i for i in range(9))", "h = g", "next(h)", IDLE, "t = next(g)"], {4}),
    "a generator in a list": (["g = iter(range(9))", "box = [g]", "next(box[0])", IDLE, "t = next(g)"], {4}),
    "a generator over another": (
        ["g = iter(range(9))", "h = (x * 2 for x in g)", "next(h)", IDLE, "t = next(g)"],
        {4},
    ),
    "a map over an iterator": (["g = iter([1, 2, 3])", "h = map(str, g)", "next(h)", IDLE, "t = next(g)"], {4}),
    "a method kept": (["l = []", "push = l.append", "push(3)", IDLE, "t = len(l)"], {4}),
    "a view of bytes": (["a = bytearray(b'ab')", "m = memoryview(a)", "m[0] = 5", IDLE, "t = a[0]"], {4}),
    "a weak reference": (
        ["import weakref\nclass N: v = 1", "n = N()", "r = weakref.ref(n)", "r().v = 9", IDLE, "t = n.v"],
        {5},
    ),
    "a class's list": ([COUNTER, "a = A()", "a.add(2)", IDLE, "t = sum(A.seen)"], {4}),
    "the base's list": ([COUNTER, "class B(A): pass", "B().add(2)", IDLE, "t = sum(A.seen)"], {4}),
    "a random state kept": (
        ["import random", "random.seed(3)", "s = random.getstate()", "random.random()", "random.setstate(s)",
         IDLE, "t = random.random()"],
        {4, 6},
    ),
    "a database's file": ([CONNECT, FILL, IDLE, "import sqlite3\n" + TOTAL], {3}),
    "a database in memory": (
        [MEMORY, "cur.execute('create table t (a)')", "cur.execute('insert into t values (7)')", IDLE,
         "t = con.execute('select sum(a) from t').fetchone()[0]"],
        {4},
    ),
    "a file appended to": (["open('l.txt', 'w').write('1')", "open('l.txt', 'a').write('2')", IDLE,
                            "t = open('l.txt').read()"], {3}),
    "a file read and written": (["open('n.txt', 'w').write('1')", "x = open('n.txt').read()\nopen('n.txt', 'w').write(x * 2)",
                                 IDLE, "t = open('n.txt').read()"], {3}),
    "a file renamed": (["import os", "open('old.txt', 'w').write('5')", REPLACE, IDLE, "t = open('new.txt').read()"], {4}),
    "a folder looked into": (["import os\nos.mkdir('dd')", "open('dd/a', 'w').close()", IDLE, "t = len(os.listdir('dd'))"], {3}),
    "a shelf": (["import shelve", SHELF, SHELF, IDLE, "with shelve.open('kept.shelf') as s: t = s['a']"], {4}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with a module of the user's, and all that cells set put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(ambient, "_first", {})
    # The modules of all tests of this process are the user's own, too: more than a cell has time for.
    monkeypatch.setattr(modules, "_SECONDS", 60.0)
    (tmp_path / "own_settings.py").write_text(MODULE)
    with decimal.localcontext(), warnings.catch_warnings():
        yield
    sys.modules.pop("own_settings", None)
    if hasattr(fractions.Fraction, "twice"):
        del fractions.Fraction.twice


@pytest.mark.parametrize("case", CASES)
def test_what_a_number_stands_on_is_kept(case: str) -> None:
    cells, idle = CASES[case]
    space: dict[str, Any] = {"__name__": "__main__"}
    ledger = Ledger(space, lambda name: name.startswith("_"))
    for code in cells:
        started = ledger.begin(Cell(source=code, code=code))
        exec(compile(code, "cell", "exec"), space)
        ledger.end(started, Outcome())
    kept = slicing.slice_cells(ledger.executions, wanted=[len(cells)]).orders
    assert set(kept) == set(range(1, len(cells) + 1)) - idle, [
        (
            cell.order,
            cell.reads,
            cell.mutated,
            cell.opaque,
            cell.ambient_reads,
            cell.ambient_writes,
            cell.files,
        )
        for cell in ledger.executions
    ]
