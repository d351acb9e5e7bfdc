"""A real Jupyter server, a real Chromium, and a page of JupyterLab in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest
from lab_page import LabPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).parents[2]
PICTURES = REPOSITORY / "test-results" / "ui"
TOKEN = "a-token-of-the-tests"
START_SECONDS = 60
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/themes": {"theme": "JupyterLab Light"},
}


@dataclass(frozen=True)
class Server:
    """A running Jupyter server: its address, its token and the folder it serves."""

    url: str
    token: str
    root: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab as `pip install` leaves it, over an empty project in a folder of its own."""
    with running_server(tmp_path_factory) as server:
        yield server


@contextlib.contextmanager
def running_server(
    places: pytest.TempPathFactory, *options: str, application: str = "lab", base_url: str = "/"
) -> Iterator[Server]:
    """JupyterLab, or Notebook, over an empty project in a folder of its own."""
    root = places.mktemp("project")
    (root / "pyproject.toml").write_text("")
    home = places.mktemp("home")
    for plugin, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    exposed = "LabApp" if application == "lab" else "JupyterNotebookApp"
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *[sys.executable, "-m", "jupyter", application, "--allow-root", "--no-browser"],
                *["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"],
                *[f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"],
                *[f"--{exposed}.expose_app_in_browser=True", f"--ServerApp.base_url={base_url}"],
                *options,
            ],
            cwd=root,
            env=_environment(home),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}{base_url}"
            _wait_until_it_answers(url, process, home / "server.log")
            yield Server(url, TOKEN, root)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _environment(home: Path) -> dict[str, str]:
    """The environment of a user who has set nothing, with all that Jupyter writes below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    return {
        **kept,
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}api/status?token={TOKEN}", timeout=5):
                return
        except (URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"The Jupyter server did not start:\n{log.read_text()}", pytrace=False)


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
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
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
    # Notebook 7's own shortcuts fail over settings that are loaded before theirs, with or without us.
    theirs = "/static/notebook/"
    assert [error for error in errors if theirs not in error or "jupyter-mlops" in error] == []
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
