"""What a cell takes from cells before it, where it binds the same name itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sample_runs import execution, sample_run

from jupyter_mlops.compare.first_reads import truly_read
from jupyter_mlops.compare.lineage import standing_cells

if TYPE_CHECKING:
    from jupyter_mlops.records import Execution

LOOP = "for epoch in range(9):\n    loss = step(epoch)\nprint(loss)"


def executed(code: str, *, reads: str, bound: str, order: int = 1, status: str = "ok") -> Execution:
    names = {"reads": tuple(reads.split()), "bound": tuple(bound.split())}
    return execution(order, code, cell_id=f"cell{order}", status=status, **names)


@pytest.mark.parametrize(
    ("code", "bound", "taken"),
    [
        (LOOP, "epoch loss", False),
        (LOOP, "loss", True),  # the loop had no turn, as far as anybody knows
        ("for epoch in range(9):\n    loss += step(epoch)", "epoch loss", True),
        ("while going():\n    loss = step(1)\nprint(loss)", "loss", False),
        ("loss = loss / 2", "loss", True),
        ("if ready:\n    loss = 1\nprint(loss)", "loss", True),
        ("if ready:\n    loss = 1\nelse:\n    loss = 2\nprint(loss)", "loss", False),
        ("try:\n    loss = 1\nexcept ValueError:\n    pass\nprint(loss)", "loss", True),
        ("for i in range(3):\n    print(loss)\n    loss = i", "i loss", True),
        ("losses = [loss for loss in range(3)]\nloss = 1", "losses loss", False),
        ("def show():\n    return loss\nloss = 1", "show loss", True),
        ("with once() as loss:\n    print(loss)", "loss", False),
        ("loss: float = 0.0\nloss += 1", "loss", False),
        ("loss = 1\ndel loss\nprint(loss)", "loss", True),
        ("print(f'{loss:.2f}', (loss := 3))", "loss", True),
        ("not python at all", "loss", True),
    ],
)
def test_only_what_is_read_before_it_is_bound_is_taken(code: str, bound: str, taken: bool) -> None:
    cell = executed(code, reads="loss other", bound=bound)
    assert truly_read(cell) == ({"loss", "other"} if taken else {"other"})


def test_of_a_cell_that_broke_off_everything_may_be_taken() -> None:
    assert "loss" in truly_read(executed(LOOP, reads="loss", bound="epoch loss", status="failed"))


def test_a_training_loop_does_not_stand_on_the_one_before_it() -> None:
    cells = [executed(LOOP, reads="step loss", bound="epoch loss", order=order) for order in (1, 2, 3)]
    assert [cell.order for cell in standing_cells(sample_run(1, cells=tuple(cells), orders=(3,)))] == [3]
