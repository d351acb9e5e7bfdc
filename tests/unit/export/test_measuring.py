"""Where the numbers of metrics are kept: whatever is read besides stays as it was."""

from __future__ import annotations

import pytest

from jupyter_mlops.export import measuring
from jupyter_mlops.export.plan import KeptCell, Slice, Words
from jupyter_mlops.export.sites import find_sites
from jupyter_mlops.export.steps import prepare_cells
from jupyter_mlops.records import Execution, MetricDetail, Span


@pytest.mark.parametrize(
    ("code", "needed", "expected"),
    [
        ("acc = score(x)", set(), {"m": 0.5}),
        ("acc = score(x)\nfound['a'] = acc", {"acc"}, {"m": 0.5, "a": 0.5}),
        ("acc = score(x) * 100\nfound['a'] = acc", {"acc"}, {"m": 0.5, "a": 50.0}),
        ("acc = score(x) * 100", set(), {"m": 0.5}),
        ("found['a'] = score(x) + 1", {"found"}, {"m": 0.5, "a": 1.5}),
    ],
)
def test_a_number_is_kept_and_what_is_made_of_it_stays(
    code: str, needed: set[str], expected: dict[str, float]
) -> None:
    cell = Execution(execution_id="1", session_id="s", order=1, source=code, code=code)
    cells = prepare_cells([cell], Slice(kept=(KeptCell(order=1, reason=""),)))
    begin = code.index("score(x)")
    span = Span(line=1, column=begin, end_line=1, end_column=begin + len("score(x)"))
    details = {"m": MetricDetail(origin="call", expression="score(x)", order=1, span=span)}
    sites, lost = find_sites(details, cells)
    assert not lost
    words = Words(config="config", metrics="metrics", result="result")
    measuring.Recorder(words, lambda _: True, details, needed).record(sites)
    (source,) = (found.source for found in cells)

    class Metrics(dict[str, float]):
        def keep(self, name: str, value: float) -> float:
            self[name] = value
            return value

    space = {"metrics": Metrics(), "found": {}, "score": lambda _: 0.5, "x": 1}
    exec(source.render(0, len(code.encode()), around=False), space)
    assert space["metrics"] | space["found"] == expected  # type: ignore[operator]
