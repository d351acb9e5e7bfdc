"""A real Jupyter server, a real Chromium, and a page of JupyterLab in it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab_page import LabPage
from lab_server import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab_server import Server
    from playwright.sync_api import Browser, Page

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


@dataclass(frozen=True)
class Window:
    """A browser window, with what its pages complained of and asked for since the test began."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def open_window(browser: Browser) -> Window:
    """A fresh one, which has never been anywhere."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(20_000)
    window = Window(context.new_page())
    window.page.on("pageerror", lambda error: window.errors.append(str(error)))
    window.page.on("request", lambda sent: window.requests.append(sent.url))
    return window


@pytest.fixture(scope="module")
def windows() -> Iterator[dict[str, Window]]:
    """The windows of a file's tests by the server they show: most tests need not load JupyterLab anew."""
    opened: dict[str, Window] = {}
    yield opened
    for window in opened.values():
        window.page.context.close()


@pytest.fixture
def lab(
    server: Server, browser: Browser, windows: dict[str, Window], request: pytest.FixtureRequest
) -> Iterator[LabPage]:
    """JupyterLab in a window that the tests of a file share; after a test that failed there is a new one.

    An uncaught error of the page fails the test, and so does a request to any other server.
    """
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    if server.url not in windows:
        windows[server.url] = open_window(browser)
    window = windows[server.url]
    window.errors.clear()
    window.requests.clear()
    test = re.sub(r"\W+", "-", request.node.name)
    for old in PICTURES.glob(f"{test}-*.png"):
        old.unlink()
    lab = LabPage(window.page, server.url, server.token, PICTURES, test)
    failed_before = request.session.testsfailed
    yield lab
    window.page.unroute_all()
    if request.session.testsfailed > failed_before:
        lab.picture("failure")
        del windows[server.url]
        window.page.context.close()
    assert [error for error in window.errors if not any(known in error for known in NOT_OURS)] == []
    assert [url for url in window.requests if not url.startswith((server.url, "data:", "blob:"))] == []


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
