"""The main job by hand: run a notebook, see its runs, compare two, export one, open its script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab_page import LabPage
    from lab_server import Server
    from playwright.sync_api import Route

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXPORT_MILLISECONDS = 240_000


def test_a_newcomer_tracks_compares_and_exports(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    notebook = lab.open_notebook(quickstart)
    panel = lab.open_panel()
    expect(panel.region).to_contain_text("No runs yet")
    lab.picture("1-empty")

    # Rows appear while the notebook runs, one a tracked cell.
    notebook.run_all()
    expect(panel.row(1)).to_be_visible(timeout=90_000)
    expect(panel.row(4)).to_be_visible(timeout=90_000)
    expect(panel.row(4)).to_contain_text("softmax")
    expect(panel.row(1)).to_contain_text(re.compile(r"accuracy\s*0\.9"))
    notebook.wait_until_idle(240)
    expect(panel.row(1)).to_contain_text("finished")

    # Each tracked cell has its card.
    outputs = lab.page.locator(".jp-OutputArea-output")
    for number, name in ((1, "logistic"), (2, "forest"), (3, "deeper-forest"), (4, "softmax")):
        expect(outputs.filter(has_text=re.compile(rf"#{number}\b.*{name}", re.DOTALL)).first).to_be_attached()
    lab.picture("2-rows")

    expect(panel.region.get_by_role("button", name="Compare all")).to_be_enabled()
    expect(panel.export_button).to_be_disabled()
    panel.select(2, 3)
    expect(panel.export_button).to_be_disabled()
    panel.compare_button.click()

    expect(lab.tab("Compare #2, #3")).to_be_visible()
    comparison = lab.page.get_by_role("region", name="Compare #2, #3")
    metrics = comparison.get_by_role("region", name="Metrics")
    expect(metrics.get_by_role("row").filter(has_text="accuracy")).to_contain_text("best")
    # Two significant digits, as in the notebook: +0.0097 and not +0.00971.
    changes = " ".join(metrics.get_by_role("row").all_inner_texts())
    assert re.search(r"[+−]0\.0*[1-9]\d(?!\d)", changes), changes
    assert not re.search(r"[+−]0\.0*[1-9]\d\d", changes), changes
    params = comparison.get_by_role("region", name="Parameters")
    expect(params.get_by_role("row").filter(has_text="max_depth").first).to_contain_text(re.compile("2.*8"))
    expect(comparison.get_by_role("region", name="Data")).not_to_contain_text("penguins")
    lab.picture("3-comparison")

    panel.select(1)
    panel.export_button.click()
    name = panel.export_form.get_by_role("textbox", name="Pipeline name")
    expect(name).to_be_focused()
    name.fill("by_hand")
    lab.picture("4-name")
    name.press("Enter")
    expect(panel.export_form).to_contain_text("validated", timeout=EXPORT_MILLISECONDS)
    expect(panel.export_form.get_by_role("row").filter(has_text="accuracy")).to_contain_text("equal")
    expect(panel.pipelines).to_contain_text("by_hand")
    lab.picture("5-validated")

    panel.export_form.get_by_role("button", name="Open script").click()
    expect(lab.tab("pipeline.py")).to_be_visible()
    editor = lab.page.locator(".jp-FileEditor:visible .cm-content")
    expect(editor).to_contain_text("import")
    lab.picture("6-script")


def test_curves_are_overlaid_and_stay_readable_in_the_dark(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    panel = lab.find_panel()
    expect(panel.row(4)).to_be_visible()
    panel.select(1, 4)
    panel.compare_button.click()
    comparison = lab.page.get_by_role("region", name="Compare #1, #4")
    curves = comparison.get_by_role("region", name="Curves")
    expect(curves.locator("svg path").first).to_be_attached()
    lab.run_command("apputils:change-theme", theme="JupyterLab Dark")
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    curves.scroll_into_view_if_needed()
    expect(curves.locator("svg path").first).to_be_attached()
    lab.picture("dark")
    lab.run_command("apputils:change-theme", theme="JupyterLab Light")
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", "true")


def test_a_wrong_filter_says_what_is_wrong_and_keeps_the_list(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    panel = lab.find_panel()
    expect(panel.row(4)).to_be_visible()
    every_run = panel.rows.count()

    panel.filter_box.fill("name = 'softmax'")
    expect(panel.rows).to_have_count(1)
    panel.filter_box.fill("metrics.accuracy >")
    expect(panel.region.get_by_role("alert")).to_be_visible()
    expect(panel.rows).to_have_count(1)
    lab.picture("wrong")
    panel.filter_box.fill("")
    expect(panel.rows).to_have_count(every_run)
    expect(panel.region.get_by_role("alert")).to_be_hidden()


def test_plain_words_are_looked_for_in_the_names(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    panel = lab.find_panel()
    expect(panel.row(4)).to_be_visible()
    panel.filter_box.fill("FOREST")
    expect(panel.row(4)).to_have_count(0)
    expect(panel.row(2)).to_be_visible()
    expect(panel.row(3)).to_be_visible()
    panel.filter_box.fill("the baker's")
    expect(panel.region).to_contain_text("No run matches.")
    expect(panel.region.get_by_role("alert")).to_be_hidden()


def test_the_list_is_walked_by_keyboard(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    panel = lab.find_panel()
    panel.row(4).focus()
    lab.page.keyboard.press("Space")
    expect(panel.checkbox(4)).to_be_checked()
    lab.page.keyboard.press("ArrowDown")
    expect(panel.row(3)).to_be_focused()
    lab.page.keyboard.press("Enter")
    expect(panel.row(3)).to_have_attribute("aria-expanded", "true")
    expect(panel.row(3)).to_contain_text("max_depth")
    # Of a long name all is seen: pipelines tell their settings apart at the end.
    clipped = "names => names.filter(name => name.scrollWidth > name.clientWidth).map(name => name.title)"
    assert panel.row(3).get_by_role("term").evaluate_all(clipped) == []
    lab.page.keyboard.press("ArrowUp")
    lab.page.keyboard.press("Enter")
    expect(
        panel.row(4).get_by_role("img", name=re.compile("^loss from .* to .* in .* steps$"))
    ).to_be_visible()
    lab.picture("details")


def test_a_deleted_run_comes_back(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    panel = lab.find_panel()
    panel.row(2).click(button="right")
    lab.page.get_by_role("menuitem", name="Delete Run").click()
    expect(panel.row(2)).to_have_count(0)
    lab.page.get_by_role("button", name="Undo").click()
    expect(panel.row(2)).to_be_visible()


def test_a_validated_version_is_promoted(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    panel = lab.find_panel()
    promote = lab.page.get_by_role("combobox", name="Promote by_hand v1")
    promote.select_option("champion")
    version = panel.pipelines.get_by_role("listitem").filter(has=promote)
    expect(version.get_by_role("button", name="Take champion off v1")).to_be_visible()
    expect(promote.get_by_role("option", name="champion")).to_have_count(0)
    # It has stood nowhere before.
    expect(panel.pipelines.get_by_role("button", name="Roll back champion")).to_have_count(0)
    panel.pipelines.get_by_text("Protect rows…").click()
    rows = panel.pipelines.get_by_role("textbox", name="Rows of by_hand to protect, as a condition")
    rows.fill("no_such_column = 1")
    rows.press("Enter")
    expect(panel.pipelines.get_by_role("alert")).to_contain_text("There is no column 'no_such_column'")
    rows.fill("y_true = 'Gentoo'")
    panel.pipelines.get_by_role("button", name="Protect for champion").click()
    held = panel.pipelines.get_by_role("button", name="Protect y_true = 'Gentoo' no more for champion")
    expect(held).to_be_visible()
    expect(panel.pipelines.get_by_role("alert")).to_have_count(0)
    lab.picture("champion")
    held.click()
    expect(held).to_have_count(0)


def test_what_goes_wrong_with_an_alias_is_seen(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    answer = {"error": {"code": "promotion_refused", "message": "Somebody was first.", "hint": "Look."}}
    lab.page.route(
        re.compile("/pipelines/by_hand/aliases"), lambda route: route.fulfill(status=409, json=answer)
    )
    panel = lab.find_panel()
    lab.page.get_by_role("combobox", name="Promote by_hand v1").select_option("shadow")
    alert = panel.pipelines.get_by_role("alert")
    expect(alert).to_have_text("Somebody was first. Look.")
    expect(alert).to_be_in_viewport(ratio=1)
    lab.picture("refused")


def test_a_version_that_misses_the_gate_is_promoted_all_the_same_if_wanted(
    lab: LabPage, quickstart: str
) -> None:
    from playwright.sync_api import expect

    error = {"code": "gate_missed", "message": "It scores worse.", "hint": "--force"}

    def gate(route: Route) -> None:
        if route.request.post_data_json.get("force"):
            route.continue_()
        else:
            route.fulfill(status=409, json={"error": error})

    lab.page.route(re.compile("/pipelines/by_hand/aliases"), gate)
    panel = lab.find_panel()
    lab.page.get_by_role("combobox", name="Promote by_hand v1").select_option("shadow")
    alert = panel.pipelines.get_by_role("alert")
    expect(alert).to_contain_text("It scores worse.")
    expect(alert).not_to_contain_text("--force")
    lab.picture("gate")
    alert.get_by_role("button", name="Promote it all the same").click()
    expect(alert).to_have_count(0)
    expect(panel.pipelines.get_by_role("button", name="Take shadow off v1")).to_be_visible()


def test_the_pipelines_stay_folded(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    lab.open()
    panel = lab.open_panel()
    fold = panel.pipelines.get_by_role("button", name="Pipelines")
    expect(panel.pipelines).to_contain_text("by_hand")
    with lab.page.expect_response(
        lambda answer: (
            "/api/workspaces/" in answer.url
            and answer.ok
            and '"pipelinesFolded":true' in (answer.request.post_data or "")
        )
    ):
        fold.click()
    expect(panel.pipelines.get_by_text("by_hand").first).to_be_hidden()
    lab.picture("folded")
    lab.open()
    panel = lab.open_panel()
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(panel.pipelines.get_by_text("by_hand").first).to_be_hidden()
    fold.click()
    expect(panel.pipelines.get_by_text("by_hand").first).to_be_visible()


def test_a_run_opens_as_a_notebook(lab: LabPage, quickstart: str) -> None:
    from playwright.sync_api import expect

    saved: list[tuple[str, int]] = []
    lab.page.on(
        "response",
        lambda answer: (
            saved.append((answer.url.partition("?")[0], answer.status))
            if answer.request.method == "PUT" and "/api/contents/" in answer.url
            else None
        ),
    )
    panel = lab.find_panel()
    panel.row(1).click(button="right")
    lab.page.get_by_role("menuitem", name="Open Run as Notebook").click()
    expect(lab.tab("run-1.ipynb")).to_be_visible()
    expect(lab.page.get_by_role("main")).to_contain_text("LogisticRegression")
    expect(lab.page.get_by_role("main")).to_contain_text("%load_ext jupyter_mlops")
    assert saved[0] == (f"{lab.url}api/contents/run-1.ipynb", 201)


def test_a_run_whose_data_is_gone_is_not_validated_and_says_why(
    lab: LabPage, server: Server, quickstart: str
) -> None:
    from playwright.sync_api import expect

    data = server.root / "penguins.csv"
    kept = data.read_bytes()
    panel = lab.find_panel()
    panel.select(2)
    panel.export_button.click()
    name = panel.export_form.get_by_role("textbox", name="Pipeline name")
    name.fill("not a name")
    expect(panel.export_form).to_contain_text("Use letters, digits and underscores")
    name.fill("hungry")
    data.unlink()
    try:
        name.press("Enter")
        expect(panel.export_form).to_contain_text("rejected", timeout=EXPORT_MILLISECONDS)
    finally:
        data.write_bytes(kept)
    expect(panel.export_form).to_contain_text("penguins.csv")
    lab.picture("rejected")
