"""One colour a run. The same cases, with the same answers, as labextension/test/colours.test.ts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sample_runs import sample_run

from jupyter_mlops.compare.palette import COLORS, DASHES, run_styles


@pytest.mark.parametrize(
    ("numbers", "styles"),
    [
        ([3], [2]),
        ([5, 3, 2], [1, 2, 4]),
        ([8, 1], [0, 1]),
        ([1, 2, 3, 4, 5, 6, 7, 8, 12], [0, 1, 2, 3, 4, 5, 6, 7, 11]),
    ],
)
def test_a_run_has_the_colour_of_its_number_unless_another_has_it(
    numbers: list[int], styles: list[int]
) -> None:
    found = run_styles([sample_run(number, run_id=f"run{number}") for number in numbers])
    assert found == {f"run{number}": style for number, style in zip(sorted(numbers), styles, strict=True)}


def test_jupyterlab_draws_runs_in_the_same_colours_and_patterns() -> None:
    folder = Path(__file__).parents[3] / "labextension"
    style = (folder / "style" / "base.css").read_text(encoding="utf-8")
    assert tuple(re.findall(r"--jp-mlops-run-\d: (#\w+);", style)) == COLORS
    source = (folder / "src" / "colours.ts").read_text(encoding="utf-8")
    dashes = re.search(r"DASHES: number\[\]\[\] = (\[.*?\]);", source, re.DOTALL)
    assert dashes is not None
    assert json.loads(dashes[1]) == [list(dash) for dash in DASHES]
