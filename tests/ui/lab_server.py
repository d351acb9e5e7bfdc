"""JupyterLab, or Notebook, as `pip install` leaves it: a real server over a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a-token-of-the-tests"
START_SECONDS = 180
STOP_SECONDS = 60
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
    port = free_port()
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
            _stop(process, home / "server.log")


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    """End the server; one that will not is killed and tells where it stood, as it is Jupyter that waits:
    that our extension lets a server stop is held by ``tests/integration/test_server.py``."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        warnings.warn(f"A Jupyter server did not stop:\n{log.read_text()[-6000:]}", stacklevel=2)


def _environment(home: Path) -> dict[str, str]:
    """The environment of a user who has set nothing, with all that Jupyter writes below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    return {
        **kept,
        "PYTHONFAULTHANDLER": "1",
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
