"""A real Jupyter server, a real Chromium, and a page of JupyterLab in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab_page import LabPage
from lab_server import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab_server import Server
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).parents[2]
PICTURES = REPOSITORY / "test-results" / "ui"
#: Errors of the applications themselves, which come without this extension, too: Notebook 7's shortcuts plugin at
#: every load, and JupyterLab's request for a subshell when a kernel is restarted before it has answered.
NOT_OURS = (
    "Cannot read properties of undefined (reading 'schema')",
    "Canceled future for create_subshell_request",
)
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab as `pip install` leaves it, over an empty project in a folder of its own."""
    with running_server(tmp_path_factory) as server:
        yield server


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def lab(server: Server, browser: Browser, request: pytest.FixtureRequest) -> Iterator[LabPage]:
    """JupyterLab in a fresh browser window.

    An uncaught error of the page fails the test, and so does a request to any other server.
    """
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(20_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda sent: requests.append(sent.url))
    test = re.sub(r"\W+", "-", request.node.name)
    for old in PICTURES.glob(f"{test}-*.png"):
        old.unlink()
    lab = LabPage(page, server.url, server.token, PICTURES, test)
    failed_before = request.session.testsfailed
    yield lab
    if request.session.testsfailed > failed_before:
        lab.picture("failure")
    context.close()
    assert [error for error in errors if not any(known in error for known in NOT_OURS)] == []
    assert [url for url in requests if not url.startswith((server.url, "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def quickstart(server: Server) -> str:
    """The path, for the server, of a copy of the quickstart notebook, its data beside it."""
    shutil.copytree(
        REPOSITORY / "notebooks",
        server.root,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(".*", "pipelines"),
    )
    return "quickstart.ipynb"
