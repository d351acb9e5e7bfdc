"""A comparison as data frames, page, text, picture and widget."""

from __future__ import annotations

import base64
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import vl_convert
from sample_runs import (
    TRAIN,
    deeper_run,
    environment,
    evaluation,
    killed_run,
    loss_curve,
    penguins,
    sample_run,
    story_cells,
    warnings,
)
from test_run_card import Page, assert_harmless, evil_run

from jupyter_mlops.compare import compare_runs
from jupyter_mlops.compare.charts import curve_chart, curve_metrics
from jupyter_mlops.compare.many_charts import many_chart
from jupyter_mlops.compare.palette import COLORS, run_looks
from jupyter_mlops.compare.reading import compare_stored
from jupyter_mlops.compare.statistics import smooth, thin
from jupyter_mlops.errors import MetricNotFoundError, UsageError
from jupyter_mlops.records import Artifact, Curve, MetricDetail
from jupyter_mlops.widgets import Comparison
from jupyter_mlops.widgets.curve_picture import curve_svg
from jupyter_mlops.widgets.theme import STYLE

if TYPE_CHECKING:
    from jupyter_mlops.compare.findings import RunComparison


def curved() -> RunComparison:
    one, two = sample_run(1), deeper_run(2)
    curves = {
        "loss": {one.run_id: loss_curve(), two.run_id: loss_curve(1.4, 0.02)},
        "val_loss": {two.run_id: loss_curve(floor=0.3)},
    }
    return compare_runs([one, two], curves)


def test_frames() -> None:
    shown = Comparison(
        compare_runs(
            [sample_run(14), deeper_run(15, environment=environment(pandas="4"), datasets=(penguins("x"),))]
        )
    )
    metrics = shown.metrics()
    assert metrics.loc["accuracy", "#15"] == pytest.approx(0.9684, abs=1e-4)
    assert metrics.loc["accuracy", "change #15"] == pytest.approx(0.02105, abs=1e-4)
    assert metrics.loc["accuracy", "best"] == "#15"
    assert shown.params().to_dict() == {"#14": {"max_depth": 3}, "#15": {"max_depth": 8}}
    assert len(shown.params(only_differing=False)) == 4
    assert (
        shown.code().query("change == 'changed'")["diff"].item().startswith("-max_depth = 3\n+max_depth = 8")
    )
    assert shown.data()["change"].tolist() == ["changed"]
    assert shown.environment().to_dict("records") == [
        {"run": "#15", "name": "pandas", "reference": "3.1.0", "value": "4"}
    ]
    assert shown.comparable().to_dict("records")[0] == {
        "metric": "accuracy",
        "comparable": True,
        "reason": "",
    }
    assert shown.record.reference == shown.record.runs[0].run_id


def test_frames_of_runs_with_nothing_in_them() -> None:
    bare = {"metrics": {}, "params": {}, "cells": (), "source": "", "orders": (), "datasets": ()}
    shown = Comparison(compare_runs([sample_run(1, **bare), sample_run(2, **bare)]))
    for frame in (shown.metrics(), shown.params(), shown.code(), shown.data(), shown.comparable()):
        assert len(frame) == 0
    assert "None of these runs has a metric." in Page(shown.html()).text


def test_comparable_names_the_reason() -> None:
    details = {"accuracy": MetricDetail(origin="call", evaluation=evaluation(86, "other"))}
    shown = Comparison(compare_runs([sample_run(14), deeper_run(15, metric_details=details)]))
    row = shown.comparable().set_index("metric").loc["accuracy"]
    assert (row["comparable"], row["reason"]) == (False, "scored on other rows: 114 vs 86")
    assert shown.metrics().loc["accuracy", "best"] == ""
    assert "is not comparable: scored on other rows: 114 vs 86" in Page(shown.html()).text


def test_the_page_marks_the_best_and_tells_the_change() -> None:
    text = Page(Comparison(compare_runs([sample_run(14), deeper_run(15)])).html()).text
    assert "accuracy ↑ 0.9474 0.9684 ★ +0.021" in text
    assert "parameter ● #14 ● #15 max_depth 3 8 3 parameters the same in every run" in text
    assert "-max_depth = 3 +max_depth = 8" in text


def many() -> RunComparison:
    runs = [
        sample_run(
            n,
            params={"depth": n % 4, "model": ("forest", "boosting")[n % 2], "learning_rate": 10.0**-n},
            metrics={"accuracy": 0.8 + n / 100},
            metric_details={},
        )
        for n in range(1, 9)
    ]
    return compare_runs(runs)


def test_many_runs_are_drawn_against_their_parameters_with_one_brush() -> None:
    chart = many_chart(many(), "accuracy", "learning_rate")
    spec = chart.to_dict()
    assert [view["mark"]["type"] for view in spec["hconcat"]] == ["point", "line"]
    assert spec["hconcat"][0]["encoding"]["x"]["scale"]["type"] == "log"
    assert [param["name"] for param in spec["params"]] == ["brush"]
    for view in spec["hconcat"]:
        assert view["encoding"]["opacity"]["condition"][0]["param"] == "brush"
    assert vl_convert.vegalite_to_svg(spec).count("<svg") == 1


class Memory:
    """A store of what a comparison asks for."""

    def __init__(self, *runs: Any) -> None:
        self.runs = {run.run_id: run for run in runs}

    def get_run(self, run_id: str) -> Any:
        return self.runs[run_id]

    def get_curve(self, run_id: str, metric: str) -> Curve:
        raise MetricNotFoundError(metric)

    def get_artifact(self, digest: str) -> bytes:
        return f"bytes of {digest}".encode()

    def directions(self) -> dict[str, bool]:
        return {}


def test_another_reference_is_chosen_where_the_comparison_stands() -> None:
    store = Memory(sample_run(1), deeper_run(2))
    shown = Comparison(compare_stored(store, list(store.runs)), store)
    reference = shown.widget().children[0].children[0]
    assert [label for label, _ in reference.options] == ["#1 forest", "#2 deeper"]
    reference.value = reference.options[1][1]
    assert shown.record.reference == reference.value
    assert "`max_depth` 8 → 3" in shown.text()
    assert shown.against("#1").record.reference == reference.options[0][1]
    with pytest.raises(UsageError, match="not among"):
        shown.against("#9")


def test_figures_are_in_the_page_side_by_side() -> None:
    def figure(digest: str) -> Artifact:
        return Artifact(
            path="figures/figure-1.png", digest=digest, size=9, media_type="image/png", kind="figure"
        )

    store = Memory(sample_run(1, artifacts=(figure("a"),)), deeper_run(2, artifacts=(figure("b"),)))
    shown = Comparison(compare_stored(store, list(store.runs)), store)
    images = {a["alt"]: a["src"] for tag, a in Page(shown.html()).tags if tag == "img"}
    for number, digest in ((1, "a"), (2, "b")):
        data = base64.b64encode(f"bytes of {digest}".encode()).decode()
        assert images[f"figure 1 of #{number}"] == f"data:image/png;base64,{data}"


def test_small_tables_are_in_the_page_as_tables() -> None:
    kept = Artifact(path="tables/cm.csv", digest="c", size=30, media_type="text/csv", kind="table")
    store = Memory(sample_run(1, artifacts=(kept,)), deeper_run(2))
    store.get_artifact = lambda digest: b'true \\ predicted,<b>,dog\n<b>,3,1\ndog,"0",4\n'  # type: ignore[method-assign]
    html = Comparison(compare_stored(store, list(store.runs)), store).html()
    table = html[html.index('<table aria-label="cm of #1"') :].partition("</table>")[0]
    cells = re.findall(r"<(t[hd])[^>]*>([^<]*)</t[hd]>", table)
    assert [told for _, told in cells] == [
        "true \\ predicted", "&lt;b&gt;", "dog", "&lt;b&gt;", "3", "1", "dog", "0", "4",
    ]  # fmt: skip
    assert [kind for kind, _ in cells] == ["th", "th", "th", "th", "td", "td", "th", "td", "td"]


def test_page_and_text_say_the_same_of_many_runs() -> None:
    record = many()
    page, text = Page(Comparison(record).html()).text, Comparison(record).text()
    for told in ("Compute spent", "Which run stands on which", "edited from #1"):
        assert told in page
        assert told in text
    images = [a["alt"] for tag, a in Page(Comparison(record).html()).tags if tag == "img"]
    assert images == ["Best accuracy so far: 0.8800 in #8"]


def test_ties_are_all_best() -> None:
    runs = [
        sample_run(n, metrics={"accuracy": v}, metric_details={}) for n, v in ((1, 0.9), (2, 0.95), (3, 0.95))
    ]
    assert Comparison(compare_runs(runs)).html().count("★") == 2


def test_every_field_is_escaped() -> None:
    one, two = evil_run(1), evil_run(2)
    two = type(two)(**{f: getattr(two, f) for f in two.__struct_fields__} | {"run_id": "other" + two.run_id})
    curves = {one.name: {one.run_id: loss_curve(), two.run_id: loss_curve()}}
    assert_harmless(Comparison(compare_runs([one, two], curves)).html())


def test_the_page_carries_a_picture_and_no_script() -> None:
    html = Comparison(curved()).html()
    image, other = [a for tag, a in Page(html).tags if tag == "img"]
    assert (image["alt"], other["alt"]) == ("Curves of loss", "Curves of val_loss")
    picture = base64.b64decode(str(image["src"]).removeprefix("data:image/svg+xml;base64,"))
    assert ET.fromstring(picture).get("width") == image["width"]
    assert "https://" not in html
    assert "<script" not in html


def test_the_page_waits_for_no_plotting_library() -> None:
    program = """
import sys
from sample_runs import loss_curve, sample_run
from jupyter_mlops.compare import compare_runs
from jupyter_mlops.widgets import Comparison
run = sample_run(1)
assert "Curves of loss" in Comparison(compare_runs([run], {"loss": {run.run_id: loss_curve()}})).html()
print([name for name in ("altair", "vl_convert", "pandas", "ipywidgets") if name in sys.modules])
"""
    tests = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tests
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1.0],
        [math.nan, math.nan],
        [1.0, math.inf, 3.0, math.nan],
        [-1.7e308, 1.7e308],
        [1e-300, 2e-300],
        [1e15, 1e15 + 1],
        [5.0, 5.0 + 1e-15],
    ],
)
def test_any_curve_can_be_drawn(values: list[float]) -> None:
    run = sample_run(1)
    steps = list(range(len(values)))
    curve = Curve(steps=steps, values=values, times=[0.0] * len(values), count=len(values))
    name = "<loss>\x00&\ud800"
    svg = curve_svg(compare_runs([run], {name: {run.run_id: curve}}), name)
    assert len(ET.fromstring(svg)) > 5
    assert not re.search(r"\b(nan|inf)\b", svg)


def test_a_gap_parts_a_curve() -> None:
    run = sample_run(1)
    curve = Curve(steps=[0, 1, 2, 3], values=[1.0, math.nan, 3.0, 2.0], times=[0.0] * 4, count=4)
    svg = curve_svg(compare_runs([run], {"loss": {run.run_id: curve}}), "loss")
    (line,) = re.findall(r'<path d="([^"]*)" fill="none" stroke="#0a78b8"', svg)
    assert re.sub(r"[\d. ]", "", line) == "MML"


def test_without_curves_there_is_no_picture_and_no_widget() -> None:
    shown = Comparison(compare_runs([sample_run(1), deeper_run(2)]))
    assert "<img" not in shown.html()
    assert shown.widget() is None


def test_fifty_runs() -> None:
    runs = [
        deeper_run(n, params={"max_depth": n}, metrics={"accuracy": 1 - 1 / n}, warnings=warnings())
        for n in range(1, 51)
    ]
    page = Page(Comparison(compare_runs(runs)).html())
    assert "max_depth varies, data and code the same: best accuracy 0.9800 in #50" in page.text
    assert "50 runs" in page.text


def test_a_moved_and_an_added_cell_are_shown() -> None:
    more = story_cells(train=TRAIN + "\nprint('done')")
    html = Comparison(compare_runs([sample_run(1), sample_run(2, cells=more)])).html()
    assert "+print(&#x27;done&#x27;)" in html


def test_a_widget_made_of_an_altair_chart_in_a_box() -> None:
    import altair as alt

    shown = Comparison(curved())
    box = shown.widget()
    assert box is shown.widget()
    box = box.children[0].children[0]
    assert "application/vnd.jupyter.widget-view+json" in box._repr_mimebundle_()
    chart = box.children[1]
    assert isinstance(chart, alt.JupyterChart)
    # Offline: the drawing code came along, instead of an import from a CDN; beside the script and not in
    # it, since a script has two seconds to begin, and that of the user's own charts stays as it was.
    assert "https://esm.sh" not in chart._library
    assert len(chart._library) > 100_000
    assert "_library" in chart.keys
    assert len(chart._esm) < 2_000
    assert "https://esm.sh" in alt.JupyterChart._esm


def test_the_controls_redraw_the_chart() -> None:
    box = Comparison(curved()).widget().children[0].children[0]
    controls, chart = box.children
    scale, axis, smoothing = controls.children
    scale.value, axis.value, smoothing.value = True, True, 0.9
    spec = json.dumps(chart.spec)
    assert '"type": "log"' in spec
    assert '"title": "seconds"' in spec
    assert '"raw"' in spec


def specs(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    return spec


def test_a_run_has_one_colour_everywhere() -> None:
    record = curved()
    colors = [look.color for look in run_looks(record).values()]
    assert colors == list(COLORS[:2])
    html = Comparison(record).html()
    assert all(color in html for color in colors)
    spec = json.dumps(specs(curve_chart(record)))
    assert spec.count(json.dumps(list(COLORS[:2]))[1:-1]) >= 2
    only = specs(curve_chart(record, ["val_loss"], interactive=False))
    assert COLORS[1] in json.dumps(only)
    assert COLORS[0] not in json.dumps(only)


def test_better_and_worse_are_the_same_colours_in_jupyterlabs_comparison() -> None:
    style = Path(__file__).parents[3] / "labextension" / "style" / "base.css"
    theirs = re.findall(r"--jp-mlops-(better|worse): (#\w+);", style.read_text(encoding="utf-8"))
    assert theirs == re.findall(r"--mlops-(better|worse):(#\w+);", STYLE)
    assert len(theirs) == 4


def test_more_runs_than_colours_are_told_apart_by_dashes_and_marks() -> None:
    record = compare_runs([sample_run(n) for n in range(1, 51)])
    looks = run_looks(record).values()
    for pairs in ([(x.color, x.dash) for x in looks], [(x.color, x.shape) for x in looks]):
        assert len(set(pairs)) == 50
    html = Comparison(record).html()
    assert all(f"color:{look.color}" in html and look.mark in html for look in looks)


@pytest.mark.parametrize("color", COLORS)
def test_colours_stand_out_on_white_and_on_black(color: str) -> None:
    def luminance(hexed: str) -> float:
        parts = [int(hexed[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, two: str) -> float:
        light, dark = sorted((luminance(one), luminance(two)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert contrast(color, "#ffffff") >= 3
    assert contrast(color, "#111111") >= 3


def test_pictures_have_no_background() -> None:
    chart = curve_chart(curved(), interactive=False)
    assert specs(chart)["config"]["background"] == "transparent"
    assert vl_convert.vegalite_to_svg(chart.to_dict()).startswith("<svg")


def test_a_log_scale_leaves_out_what_it_cannot_hold() -> None:
    run = sample_run(1)
    curve = Curve(steps=[0, 1, 2, 3], values=[1.0, 0.0, float("nan"), -1.0], times=[0.0] * 4, count=4)
    record = compare_runs([run], {"loss": {run.run_id: curve}})
    chart = curve_chart(record, scale="log", interactive=False)
    spec = json.dumps(specs(chart), allow_nan=False)
    assert '"raw": 1.0' in spec
    assert "-1.0" not in spec
    assert vl_convert.vegalite_to_svg(chart.to_dict()).startswith("<svg")


def test_curves_of_one_point_are_no_curves() -> None:
    run = sample_run(1)
    curve = Curve(steps=[0], values=[1.0], times=[0.0], count=1)
    record = compare_runs([run], {"loss": {run.run_id: curve}})
    assert curve_metrics(record) == []
    with pytest.raises(ValueError, match="curve"):
        curve_chart(record)


def test_thinning_keeps_a_spike_and_the_ends() -> None:
    values = [0.0] * 10_000
    values[4321] = 9.0
    values[77] = float("nan")
    kept = thin(values, 100)
    assert 4321 in kept
    assert {kept[0], kept[-1]} == {0, 9999}
    assert len(kept) <= 100
    assert kept == sorted(kept)


def test_smoothing() -> None:
    assert smooth([1.0, 2.0], 0) == [1.0, 2.0]
    assert smooth([4.0] * 5, 0.9) == pytest.approx([4.0] * 5)
    smoothed = smooth([1.0, float("nan"), 3.0], 0.5)
    assert math.isnan(smoothed[1])
    assert 1 < smoothed[2] < 3


def test_a_killed_run_is_marked() -> None:
    assert "⊘" in Comparison(compare_runs([sample_run(1), killed_run(2)])).html()


def test_in_a_terminal_it_is_text() -> None:
    shown = Comparison(compare_runs([sample_run(14), deeper_run(15)]))
    assert repr(shown) == shown.text() == shown._repr_mimebundle_()["text/plain"]
    assert shown.text().startswith("`max_depth` 3 → 8")


def test_curves_that_cannot_be_drawn_leave_the_tables_standing() -> None:
    run = sample_run(1)
    torn = Curve(steps=[0], values=[3.0, 2.0, 1.0], times=[], count=3)
    text = Page(Comparison(compare_runs([run, deeper_run(2)], {"loss": {run.run_id: torn}})).html()).text
    assert "The curves could not be drawn" in text
    assert "0.9684" in text
