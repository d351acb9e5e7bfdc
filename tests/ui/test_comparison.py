"""A comparison inline: alive, and opened again when its kernel is gone."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lab_page import LabPage
    from lab_server import Server
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser

CELL = """
import sys
sys.path.insert(0, {tests!r})
from sample_runs import deeper_run, loss_curve, sample_run
from jupyter_mlops.compare import compare_runs
from jupyter_mlops.widgets import Comparison
one, two = sample_run(1), deeper_run(2)
Comparison(compare_runs([one, two], {{"loss": {{one.run_id: loss_curve(), two.run_id: loss_curve(1.4, 0.02)}}}}))
"""
CHANGED = """before => {
  const chart = document.querySelector('.jp-OutputArea .vega-embed svg');
  return chart !== null && chart.innerHTML !== before;
}"""


def write_notebook(folder: Path) -> str:
    """One cell that shows a comparison of two runs with curves."""
    cell: dict[str, Any] = {
        "id": "compare",
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": CELL.format(tests=str(Path(__file__).parents[1])),
    }
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": [cell]}
    (folder / "compare.ipynb").write_text(json.dumps(notebook))
    return "compare.ipynb"


def stop_kernels(server: Server) -> None:
    """End every kernel, as a reboot would."""
    address = f"{server.url}api/sessions"
    with urllib.request.urlopen(f"{address}?token={server.token}") as answer:
        sessions = json.load(answer)
    for session in sessions:
        end = urllib.request.Request(f"{address}/{session['id']}?token={server.token}", method="DELETE")
        urllib.request.urlopen(end).close()


def show_chart(lab: LabPage) -> Locator:
    """The chart, once it is there: however slow the machine is, it comes at the first go."""
    lab.run_command("notebook:run-all-cells")
    chart = lab.page.locator(".jp-OutputArea .vega-embed svg").first
    failed = lab.page.get_by_text("Error displaying widget")
    chart.or_(failed).first.wait_for(state="attached", timeout=120_000)
    chart.wait_for(timeout=60_000)
    return chart


def test_live_charts_and_without_their_kernel_a_picture(server: Server, lab: LabPage) -> None:
    from playwright.sync_api import expect

    path = write_notebook(server.root)
    lab.open_notebook(path)
    chart = show_chart(lab)
    picture = lab.page.get_by_role("img", name="Curves of loss")
    expect(picture).to_be_hidden()
    expect(lab.page.get_by_text("accuracy +0.021 on the same 114 test rows")).to_be_visible()

    before = chart.inner_html()
    lab.page.get_by_text("Log scale").click()
    lab.page.wait_for_function(CHANGED, arg=before)
    lab.picture("live")
    lab.page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save') }")

    lab.page.goto("about:blank")
    stop_kernels(server)
    lab.open(path)
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 300")
    dead = lab.page.get_by_text("Error displaying widget")
    dead.wait_for(state="attached", timeout=60_000)
    expect(dead).to_be_hidden()
    expect(picture).to_be_visible()
    lab.picture("reopened")
