"""Where the numbers of metrics are kept: whatever is read besides stays as it was."""

from __future__ import annotations

import ast

import pytest
from sklearn.metrics import classification_report

from jupyter_mlops.export import measuring
from jupyter_mlops.export.plan import KeptCell, Slice, Words
from jupyter_mlops.export.script.pipeline_runner import Metrics
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

    space = {"metrics": Metrics(), "found": {}, "score": lambda _: 0.5, "x": 1}
    exec(source.render(0, len(code.encode()), around=False), space)
    assert space["metrics"] | space["found"] == expected  # type: ignore[operator]


@pytest.mark.parametrize(
    ("code", "needed", "named"),
    [
        ("cr = classification_report(y, p)", set(), False),
        ("cr = classification_report(y, p,)\nfound['a'] = cr", {"cr"}, True),
    ],
)
def test_the_numbers_of_a_report_bound_as_text_are_asked_for(
    code: str, needed: set[str], named: bool
) -> None:
    cell = Execution(execution_id="1", session_id="s", order=1, source=code, code=code)
    cells = prepare_cells([cell], Slice(kept=(KeptCell(order=1, reason=""),)))
    call = ast.parse(code).body[0].value  # type: ignore[attr-defined]
    span = Span(line=1, column=call.col_offset, end_line=1, end_column=call.end_col_offset)
    details = {
        f"{label}.{score}": MetricDetail(
            origin="call", expression=ast.unparse(call), order=1, span=span, path=(label, score)
        )
        for label in ("0", "1")
        for score in ("precision", "recall", "f1-score")
    }
    details = {name.replace("-", "_"): detail for name, detail in details.items()}
    sites, _ = find_sites(details, cells)
    words = Words(config="config", metrics="metrics", result="result")
    measuring.Recorder(words, lambda _: True, details, needed).record(sites)
    script = cells[0].source.render(0, len(code.encode()))
    assert ("cr = " in script) == named
    metrics = Metrics()
    space = {"metrics": metrics, "found": {}, "classification_report": classification_report}
    exec(script, space | {"y": [0, 1, 1, 0], "p": [0, 1, 0, 0]})
    assert metrics["1.recall"] == 0.5
    assert metrics["0.f1_score"] == pytest.approx(0.8)
