"""What the tests need of the machine: a browser, PostgreSQL's programs.

A test marked ``browser`` or ``postgresql`` is skipped, with the reason, where its programs are
missing. With ``CI`` set it fails instead, so that nothing goes untested unnoticed.

The tests run in two processes (``-n 0`` for one, as a debugger needs it), a file in one of them.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

BROWSER_TESTS = "tests/ui/"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Path of a Chromium the tests may drive (``CHROMIUM`` wins), or None."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def find_postgresql() -> Path | None:
    """Folder of PostgreSQL's programs (``initdb``, ``pg_ctl``), newest version first, or None."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_of, reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), found and Path(found).parent)


def _version_of(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def missing_browser() -> str:
    """Why browser tests cannot run here, or the empty string."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: pip install 'jupyter_mlops[test]'"
    if find_chromium() is None:
        return "Chromium is not installed: apt-get install chromium, or set CHROMIUM to its path"
    return ""


def missing_postgresql() -> str:
    """Why PostgreSQL tests cannot run here, or the empty string."""
    return "" if find_postgresql() else "PostgreSQL is not installed: apt-get install postgresql"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that take longest begin first, so that no process is left alone with them at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(BROWSER_TESTS))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Keep a file's tests together, who share a kernel or a server, and all browsers in one process."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return BROWSER_TESTS if nodeid.startswith(BROWSER_TESTS) else nodeid.partition("::")[0]

    return ByFile(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or with ``CI`` set fail, a test whose programs are missing."""
    for marker, missing in (("browser", missing_browser), ("postgresql", missing_postgresql)):
        if item.get_closest_marker(marker) is None or not (reason := missing()):
            continue
        if os.environ.get("CI", "").lower() in ("", "0", "false"):
            pytest.skip(reason)
        pytest.fail(reason, pytrace=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium to drive."""
    return find_chromium() or pytest.skip(missing_browser())


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """Folder of ``initdb``, ``pg_ctl`` and their like."""
    return find_postgresql() or pytest.skip(missing_postgresql())
