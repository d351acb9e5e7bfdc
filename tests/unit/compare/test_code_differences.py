"""Code as executed, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_runs import LOAD, SPLIT, TRAIN, execution, sample_run, story_cells

from jupyter_mlops.compare.code_differences import unified_lines
from jupyter_mlops.compare.differences import describe_code, differences_between
from jupyter_mlops.compare.lineage import cell_lines, cell_title, standing_cells

if TYPE_CHECKING:
    from jupyter_mlops.records import Execution, Run


def differ(first: tuple[Execution, ...], second: tuple[Execution, ...], **fields: object):
    one = sample_run(1, cells=first, orders=(first[-1].order,))
    two = sample_run(2, cells=second, orders=(second[-1].order,), **fields)
    return differences_between(one, two)


def changes(first: tuple[Execution, ...], second: tuple[Execution, ...]) -> list[tuple[str, str]]:
    return [(d.change, d.title) for d in differ(first, second).code]


def test_the_run_stands_on_the_cells_it_needs_and_no_others() -> None:
    assert [cell.order for cell in standing_cells(sample_run())] == [1, 3, 4]


def test_a_mutation_keeps_what_it_changed() -> None:
    cells = (
        execution(1, "data = load()", bound=("data",)),
        execution(2, "data.drop(0, inplace=True)", reads=("data",), mutated=("data",)),
        execution(3, "unrelated = 1", bound=("unrelated",)),
        execution(4, "fit(data)", reads=("data",)),
    )
    assert [c.order for c in standing_cells(sample_run(cells=cells, orders=(4,)))] == [1, 2, 4]


def test_a_rebind_ends_the_search() -> None:
    cells = (
        execution(1, "data = old()", bound=("data",)),
        execution(2, "data = new()", bound=("data",)),
        execution(3, "fit(data)", reads=("data",)),
    )
    assert [c.order for c in standing_cells(sample_run(cells=cells, orders=(3,)))] == [2, 3]


def test_of_a_cell_run_twice_the_latest_execution_counts() -> None:
    cells = (
        execution(1, "x = 1", cell_id="a", bound=("x",)),
        execution(2, "x += 1", cell_id="b", reads=("x",), bound=("x",)),
        execution(3, "x += 1", cell_id="b", reads=("x",), bound=("x",)),
        execution(4, "fit(x)", cell_id="c", reads=("x",)),
    )
    assert [c.order for c in standing_cells(sample_run(cells=cells, orders=(4,)))] == [1, 3, 4]


def test_a_scratch_cell_is_never_stood_on() -> None:
    cells = (execution(1, "x = 1", bound=("x",), scratch=True), execution(2, "fit(x)", reads=("x",)))
    assert [c.order for c in standing_cells(sample_run(cells=cells, orders=(2,)))] == [2]


def test_a_script_has_only_its_source() -> None:
    run = sample_run(cells=(), orders=(), source="print(1)")
    assert [cell.source for cell in standing_cells(run)] == ["print(1)"]
    assert standing_cells(sample_run(cells=(), orders=(), source="")) == ()


def test_the_marker_is_no_difference() -> None:
    other = TRAIN.replace("%%track forest", "%%track --note 'again' other  ")
    assert {change for change, _ in changes(story_cells(), story_cells(train=other))} == {"same"}
    assert cell_lines("\n\n%%track x\n\nfit()  \n\n") == ["fit()"]
    assert cell_lines("%track on\nfit()") == ["fit()"]


def test_a_changed_cell_is_a_unified_diff() -> None:
    other = LOAD.replace("dropna()", 'dropna(subset=["sex"])')
    found = differ(story_cells(), story_cells(load=other))
    changed = [d for d in found.code if d.change != "same"]
    assert [d.title for d in changed] == ["Load the penguins"]
    assert changed[0].lines[-2:] == (
        "-penguins = penguins.dropna()",
        '+penguins = penguins.dropna(subset=["sex"])',
    )
    assert all(line[0] in " +-" for line in changed[0].lines)
    assert found.describe_code() == "1 line changed"


def test_lines_of_dashes_in_the_code_survive() -> None:
    assert unified_lines(["-- x", "a"], ["++ y", "a"]) == ["--- x", "+++ y", " a"]


def test_added_and_removed_cells() -> None:
    extra = execution(2, "X = X.assign(mass=1)", cell_id="new", reads=("X",), bound=("X",))
    base = (
        execution(1, "X = load()", cell_id="a", bound=("X",)),
        execution(3, "fit(X)", cell_id="c", reads=("X",)),
    )
    more = (base[0], extra, base[1])
    assert ("added", "X = X.assign(mass=1)") in changes(base, more)
    assert ("removed", "X = X.assign(mass=1)") in changes(more, base)


def test_a_moved_cell_is_recognised() -> None:
    def cells(*order: str) -> tuple[Execution, ...]:
        made = {
            "a": ("a = 1", ("a",), ()),
            "b": ("b = 2", ("b",), ()),
            "c": ("c = 3", ("c",), ()),
            "fit": ("fit(a, b, c)", (), ("a", "b", "c")),
        }
        return tuple(
            execution(n, made[k][0], cell_id=k, bound=made[k][1], reads=made[k][2])
            for n, k in enumerate(order, 1)
        )

    found = changes(cells("a", "b", "c", "fit"), cells("c", "a", "b", "fit"))
    assert [change for change, _ in found] == ["moved", "same", "same", "same"]
    assert (
        describe_code(differ(cells("a", "b", "c", "fit"), cells("c", "a", "b", "fit")).code) == "1 cell moved"
    )


def test_without_cell_ids_cells_are_matched_by_likeness() -> None:
    def bare(cells: tuple[Execution, ...]) -> tuple[Execution, ...]:
        return tuple(
            execution(c.order, c.source, bound=c.bound, reads=c.reads, mutated=c.mutated) for c in cells
        )

    other = story_cells(split=SPLIT.replace("0.33", "0.25"), train=TRAIN + "\nprint(model)")
    assert [change for change, _ in changes(bare(story_cells()), bare(other))] == [
        "same",
        "changed",
        "changed",
    ]


def test_a_copied_cell_is_its_original_edited() -> None:
    """`deeper` was copied from `forest` and still uses its import, so it stands on `forest` too."""
    imports = execution(1, "from forests import Forest\n\ndepth = 2\nmodel = Forest(depth)\nmodel.fit(X)",
                        cell_id="a", bound=("Forest", "depth", "model"))  # fmt: skip
    copy = execution(2, "depth = 2\nmodel = Forest(depth)\nmodel.fit(X)\nprint(model)",
                     cell_id="b", reads=("Forest",), bound=("depth", "model"))  # fmt: skip
    found = differ((imports,), (imports, copy))
    assert [d.change for d in found.code] == ["same", "changed"]
    assert found.describe_code() == "2 lines changed"


def test_a_cell_typed_anew_below_is_the_old_one_edited() -> None:
    load = "data = pd.read_csv('{}')\nX = data[features]\ny = data['churned']\nX = X.fillna(0)"
    ends = [execution(n, "fit(X, y)", cell_id="fit", reads=("X", "y")) for n in (2, 3)]
    first = (execution(1, load.format("old.csv"), cell_id="a", bound=("data", "X", "y")), ends[0])
    second = (execution(2, load.format("churn.csv"), cell_id="b", bound=("data", "X", "y")), ends[1])
    assert [change for change, _ in changes(first, second)] == ["changed", "same"]


def test_quite_another_cell_is_added_not_changed() -> None:
    one = (execution(1, "model = Forest()\nmodel.fit(X)\nmodel.score(X)", cell_id="a"),)
    two = (execution(1, "for epoch in range(9):\n    loss = step()", cell_id="b"),)
    assert sorted(change for change, _ in changes(one, two)) == ["added", "removed"]


def test_an_edited_parameter_is_not_edited_code() -> None:
    other = story_cells(train=TRAIN.replace("max_depth = 3", "max_depth = 8"))
    found = differ(story_cells(), other, params={**sample_run().params, "max_depth": 8})
    assert [d.change for d in found.code] == ["same", "same", "changed"]
    assert found.describe_code() == "otherwise same"


def test_a_setting_inside_a_call_is_a_parameter_too() -> None:
    one = (execution(1, "%%track\nmodel = SVC(C=1.0, shape=(3, 2), low=-1)"),)
    two = (execution(1, "%%track\nmodel = SVC(C=2.5, shape=(4, 2), low=-2)  # stronger"),)
    first = sample_run(1, cells=one, orders=(1,), params={"C": 1.0, "shape": [3, 2], "low": -1})
    second = sample_run(2, cells=two, orders=(1,), params={"C": 2.5, "shape": [4, 2], "low": -2})
    assert differences_between(first, second).describe_code() == "otherwise same"


def test_another_literal_beside_the_parameter_is_a_change_of_code() -> None:
    other = TRAIN.replace("max_depth = 3", "max_depth = 8").replace('"macro"', '"micro"')
    found = differ(story_cells(), story_cells(train=other), params={**sample_run().params, "max_depth": 8})
    assert found.describe_code() == "2 lines changed"


def test_code_that_does_not_parse_is_compared_all_the_same() -> None:
    one = (execution(1, "!ls\nx = 1"),)
    two = (execution(1, "!ls\nx = 2"),)
    found = differ(one, two, params={**sample_run().params, "x": 2})
    assert found.describe_code() == "1 line changed"


def test_titles() -> None:
    assert cell_title(execution(1, "# a note\nimport os\n\nrows = 3")) == "rows = 3"
    assert cell_title(execution(1, "import os")) == "import os"
    assert cell_title(execution(1, "")) == "empty cell"
    assert len(cell_title(execution(1, "x = " + "1" * 200))) == 60


def test_runs_without_code_differ_in_none() -> None:
    empty: Run = sample_run(1, cells=(), orders=(), source="")
    assert differences_between(empty, empty).code == ()
