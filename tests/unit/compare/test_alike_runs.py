"""What is said of several runs in the same words is said once."""

from __future__ import annotations

import msgspec
from sample_runs import sample_run

from jupyter_mlops.compare.alike import alike
from jupyter_mlops.compare.comparison import compare_runs
from jupyter_mlops.compare.findings import DataDifference
from jupyter_mlops.compare.tables import comparison_text


def test_runs_of_which_the_same_is_said_stand_together_in_their_order() -> None:
    said = DataDifference(run_id="a", name="cars", change="changed", sentences=("rows 3 → 4",))
    other = msgspec.structs.replace(said, run_id="b", sentences=("rows 3 → 5",))
    again = msgspec.structs.replace(said, run_id="c")
    assert alike(["a", "b", "c", "d"], [said, other, again]) == [(["a", "c"], [said]), (["b"], [other])]


def test_a_terminal_tells_the_same_change_of_many_runs_once() -> None:
    reference, *others = (sample_run(number, datasets=()) for number in range(1, 6))
    data = sample_run(1).datasets
    runs = [reference, *(msgspec.structs.replace(run, datasets=data) for run in others)]
    text = comparison_text(compare_runs(runs, {}))
    added = [line for line in text.splitlines() if data[0].name in line and "added" in line]
    assert len(added) == 1
    assert added[0].startswith("#2 to #5: ")
