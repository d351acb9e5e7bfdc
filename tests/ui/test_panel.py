"""The side panel and the table of all runs, with more runs than fit on any screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from seeded import fill

if TYPE_CHECKING:
    from lab_page import LabPage, RunsPanel
    from lab_server import Server
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser
COUNT = 400


@pytest.fixture(scope="module", autouse=True)
def study(server: Server) -> None:
    fill(server.root, COUNT)


@pytest.fixture
def panel(lab: LabPage) -> RunsPanel:
    panel = lab.find_panel()
    panel.row(COUNT).wait_for()
    return panel


def open_table(lab: LabPage, panel: RunsPanel) -> Locator:
    panel.region.get_by_role("button", name="Open all runs as a table").click()
    table = lab.page.get_by_role("grid", name="All runs")
    table.wait_for()
    return table


def test_of_many_runs_only_those_seen_are_there_and_keys_reach_them_all(
    lab: LabPage, panel: RunsPanel
) -> None:
    from playwright.sync_api import expect

    grid = panel.region.get_by_role("treegrid", name="Runs")
    expect(grid).to_have_attribute("aria-rowcount", str(COUNT))
    assert panel.rows.count() < 60
    panel.row(COUNT).focus()
    lab.page.keyboard.press("End")
    expect(panel.row(1)).to_be_focused()
    expect(panel.row(1)).to_be_in_viewport(ratio=0.9)
    assert panel.rows.count() < 60
    lab.page.keyboard.press("ArrowUp")
    expect(panel.row(2)).to_be_focused()
    lab.page.keyboard.press("Shift+ArrowUp")
    expect(panel.checkbox(2)).to_be_checked()
    expect(panel.checkbox(3)).to_be_checked()
    lab.page.keyboard.press("Escape")
    expect(panel.checkbox(3)).not_to_be_checked()
    lab.page.keyboard.press("Home")
    expect(panel.row(COUNT)).to_be_focused()


def test_the_filter_is_completed_and_points_at_what_is_wrong(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    keyboard = lab.page.keyboard
    panel.filter_box.press_sequentially("acc")
    completions = panel.region.get_by_role("listbox", name="Completions")
    option = completions.get_by_role("option", name="metrics.accuracy")
    expect(option).to_be_visible()
    lab.picture("completion")
    keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    keyboard.press("Enter")
    expect(panel.filter_box).to_have_value("metrics.accuracy ")
    panel.filter_box.press_sequentially("> 0.9 AND params.model = 'fo")
    completions.get_by_role("option", name="'forest'").click()
    expect(panel.filter_box).to_have_value("metrics.accuracy > 0.9 AND params.model = 'forest' ")
    expect(panel.region.get_by_text(re.compile(r"^\d\d runs"))).to_be_visible()
    panel.filter_box.fill("metrics.accuracy > > 1")
    expect(panel.region.get_by_role("alert").locator("mark")).to_have_text(">")
    lab.picture("wrong")
    panel.filter_box.fill("")
    expect(panel.region.get_by_text(f"{COUNT} runs")).to_be_visible()
    expect(panel.region.get_by_role("alert")).to_have_count(0)
    panel.filter_box.fill("metrics.accuracy >")
    expect(panel.region.get_by_role("alert")).to_be_visible()
    panel.filter_box.fill("")  # the question asked before, so the answer is "unchanged"
    expect(panel.region.get_by_role("alert")).to_have_count(0)


def test_no_message_moves_what_one_may_be_about_to_click(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    def places() -> list[float]:
        parts = (panel.region.get_by_label("Group by"), panel.region.get_by_label("Keys"), panel.row(COUNT))
        return [(part.bounding_box() or {"y": -1.0})["y"] for part in parts]

    before = places()
    panel.filter_box.fill("metrics.accuracy > > 1")
    wrong = panel.region.get_by_role("alert").filter(has_text="Found '>'")
    expect(wrong).to_be_in_viewport()
    assert places() == before
    # Whoever goes on elsewhere is not kept from a click by it, and finds it again in the box.
    panel.checkbox(COUNT - 5).click()
    panel.checkbox(COUNT - 5).click()
    panel.region.get_by_label("Keys").click()
    panel.region.get_by_label("Keys").click()
    expect(panel.filter_box).to_have_attribute("title", re.compile("found '>'"))
    assert places() == before
    panel.filter_box.fill("")
    expect(wrong).to_have_count(0)
    assert places() == before

    lab.page.route(re.compile("/jupyter-mlops/.*runs"), lambda route: route.abort())
    panel.filter_box.fill("metrics.accuracy > 0")
    away = panel.region.get_by_role("alert").filter(has_text="does not answer")
    expect(away).to_be_in_viewport()
    assert places() == before
    lab.picture("away")
    lab.page.unroute_all()
    away.get_by_role("button", name="Try again").click()
    expect(away).to_have_count(0)
    assert places() == before


def test_runs_stand_in_groups_that_fold(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    panel.region.get_by_label("Group by").select_option("tags.team")
    blue = panel.rows.filter(has_text=re.compile("^blue"))
    expect(blue).to_contain_text("200 runs")
    expect(blue).to_have_attribute("aria-expanded", "true")
    lab.picture("groups")
    blue.click()
    expect(blue).to_have_attribute("aria-expanded", "false")
    red = panel.rows.filter(has_text=re.compile("^red"))
    expect(red).to_be_visible()
    expect(panel.row(COUNT)).to_be_visible()
    expect(panel.row(COUNT - 1)).to_have_count(0)
    blue.press("ArrowRight")
    expect(panel.row(COUNT - 1)).to_be_visible()


def test_children_unfold_below_their_parent(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    panel.row(COUNT).get_by_role("button", name="3 child runs").click()
    child = panel.rows.filter(has_text=f"#{COUNT}.2")
    expect(child).to_be_visible()
    expect(panel.region.get_by_role("treegrid")).to_have_attribute("aria-rowcount", str(COUNT + 3))
    lab.picture("children")


def test_notes_tags_and_the_baseline_are_kept_with_the_run(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    number = COUNT - 2
    row = panel.row(number)
    row.press("Enter")
    note = row.get_by_role("textbox", name="Note of run")
    note.fill("worth another look")
    note.press("Control+Enter")
    tag = row.get_by_role("textbox", name="New tag of run")
    tag.fill("stage=final")
    tag.press("Enter")
    expect(row.get_by_role("button", name="Remove tag stage")).to_be_visible()
    row.get_by_role("button", name="Remove tag team").click()
    expect(row.get_by_role("button", name="Remove tag team")).to_have_count(0)
    row.get_by_role("button", name="Pin as baseline").click()
    expect(row.get_by_role("button", name="Unpin baseline")).to_be_visible()
    lab.picture("details")

    panel.filter_box.fill("tags.stage = 'final' AND note LIKE 'worth%'")
    expect(panel.rows).to_have_count(1)
    panel.filter_box.fill("")
    panel.select(COUNT)
    expect(panel.compare_button).to_be_enabled()
    panel.compare_button.click()
    expect(lab.tab(f"Compare #{number}, #{COUNT}")).to_be_visible()


def test_what_was_deleted_comes_back_by_a_key(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    panel.row(COUNT - 5).focus()
    lab.page.keyboard.press("Delete")
    expect(panel.row(COUNT - 5)).to_have_count(0)
    expect(panel.row(COUNT - 6)).to_be_focused()
    lab.page.keyboard.press("Control+z")
    expect(panel.row(COUNT - 5)).to_be_visible()


def test_the_keys_are_told_until_escape(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    keys = panel.region.get_by_role("button", name="Keys")
    keys.click()
    expect(keys).to_have_attribute("aria-expanded", "true")
    lab.page.keyboard.press("Escape")
    expect(keys).to_have_attribute("aria-expanded", "false")


def test_a_page_that_comes_back_is_as_it_was_left(lab: LabPage) -> None:
    from playwright.sync_api import expect

    lab.open()
    panel = lab.open_panel()
    panel.filter_box.fill("params.model = 'boosting'")
    panel.region.get_by_label("Order by").select_option("metrics.accuracy")
    panel.region.get_by_label("Group by").select_option("tags.team")
    expect(panel.rows.first).to_contain_text("blue")
    expect(panel.rows.nth(1)).to_contain_text("accuracy 1.0")
    # The state is saved a moment later, and JupyterLab writes the workspace when it likes to.
    with lab.page.expect_response(
        lambda answer: (
            "/api/workspaces/" in answer.url
            and answer.ok
            and '"selected":["' in (answer.request.post_data or "")
        )
    ):
        panel.rows.nth(2).press("Space")
    chosen = panel.rows.nth(2).get_by_role("checkbox").get_attribute("aria-label")
    lab.open()
    panel = lab.open_panel()
    expect(panel.filter_box).to_have_value("params.model = 'boosting'")
    expect(panel.region.get_by_label("Group by")).to_have_value("tags.team")
    expect(panel.region.get_by_label("Order by")).to_have_value("metrics.accuracy")
    expect(panel.region.get_by_text("1 selected")).to_be_visible()
    expect(panel.region.get_by_role("checkbox", name=chosen or "", exact=True)).to_be_checked()


def test_the_table_is_ordered_by_any_column_and_has_those_one_chooses(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    table = open_table(lab, panel)
    head = table.get_by_role("columnheader", name="accuracy")
    head.click()
    expect(head).to_have_attribute("aria-sort", "descending")
    first = table.get_by_role("row").filter(has=lab.page.get_by_role("checkbox")).first
    expect(first).to_contain_text("1.0")
    head.click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(first).to_contain_text("0.75")
    region = lab.page.get_by_role("region", name="All runs")
    region.get_by_role("button", name="Columns").click()
    region.get_by_role("searchbox", name="Find a column").fill("team")
    region.get_by_role("checkbox", name="team").check()
    expect(table.get_by_role("columnheader", name="team")).to_be_attached()
    lab.page.keyboard.press("Escape")
    first.get_by_role("gridcell").first.focus()
    lab.page.keyboard.press("Space")
    expect(panel.region.get_by_text("1 selected")).to_be_visible()
    lab.page.keyboard.press("Control+End")
    expect(table.get_by_role("row").last).to_be_attached()
    assert table.get_by_role("row").count() < 80
    lab.picture("table")


def test_without_a_choice_the_runs_on_top_are_compared_and_the_best_is_exported(
    lab: LabPage, panel: RunsPanel
) -> None:
    from playwright.sync_api import expect

    compare = panel.region.get_by_role("button", name=re.compile("^Compare"))
    expect(compare).to_have_text("Compare 50")
    panel.filter_box.fill("#7")
    expect(compare).to_be_disabled()
    panel.filter_box.fill(f"number > {COUNT - 6} AND parent_id = ''")
    panel.region.get_by_label("Order by").select_option("metrics.accuracy")
    expect(compare).to_have_text("Compare all")
    best = panel.rows.first.get_by_role("checkbox").get_attribute("aria-label")
    panel.region.get_by_role("button", name="Export the best").click()
    expect(panel.export_form).to_have_accessible_name(
        f"Export of {(best or '').removeprefix('Select ')}", ignore_case=True
    )
    panel.export_form.get_by_role("button", name="Cancel").click()
    # In groups, too: the first of the first group need not be it.
    panel.region.get_by_label("Group by").select_option("tags.team")
    panel.region.get_by_role("button", name="Export the best").click()
    expect(panel.export_form).to_have_accessible_name(
        f"Export of {(best or '').removeprefix('Select ')}", ignore_case=True
    )
    panel.export_form.get_by_role("button", name="Cancel").click()
    panel.region.get_by_label("Group by").select_option("")
    compare.click()
    expect(lab.tab("Compare 6 runs")).to_be_visible()


def test_a_click_with_shift_ticks_as_far_as_there(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    panel.select(COUNT)
    panel.checkbox(COUNT - 4).click(modifiers=["Shift"])
    expect(panel.region.get_by_text("5 selected")).to_be_visible()
    expect(panel.checkbox(COUNT - 2)).to_be_checked()
    panel.checkbox(COUNT - 3).click(modifiers=["Shift"])
    expect(panel.region.get_by_text("3 selected")).to_be_visible()
    expect(panel.checkbox(COUNT - 2)).to_be_checked()


def test_a_click_on_a_row_opens_its_details_and_with_a_key_selects_it(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    words = panel.row(COUNT - 1).get_by_text("accuracy")
    words.first.click()
    expect(panel.row(COUNT - 1)).to_have_attribute("aria-expanded", "true")
    expect(panel.row(COUNT - 1)).to_be_focused()
    words.first.click()
    expect(panel.row(COUNT - 1)).to_have_attribute("aria-expanded", "false")
    words.first.dblclick()  # once is enough, and twice does no other thing
    expect(panel.row(COUNT - 1)).to_have_attribute("aria-expanded", "true")
    expect(panel.checkbox(COUNT - 1)).not_to_be_checked()
    lab.page.keyboard.press("Enter")
    expect(panel.row(COUNT - 1)).to_have_attribute("aria-expanded", "false")

    words.first.click(modifiers=["Control"])
    panel.row(COUNT - 3).get_by_text("accuracy").first.click(modifiers=["Shift"])
    expect(panel.region.get_by_text("3 selected")).to_be_visible()
    expect(panel.checkbox(COUNT - 2)).to_be_checked()
    words.first.click(modifiers=["Control"])
    expect(panel.region.get_by_text("2 selected")).to_be_visible()
    expect(panel.rows.and_(lab.page.locator("[aria-expanded=true]"))).to_have_count(0)

    # What opens below the fold comes into view, and what was clicked stays there.
    list_box = panel.region.get_by_role("treegrid").locator("..").bounding_box()
    assert list_box is not None
    at_the_edge = lab.page.mouse
    at_the_edge.click(list_box["x"] + list_box["width"] / 2, list_box["y"] + list_box["height"] - 12)
    opened = panel.rows.and_(lab.page.locator("[aria-expanded=true]"))
    expect(opened.get_by_role("button", name="Go to cell")).to_be_in_viewport(ratio=1)
    expect(opened.get_by_role("checkbox")).to_be_in_viewport(ratio=1)


def test_one_goes_to_the_cell_that_made_a_run_and_is_told_when_it_is_gone(
    lab: LabPage, panel: RunsPanel
) -> None:
    from playwright.sync_api import expect

    panel.row(COUNT - 1).focus()
    lab.page.keyboard.press("g")
    cell = lab.page.locator(".jp-Notebook .jp-Cell.jp-mod-active")
    expect(cell).to_contain_text("model.fit(X, y)")
    expect(cell).to_be_in_viewport()
    panel.row(COUNT).focus()
    lab.page.keyboard.press("g")
    expect(lab.page.get_by_text("is not in study.ipynb any more")).to_be_visible()
    expect(lab.page.get_by_role("button", name="Open run as notebook")).to_be_visible()


def test_nothing_serious_is_in_the_way_of_people_who_cannot_see(lab: LabPage, panel: RunsPanel) -> None:
    from playwright.sync_api import expect

    assert lab.find_barriers(".jp-Mlops-sidePanel") == []
    panel.row(COUNT).press("F2")
    expect(lab.page.get_by_role("textbox", name="New name")).to_be_focused()
    assert lab.find_barriers(".jp-Dialog") == []
    lab.page.keyboard.press("Escape")
    panel.row(COUNT).press("Enter")
    expect(panel.row(COUNT)).to_contain_text("accuracy")
    panel.region.get_by_label("Group by").select_option("tags.team")
    expect(panel.rows.first).to_contain_text("blue")
    expect(panel.checkbox(COUNT - 1)).to_be_visible()
    panel.select(COUNT - 1)
    panel.export_button.click()
    expect(panel.export_form).to_be_visible()
    assert lab.find_barriers(".jp-Mlops-sidePanel") == []
    panel.export_form.get_by_role("button", name="Cancel").click()
    open_table(lab, panel).get_by_role("row").nth(3).wait_for()
    assert lab.find_barriers(".jp-Mlops-tableTab") == []
    head = lab.page.locator(".jp-Mlops-tableTab [data-group]").first
    expect(head.get_by_role("gridcell")).to_have_attribute("aria-expanded", "true")
    expect(head.locator("svg")).not_to_have_css("transform", "none")
    lab.run_command("apputils:change-theme", theme="JupyterLab Dark")
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    assert lab.find_barriers(".jp-Mlops-sidePanel, .jp-Mlops-tableTab") == []
    lab.picture("dark")
    lab.run_command("apputils:change-theme", theme="JupyterLab Light")
