"""What is known of an executed cell: read, bound, changed, deleted, also through aliases."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_mlops.capture.fingerprint import fingerprint, fingerprint_columns
from jupyter_mlops.capture.ledger import Cell, Ledger, Outcome

if TYPE_CHECKING:
    from jupyter_mlops.records import Execution


class Session:
    """Executes cells as a kernel would, with the ledger around them."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {"__name__": "__main__"}
        self.ledger = Ledger(self.space, lambda name: name.startswith("_"))

    def run(self, code: str, **options: Any) -> Execution:
        started = self.ledger.begin(Cell(source=code, code=code, **options))
        try:
            exec(compile(code, "cell", "exec"), self.space)
            outcome = Outcome()
        except Exception:
            outcome = Outcome(status="failed", completed=0)
        return self.ledger.end(started, outcome)


def after(*cells: str) -> Execution:
    session = Session()
    return [session.run(cell) for cell in cells][-1]


SHARED = "import numpy as np\nimport pandas as pd\nframe = pd.DataFrame({'a': [1, 2], 'b': [3.0, 4.0]})"


@pytest.mark.parametrize(
    ("cells", "mutated"),
    [
        (["a = [1]", "a.append(2)"], {"a"}),
        (["a = [1]", "b = a", "b.append(2)"], {"a", "b"}),
        (["a = [1]", "len(a)"], set()),
        (["a = {'k': [1]}", "inner = a['k']", "inner.append(2)"], {"a", "inner"}),
        ([SHARED, "frame.drop(columns='a', inplace=True)"], {"frame"}),
        ([SHARED, "frame.describe()"], set()),
        ([SHARED, "frame['c'] = 1"], {"frame"}),
        ([SHARED, "array = np.zeros(4)", "view = array[:2]", "view[0] = 1"], {"array", "view"}),
        (["def f():\n    a.append(1)", "a = []", "f()"], {"a"}),
        (["class C: pass", "c = C()", "c.x = 1"], {"c"}),
        (["class C: pass", "C.x = 1"], {"C"}),
        (["def f(): pass", "f.calls = 1"], {"f"}),
        (["def make():\n    n = [0]\n    def step():\n        n[0] += 1\n    return step", "step = make()", "step()"], {"step"}),
        (["registry = {}\ndef register(f):\n    registry[f.__name__] = f\n    return f", "@register\ndef g(): pass"], {"registry"}),
        (["a = [1]", "eval('a.append(2)')"], {"a"}),
        (["it = iter([1, 2])", "x = next(it)"], set()),
    ],
)  # fmt: skip
def test_changes_are_seen(cells: list[str], mutated: set[str]) -> None:
    execution = after(*cells)
    assert set(execution.mutated) == mutated


@pytest.mark.parametrize(
    ("cells", "bound"),
    [
        (["x = 1"], {"x"}),
        (["x = 1", "x = 1"], {"x"}),
        (["x = 1", "if False: x = 2"], set()),
        (["x = 1", "if True: x = 2"], {"x"}),
        (["exec('y = 2')"], {"y"}),
        (["def f():\n    global z\n    z = 1", "f()"], {"z"}),
        (["from math import *"], {"pi"}),
        (["globals()['q'] = 1"], {"q"}),
        (["for i in range(3): pass"], {"i"}),
    ],
)
def test_bindings_are_seen(cells: list[str], bound: set[str]) -> None:
    execution = after(*cells)
    assert bound <= set(execution.bound)
    if not bound:
        assert not execution.bound


def test_reads_reach_through_functions() -> None:
    execution = after("scale = 2", "def double(x):\n    return scale * x", "y = double(3)")
    assert set(execution.reads) == {"double", "scale"}


def test_deletions_are_seen() -> None:
    assert after("a = 1", "del a").deleted == ("a",)


def test_opaque_objects_that_were_touched_are_named() -> None:
    assert "stream" in after("stream = (x for x in [1, 2])", "first = next(stream)").opaque


def test_a_failed_cell_binds_only_what_it_reached() -> None:
    execution = after("a = 1", "a = 2\nb = 1 / 0\nc = 3")
    assert (execution.status, execution.bound) == ("failed", ("a",))


def test_random_state_is_a_read_and_a_write() -> None:
    session = Session()
    session.run("import random, numpy as np")
    drawn = session.run("x = np.random.rand()")
    assert "rng:numpy" in drawn.ambient_reads
    assert "rng:numpy" in drawn.ambient_writes
    seeded = session.run("np.random.seed(0)")
    assert "rng:numpy" in seeded.ambient_writes
    assert "rng:numpy" not in seeded.ambient_reads


def test_files_read_and_written_are_named(tmp_path: Any) -> None:
    path = tmp_path / "numbers.csv"
    session = Session()
    session.run("import pandas as pd")
    written = session.run(f"pd.DataFrame({{'a': [1]}}).to_csv({str(path)!r})")
    assert [(use.path, "w" in use.mode) for use in written.files if use.path == str(path)] == [
        (str(path), True)
    ]
    read = session.run(f"frame = pd.read_csv({str(path)!r})")
    assert [use.hash for use in read.files if use.path == str(path)] != [""]


def test_scratch_keeps_no_source() -> None:
    session = Session()
    execution = session.run("x = 41", scratch=True)
    assert (execution.source, execution.code, execution.bound) == ("", "", ("x",))


def test_lineage_follows_reads_bindings_and_changes() -> None:
    session = Session()
    for code in ("a = [1]", "b = 2", "alias = a", "alias.append(3)", "a_other = 5", "c = sum(a)"):
        session.run(code)
    assert [execution.code for execution in session.ledger.lineage(6)] == [
        "a = [1]", "alias = a", "alias.append(3)", "c = sum(a)",
    ]  # fmt: skip


def test_literals_are_remembered_until_rebound() -> None:
    session = Session()
    session.run("rate = 0.1\ndepth = 3")
    session.run("depth = rate * 2")
    assert list(session.ledger.literals) == ["rate"]


def test_cells_from_history_are_known_by_their_syntax() -> None:
    session = Session()
    session.space["early"] = 2
    session.ledger.remember("early = 2", "early = 2", 1)
    execution = session.run("x = early + 1")
    assert [made.code for made in session.ledger.lineage(execution.order)] == ["early = 2", "x = early + 1"]


def test_between_two_cells_a_value_is_read_once_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    session.run("import numpy as np\na = np.zeros(4)")
    read: list[Any] = []

    def counting(value: Any, **options: Any) -> tuple[str, tuple[bytes, ...]]:
        read.append(value)
        return fingerprint_columns(value, **options)

    monkeypatch.setattr("jupyter_mlops.capture.ledger.fingerprint_columns", counting)
    execution = session.run("a[0] = 1")
    a = session.space["a"]
    assert session.ledger.fingerprint(a) == execution.fingerprints["a"] == fingerprint(a)
    assert sum(value is a for value in read) == 1
    changed = session.run("a[0] = 2")
    assert changed.mutated == ("a",)
    assert session.ledger.fingerprint(a) == changed.fingerprints["a"] != execution.fingerprints["a"]
    session.ledger.settled()
    del session.space["a"], read[:]
    assert sys.getrefcount(a) == 2


def test_what_a_cell_binds_beyond_the_time_for_it_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.capture.ledger._PATIENCE", -1.0)
    monkeypatch.setattr("jupyter_mlops.capture.ledger._HURRIED", 10_000)
    session = Session()
    first = session.run("a = [str(n) for n in range(9_000)]\nb = 1")
    assert first.fingerprints["a"].startswith("sampled:")
    assert not first.fingerprints["b"].startswith("sampled:")
    monkeypatch.setattr("jupyter_mlops.capture.ledger._PATIENCE", 1_000.0)
    # With time enough again it is compared with what was read of it.
    again = session.run("len(a)")
    assert again.fingerprints["a"] == first.fingerprints["a"]
    assert not again.mutated
    assert session.run("a[:] = a[::-1]").mutated == ("a",)
