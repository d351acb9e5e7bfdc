"""Which executions are kept, and the reason that is shown."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.export.shown import name_shown_values
from jupyter_mlops.export.slicing import all_successful, slice_cells, with_static_names
from jupyter_mlops.records import Execution, FileUse


def cell(order: int, code: str = "pass", **fields: Any) -> Execution:
    return Execution(
        execution_id=f"e{order}",
        session_id="s",
        order=order,
        execution_count=order,
        source=code,
        code=code,
        **fields,
    )


def test_a_rebind_kills_and_a_mutation_does_not() -> None:
    cells = [
        cell(1, "a = old()", bound=("a",)),
        cell(2, "a = new()", bound=("a",)),
        cell(3, "a.append(1)", reads=("a",), mutated=("a",)),
        cell(4, "b = a", reads=("a",), bound=("b",)),
    ]
    found = slice_cells(cells, wanted=[4])
    assert found.orders == (2, 3, 4)
    assert found.kept[0].reason == "makes `a`, which cell [4] needs"
    assert found.kept[1].reason == "changes `a`, which cell [4] needs"
    assert found.kept[2].reason == "it is the run itself"


def test_a_mutation_through_another_name_brings_that_name_along() -> None:
    cells = [
        cell(1, "a = [1]", bound=("a",)),
        cell(2, "b = a", reads=("a",), bound=("b",)),
        cell(3, "b.append(1)", reads=("b",), mutated=("a", "b")),
        cell(4, "c = a", reads=("a",), bound=("c",)),
    ]
    assert slice_cells(cells, wanted=[4]).orders == (1, 2, 3, 4)


def test_seeding_ends_the_need_for_earlier_draws() -> None:
    draws: dict[str, Any] = {"ambient_reads": ("rng:numpy",), "ambient_writes": ("rng:numpy",)}
    cells = [
        cell(1, ambient_writes=("rng:numpy",)),
        cell(2, **draws),
        cell(3, ambient_writes=("rng:numpy",)),
        cell(4, **draws),
        cell(5, bound=("x",), **draws),
    ]
    assert slice_cells(cells, wanted=[5]).orders == (3, 4, 5)


def test_files_go_from_writer_to_reader() -> None:
    cells = [
        cell(1, files=(FileUse(path="/d/a", mode="w"),)),
        cell(2, files=(FileUse(path="/d/a", mode="a"),)),
        cell(3, files=(FileUse(path="/d/b", mode="w"),)),
        cell(4, files=(FileUse(path="/d/a", mode="r"),)),
    ]
    found = slice_cells(cells, wanted=[4])
    assert found.orders == (1, 2, 4)
    assert "/d/a" in found.kept[0].reason


def test_only_what_the_code_itself_sets_reaches_everything() -> None:
    cells = [
        cell(1, "import os\nos.chdir('x')", ambient_writes=("cwd",)),
        cell(2, "import heavy", bound=("heavy",), ambient_writes=("environ",)),
        cell(3, "a = 1", bound=("a",)),
    ]
    assert slice_cells(cells, wanted=[3]).orders == (1, 3)


def test_imports_and_definitions_alone_are_kept_alone() -> None:
    code = "import numpy as np\nmodel = fit(data)\ndef score(m):\n    return np.mean(m) + rate"
    cells = [
        cell(1, "rate = 2", bound=("rate",)),
        cell(2, "data = load()", bound=("data",)),
        cell(3, code, reads=("data", "fit"), bound=("np", "model", "score")),
        cell(4, "x = score([1])", reads=("score", "np", "rate"), bound=("x",)),
    ]
    found = slice_cells(cells, wanted=[4])
    assert found.orders == (1, 3, 4)
    assert found.kept[1].only == ("np", "score")


def test_scratch_and_unknown_names_are_told() -> None:
    cells = [cell(1, bound=("a",), scratch=True), cell(2, reads=("a", "b", "len"), bound=("c",))]
    found = slice_cells(cells, wanted=[2])
    assert found.orders == (2,)
    assert found.scratch == {"a": 1}
    assert found.missing == ("b",)


def test_pinned_excluded_and_widened() -> None:
    cells = [
        cell(1, bound=("a",)),
        cell(2, opaque=("it",)),
        cell(3, "b = 1", bound=("b",)),
        cell(4, reads=("a",), bound=("c",)),
    ]
    assert slice_cells(cells, wanted=[4], pin=[3]).orders == (1, 3, 4)
    assert slice_cells(cells, wanted=[4], exclude=[1]).orders == (4,)
    assert slice_cells(cells, wanted=[4], widen=True).orders == (1, 2, 4)


def test_the_widest_slice_leaves_out_failures_that_did_nothing() -> None:
    cells = [
        cell(1),
        cell(2, status="failed", completed=0),
        cell(3, status="failed", completed=1),
        cell(4, scratch=True),
        cell(5),
        cell(6),
    ]
    assert all_successful(cells, last=5).orders == (1, 3, 5)


def test_history_is_read_from_its_code() -> None:
    found = with_static_names(cell(1, "%time".replace("%time", "a = b"), from_history=True))
    assert (found.reads, found.bound) == (("b",), ("a",))


def test_displayed_values_get_names() -> None:
    cells = [
        cell(1, "x + 1"),
        cell(2, "print(3)"),
        cell(3, "y = _ + Out[1] + _1", reads=("_",), bound=("y",)),
    ]
    named = name_shown_values(cells)
    assert [found.code for found in named] == ["out_1 = x + 1", "print(3)", "y = out_1 + out_1 + out_1"]
    assert named[2].reads == ("out_1",)
    assert slice_cells(named, wanted=[3]).orders == (1, 3)


def test_a_name_that_was_displayed_is_read_by_itself_while_it_holds_the_value() -> None:
    made = cell(1, "a = f()\na", bound=("a",), reads=("f",))
    for between, expected in (
        (cell(2, "b = 1", bound=("b",)), "a"),
        (cell(2, "a = 1", bound=("a",)), "out_1"),
    ):
        named = name_shown_values([made, between, cell(3, "c = _.copy()", bound=("c",))])
        assert (named[2].code, named[2].reads) == (f"c = {expected}.copy()", (expected,))
        assert named[0].code == ("a = f()\na" if expected == "a" else "a = f()\nout_1 = a")


def test_an_underscore_of_the_users_own_stays() -> None:
    cells = [cell(1, "x + 1"), cell(2, "a, _ = f()", bound=("a", "_")), cell(3, "y = _", reads=("_",))]
    assert [found.code for found in name_shown_values(cells)] == ["x + 1", "a, _ = f()", "y = _"]
    # As the capture sees them: its difference of namespaces has no underscores.
    cells = [
        cell(1, "x + 1"),
        cell(2, "y = _ + [_ for _ in d][0]", reads=("_",), bound=("y",)),
        cell(3, "__, _ = f()"),
        cell(4, "z = _ + y", reads=("y",), bound=("z",)),
    ]
    named = name_shown_values(cells)
    assert [found.code for found in named] == [
        "out_1 = x + 1",
        "y = out_1 + [_ for _ in d][0]",
        "__, _ = f()",
        "z = _ + y",
    ]
    assert slice_cells(named, wanted=[4]).orders == (1, 2, 3, 4)


def test_a_definition_that_alone_is_needed_brings_what_its_cell_gives_it() -> None:
    code = "import numpy as np\nfrom m import Base\nclass Own(Base):\n    pass\nclass Other:\n    pass"
    made = cell(2, code, bound=("np", "Base", "Own", "Other"))
    needs = cell(3, "x = Own()", reads=("Own",), bound=("x",))
    cells = [cell(1, "Base = 1", bound=("Base",)), made, needs]
    found = slice_cells(cells, wanted=[3])
    assert (found.orders, found.kept[0].only) == ((2, 3), ("Base", "Own"))
    assert not found.missing
    # What the cell does with a definition may leave its mark on it.
    for code, only in (
        ("def f(k=[]):\n    k.append(1)\n    return k\nf(1)", ()),
        ("def f(k=None):\n    return k\nf(1)", ("f",)),
        ("def f():\n    f.n = getattr(f, 'n', 0) + 1\n    return f.n\nf()", ()),
        ("class f:\n    seen = []\n    def __init__(self):\n        self.seen.append(1)\na = f()", ()),
        ("class f:\n    n = 0\n    def __init__(self):\n        type(self).n += 1\na = f()", ()),
        ("class f:\n    n = 0\n    def __init__(self):\n        self.n = 1\na = f()", ("f",)),
    ):
        cells = [cell(1, code, bound=("f", "a")), cell(2, "x = f()", reads=("f",), bound=("x",))]
        assert slice_cells(cells, wanted=[2]).kept[0].only == only, code
    made = cell(2, "Base = pick()\nclass Own(Base):\n    pass", reads=("pick",), bound=("Base", "Own"))
    found = slice_cells([cell(1, "def pick(): ...", bound=("pick",)), made, needs], wanted=[3])
    assert (found.orders, found.kept[1].only) == ((1, 2, 3), ())
