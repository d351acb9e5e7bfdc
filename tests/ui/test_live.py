"""Runs are seen while they run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab_page import LabPage
    from lab_server import Server

pytestmark = pytest.mark.browser

CELL = """\
%%track waiting
import time
from pathlib import Path

loss = 1.0
while not Path("go").exists():
    loss = loss * 0.99
    time.sleep(0.05)
accuracy = 0.75"""


@pytest.fixture
def notebook_path(server: Server) -> str:
    """A notebook that tracks a cell which waits for a file named ``go``."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(["%load_ext jupyter_mlops", CELL])
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    (server.root / "waiting.ipynb").write_text(json.dumps(document))
    return "waiting.ipynb"


def test_a_run_is_listed_while_it_runs_and_ends_in_place(
    lab: LabPage, server: Server, notebook_path: str
) -> None:
    from playwright.sync_api import expect

    notebook = lab.open_notebook(notebook_path)
    panel = lab.open_panel()
    notebook.run_all()
    expect(panel.row(1)).to_contain_text("running")
    expect(panel.row(1)).to_contain_text("loss")
    expect(panel.row(1).get_by_role("img")).to_be_visible()
    lab.picture("running")
    (server.root / "go").touch()
    expect(panel.row(1)).to_contain_text("finished")
    expect(panel.row(1)).to_contain_text("0.75")
    expect(panel.rows).to_have_count(1)


def test_a_hidden_panel_asks_the_server_nothing(lab: LabPage) -> None:
    lab.open()
    panel = lab.open_panel()
    panel.rows.first.wait_for()
    lab.page.get_by_role("tab", name="File Browser").click()
    panel.region.wait_for(state="hidden")
    asked: list[str] = []
    lab.page.on("request", lambda sent: asked.append(sent.url) if "jupyter-mlops/api" in sent.url else None)
    lab.page.wait_for_timeout(4500)  # longer than from one question to the next
    assert asked == []
    with lab.page.expect_request("**/jupyter-mlops/api/runs?*"):
        lab.open_panel()
