"""The tab *Compare …*: sureness, slices and rows, direction, many runs, figures."""

from __future__ import annotations

import io
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from sample_runs import BEGINNING, loss_curve, sample_run

from jupyter_mlops.capture.predictions import pack_table
from jupyter_mlops.config import load_config
from jupyter_mlops.records import (
    Artifact,
    Column,
    Dataset,
    Evaluation,
    Failure,
    MetricDetail,
    RunWarning,
    new_id,
)
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from lab_page import LabPage
    from lab_server import Server
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser

ROWS = 240


def keep(store: Store, number: int, *, island_errors: int, **fields: Any) -> str:
    """A run whose predictions fail for some rows of one island, with a figure and a curve."""
    truth = np.arange(ROWS) % 2
    island = np.array(["Biscoe", "Dream", "Torgersen"])[np.arange(ROWS) % 3]
    wrong = np.flatnonzero(island == "Dream")[:island_errors]
    said = truth.copy()
    said[wrong] = 1 - said[wrong]
    index = [("", np.arange(ROWS))]
    tables = [
        pack_table([("y_true", truth), ("y_pred", said)], index),
        pack_table([("island", island), ("mass", np.linspace(2700, 6300, ROWS))], index),
    ]
    predictions, features = (store.put_artifact(table) for table in tables if table is not None)
    how = Evaluation(
        function="sklearn.metrics.accuracy_score", target="y", target_name="y_test", rows=ROWS,
        predictions=predictions, features=features,
    )  # fmt: skip
    drawing, table = figure(number), confusion(number)
    run = sample_run(
        number,
        run_id=new_id(),
        name=f"try {number}",
        params={"max_depth": number, "model": ("forest", "boosting")[number % 2]},
        metrics={"accuracy": 1 - island_errors / ROWS, "margin": number / 10},
        metric_details={"accuracy": MetricDetail(origin="call", evaluation=how)},
        curves=("loss",),
        artifacts=(
            Artifact(
                path="figures/figure-1.png", digest=store.put_artifact(drawing), size=len(drawing),
                media_type="image/png", kind="figure",
            ),
            Artifact(
                path="tables/confusion.csv", digest=store.put_artifact(table), size=len(table),
                media_type="text/csv", kind="table",
            ),
        ),
        start_time=BEGINNING + timedelta(minutes=number),
        session_id=f"session {number}",
        **fields,
    )  # fmt: skip
    return store.save_run(run, curves={"loss": loss_curve(1 + number / 10)}).run_id


def confusion(number: int) -> bytes:
    """A matrix that is wider than half of any window."""
    kinds = [f"kind number {kind}" for kind in range(24)]
    rows = [[name, *[str(number)] * len(kinds)] for name in kinds]
    return "\n".join(",".join(row) for row in [["truth", *kinds], *rows]).encode()


def figure(number: int) -> bytes:
    import matplotlib.pyplot as plt

    drawn, axes = plt.subplots(figsize=(2, 1.5))
    axes.plot([1, number])
    written = io.BytesIO()
    drawn.savefig(written, format="png")
    plt.close(drawn)
    return written.getvalue()


@pytest.fixture(scope="module")
def runs(server: Server) -> list[str]:
    config = load_config()
    url = config.resolved_store_url(server.root)
    store = open_store(url, config.resolved_artifacts_url(url))
    kept = [keep(store, 1, island_errors=4, hypothesis="deeper is worse"), keep(store, 2, island_errors=60)]
    kept += [keep(store, number, island_errors=number) for number in range(3, 13)]
    store.close()
    return kept


def open_tab(lab: LabPage, run_ids: list[str], name: str) -> Locator:
    lab.find_panel()
    lab.run_command("jupyter-mlops:compare-runs", run_ids=run_ids)
    region = lab.page.get_by_role("region", name=re.compile(f"^{name}"))
    region.get_by_role("region", name=re.compile("Metrics|Runs")).first.wait_for()
    return region


def test_from_the_sentence_to_the_rows_in_two_clicks(lab: LabPage, runs: list[str]) -> None:
    from playwright.sync_api import expect

    tab = open_tab(lab, runs[:2], "Compare #1, #2")
    expect(
        tab.get_by_text(re.compile("accuracy −0.23 on the same 240 test rows; 95 % interval"))
    ).to_be_visible()
    expect(tab.get_by_text("written before the result")).to_be_visible()
    losses = tab.get_by_role("region", name="Where it gains and loses")
    expect(losses.get_by_text(re.compile("It loses most where island = Dream"))).to_be_visible()
    losses.get_by_role("button", name="island = Dream", exact=True).click()
    expect(losses.get_by_role("status")).to_contain_text("80 rows")
    expect(losses.get_by_role("status").get_by_role("row").nth(1)).to_be_in_viewport(ratio=1)
    first = losses.get_by_role("status").get_by_role("row").nth(1).get_by_role("cell")
    assert first.nth(1).inner_text() == first.nth(2).inner_text() != first.nth(3).inner_text()

    box = losses.get_by_label("Rows where")
    box.fill("mass > 5000 and not run_right")
    losses.get_by_role("button", name="Show rows").click()
    expect(losses.get_by_role("status")).to_contain_text("mass > 5000 and not run_right")
    box.fill("height > 3")
    box.press("Enter")
    expect(losses.get_by_role("alert")).to_contain_text("There is no column 'height'.")

    figures = tab.get_by_role("region", name="Figures")
    figures.scroll_into_view_if_needed()
    drawn = figures.get_by_role("img", name="figure 1 of run #2")
    lab.page.wait_for_function(
        "canvas => canvas.getContext('2d').getImageData(5, 5, 1, 1).data[3] > 0", arg=drawn.element_handle()
    )
    tables = [figures.get_by_role("group", name=f"confusion of run #{number}") for number in (1, 2)]
    expect(tables[1].get_by_role("rowheader", name="kind number 23")).to_be_attached()
    left, right = (table.bounding_box() for table in tables)
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    assert tables[0].evaluate("table => table.scrollWidth > table.clientWidth")
    lab.picture("two")
    assert lab.find_barriers(".jp-Mlops-comparisonTab") == []


def test_a_direction_is_corrected_and_stays_so(lab: LabPage, runs: list[str]) -> None:
    from playwright.sync_api import expect

    tab = open_tab(lab, runs[2:4], "Compare #3, #4")
    margin = tab.get_by_role("row", name=re.compile("^margin"))
    expect(margin.get_by_text("best")).to_have_count(0)
    tab.get_by_role("combobox", name="Direction of margin").select_option("lower")
    expect(margin.get_by_role("cell").nth(0).get_by_text("best")).to_be_visible()
    tab = open_tab(lab, runs[2:4], "Compare #3, #4")
    expect(tab.get_by_role("row", name=re.compile("^margin")).get_by_text("best")).to_be_visible()


def test_many_runs_are_sorted_brushed_and_held_against_another(lab: LabPage, runs: list[str]) -> None:
    from playwright.sync_api import expect

    tab = open_tab(lab, runs, "Compare #1, #2, #3")
    table = tab.get_by_role("region", name="Runs", exact=True)
    rows = table.get_by_role("row")
    expect(rows).to_have_count(13)
    table.get_by_role("button", name="accuracy").click()
    expect(rows.nth(12)).to_contain_text("#2")
    expect(tab.get_by_role("tab")).to_have_count(0)
    expect(lab.page.get_by_role("tab", name="Compare 12 runs")).to_be_visible()

    plot = tab.get_by_role("group", name=re.compile("^accuracy against max_depth"))
    plot.scroll_into_view_if_needed()
    place = plot.bounding_box()
    assert place is not None
    lab.page.mouse.move(place["x"] + place["width"] * 0.55, place["y"] + 3)
    lab.page.mouse.down()
    lab.page.mouse.move(place["x"] + place["width"] - 2, place["y"] + place["height"] * 0.9, steps=4)
    lab.page.mouse.up()
    expect(table.get_by_text(re.compile("of 12 picked"))).to_be_visible()
    expect(table.locator("tr[data-picked=false]").first).to_be_visible()
    lab.picture("brushed")
    assert lab.find_barriers(".jp-Mlops-comparisonTab") == []
    table.get_by_role("button", name="Pick all").click()
    expect(table.locator("tr[data-picked=false]")).to_have_count(0)

    tab.get_by_role("combobox", name="Compared with").select_option(label="#5 try 5")
    expect(table.get_by_role("row", name=re.compile("#5"))).to_contain_text("reference")
    story = tab.get_by_role("region", name="How it came about")
    expect(story.get_by_role("img").or_(story.get_by_role("group")).first).to_be_visible()
    expect(story.get_by_text(re.compile("Compute spent"))).to_be_visible()


def test_curves_are_smoothed_on_a_log_scale_and_over_time(lab: LabPage, runs: list[str]) -> None:
    tab = open_tab(lab, runs[4:6], "Compare #5, #6")
    curves = tab.get_by_role("region", name="Curves")
    chart = curves.locator("svg").first
    chart.wait_for()
    changed = "([node, before]) => { const svg = node.querySelector('svg'); return svg && svg.innerHTML !== before }"
    for act in (
        lambda: curves.get_by_role("slider", name="Smoothing").fill("0.9"),
        lambda: curves.get_by_role("checkbox", name="Log scale").check(),
        lambda: curves.get_by_role("checkbox", name="By seconds").check(),
    ):
        before = curves.locator("svg").first.inner_html()
        act()
        lab.page.wait_for_function(changed, arg=[curves.element_handle(), before])
    lab.picture("curves")


def hostile(field: str) -> str:
    """A text that runs a script if it is ever taken for HTML, and says which field did it."""
    mark = f"(window.hacked ??= []).push('{field}')"
    return f'{field} <img src=x onerror="{mark}"><script>{mark}</script><svg onload="{mark}">\'"`&lt;'


def keep_hostile(store: Store, number: int) -> str:
    """A run with a script in every field that a person sees."""
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"window.hacked=['figure']\">{hostile('svg')}</svg>"
    )
    column = Column(
        name=hostile("column") if number == 1 else "other", dtype=hostile("dtype"), nullable=False
    )
    kept = [
        (f"{hostile('file')}.svg", drawing.encode(), "image/svg+xml"),
        ("t.csv", hostile("csv").encode(), "text/csv"),
    ]
    run = sample_run(
        number,
        run_id=new_id(),
        experiment=hostile("experiment"),
        name=hostile("name"),
        status="FAILED",
        note=hostile("note"),
        hypothesis=hostile("hypothesis"),
        params={hostile("param"): f"{number} {hostile('value')}", "plain": number},
        metrics={hostile("metric"): number / 10},
        metric_details={},
        tags={hostile("tag"): hostile("tag value")},
        notebook=f"{hostile('folder')}/{hostile('notebook')}.ipynb",
        source=f"# {number} {hostile('source')}",
        failure=Failure(kind=hostile("kind"), message=hostile("message"), traceback=hostile("traceback"), line=1),
        warnings=(RunWarning(code="odd", message=hostile("warning"), hint=hostile("hint")),),
        datasets=(
            Dataset(
                name=hostile("data"), fingerprint=f"xxh3:{number}", kind=hostile("type"), rows=number,
                location=hostile("location"), columns=(column,),
            ),
        ),
        curves=(hostile("curve"),),
        artifacts=tuple(
            Artifact(
                path=path, digest=store.put_artifact(content), size=len(content), media_type=media_type,
                kind="figure",
            )
            for path, content, media_type in kept
        ),
        session_id=f"hostile {number}",
    )  # fmt: skip
    return store.save_run(run, curves={hostile("curve"): loss_curve(number)}).run_id


def seen(field: str) -> str:
    """What is read of it at least: sentences set what stands between back-ticks apart."""
    return hostile(field).partition("`")[0]


def test_no_field_of_a_run_is_taken_for_a_script(lab: LabPage, server: Server) -> None:
    from playwright.sync_api import expect

    config = load_config()
    url = config.resolved_store_url(server.root)
    store = open_store(url, config.resolved_artifacts_url(url))
    run_ids = [keep_hostile(store, number) for number in (1, 2)]
    store.close()
    tab = open_tab(lab, run_ids, "Compare #1, #2")
    expect(tab.get_by_text(seen("metric")).first).to_be_visible()
    expect(tab.get_by_text(seen("column")).first).to_be_attached()
    tab.get_by_role("region", name="Figures").scroll_into_view_if_needed()
    lab.picture("comparison")

    panel = lab.open_panel()
    panel.filter_box.fill("status = 'FAILED'")
    expect(panel.rows).to_have_count(2)
    panel.rows.first.press("Enter")
    for field in ("name", "message", "traceback", "warning", "tag value", "location", "hypothesis"):
        expect(panel.rows.first.get_by_text(seen(field)).first).to_be_attached()
    panel.region.get_by_label("Group by").select_option("experiment")
    expect(panel.rows.first).to_contain_text(seen("experiment"))
    panel.filter_box.fill("params.`param")
    expect(panel.region.get_by_role("listbox", name="Completions")).to_be_visible()
    panel.filter_box.fill(hostile("filter"))
    expect(panel.region.get_by_role("alert")).to_be_visible()
    panel.filter_box.fill("status = 'FAILED'")
    panel.region.get_by_role("button", name="Open all runs as a table").click()
    table = lab.page.get_by_role("grid", name="All runs")
    expect(table.get_by_text(seen("name")).first).to_be_visible()
    lab.picture("table")
    assert lab.page.evaluate("window.hacked") is None
    assert lab.page.locator("img[src=x], svg[onload]").count() == 0
