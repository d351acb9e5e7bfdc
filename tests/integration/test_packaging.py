"""What `pip install` leaves behind: both extensions enabled, one version number, no private registry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LABEXTENSION = REPOSITORY / "labextension"
COLOUR = re.compile(r"\x1b\[\d+m")


def npm_version() -> str:
    return str(json.loads((LABEXTENSION / "package.json").read_text())["version"])


def jupyter(*arguments: str) -> str:
    """All that ``jupyter …`` of this environment prints."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    return COLOUR.sub("", done.stdout + done.stderr)


def test_the_labextension_is_enabled() -> None:
    listed = jupyter("labextension", "list")
    assert re.search(rf"jupyter-mlops v{re.escape(npm_version())} +enabled +OK", listed), listed


def test_the_server_extension_is_enabled() -> None:
    listed = jupyter("server", "extension", "list")
    assert re.search(r"jupyter_mlops +enabled", listed), listed
    assert re.search(r"jupyter_mlops \S* *OK", listed), listed


def test_python_and_npm_have_one_version() -> None:
    try:
        installed = version("jupyter_mlops")
    except PackageNotFoundError:
        pytest.skip("jupyter_mlops is on the path but not installed: pip install .")
    assert installed == npm_version()


def test_the_version_is_read_from_the_labextension() -> None:
    hatch = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["version"]
    found = re.search(hatch["pattern"], (REPOSITORY / hatch["path"]).read_text())
    assert found is not None
    assert found["version"] == npm_version()


def test_the_lock_file_names_no_registry() -> None:
    lock = (LABEXTENSION / "yarn.lock").read_text()
    assert "http" not in lock
    assert "__archiveUrl" not in lock
