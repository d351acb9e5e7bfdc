"""The notebook toolbar's toggle *Track every run* and the command that marks one cell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab_page import LabPage
    from lab_server import Server

pytestmark = pytest.mark.browser

CELL = """\
from sklearn.dummy import DummyClassifier
model = DummyClassifier().fit([[0], [1], [2]], [0, 0, 1])
accuracy = model.score([[0], [1]], [0, 1])"""


@pytest.fixture
def notebook_path(server: Server, request: pytest.FixtureRequest) -> str:
    """An empty notebook on the server, with a kernel of its own."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "cell_type": "code",
                "id": "only",
                "source": "",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
        ],
    }
    path = f"{request.node.name}.ipynb"
    (server.root / path).write_text(json.dumps(document))
    return path


def test_the_toggle_tracks_what_no_marker_marks(lab: LabPage, notebook_path: str) -> None:
    from playwright.sync_api import expect

    notebook = lab.open_notebook(notebook_path)
    panel = lab.open_panel()
    expect(notebook.track_toggle).to_have_attribute("aria-pressed", "false")
    notebook.track_toggle.click()
    expect(notebook.track_toggle).to_have_attribute("aria-pressed", "true")
    notebook.run(CELL)
    expect(panel.row(1)).to_contain_text("accuracy")
    lab.picture("on")

    # Switching silently is not an execution of the user's: the first cell is still number 1.
    expect(notebook.cells.first).to_contain_text("[1]:")

    notebook.track_toggle.click()
    expect(notebook.track_toggle).to_have_attribute("aria-pressed", "false")
    notebook.run(CELL)
    expect(notebook.cells.nth(1)).to_contain_text("[2]:")
    expect(panel.rows).to_have_count(1)

    # What a cell says itself is shown too.
    notebook.run("%track on")
    expect(notebook.track_toggle).to_have_attribute("aria-pressed", "true")


def test_the_toggle_outlives_the_page_and_a_restart(lab: LabPage, notebook_path: str) -> None:
    from playwright.sync_api import expect

    notebook = lab.open_notebook(notebook_path)
    notebook.track_toggle.click()
    expect(notebook.track_toggle).to_have_attribute("aria-pressed", "true")
    lab.page.reload()
    notebook.wait_until_idle()
    expect(notebook.track_toggle).to_have_attribute("aria-pressed", "true")

    lab.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notebook.run("%track status")
    expect(notebook.cells.first).to_contain_text("Every cell that fits or scores something becomes a run")
    expect(notebook.track_toggle).to_have_attribute("aria-pressed", "true")


def test_a_command_puts_the_marker_on_and_off(lab: LabPage, notebook_path: str) -> None:
    from playwright.sync_api import expect

    notebook = lab.open_notebook(notebook_path)
    notebook.cells.first.locator(".cm-content").click()
    lab.run_command("jupyter-mlops:track-cell")
    expect(notebook.cells.first).to_contain_text("%%track")
    lab.run_command("jupyter-mlops:track-cell")
    expect(notebook.cells.first).not_to_contain_text("%%track")
