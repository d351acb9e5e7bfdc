"""Pins come from what is installed for the run's interpreter."""

from __future__ import annotations

import json
import sys
import venv
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from jupyter_mlops.export.lockfile import doubts, imported, imported_by, local_modules, pin

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_script_imports() -> None:
    code = "import os, numpy.linalg as la\nfrom sklearn.svm import SVC\nfrom . import x\ndef f():\n    import yaml"
    assert imported(code) == {"os", "numpy", "sklearn", "yaml"}


def test_distributions_are_pinned_with_what_they_need() -> None:
    text, unowned = pin(frozenset({"sklearn", "os", "no_such_module"}), sys.executable, python="3.11")
    pins = dict(line.split("==") for line in text.splitlines() if "==" in line)
    assert pins["scikit-learn"] == version("scikit-learn")
    assert {"numpy", "scipy", "joblib", "threadpoolctl", "pandera", "pyyaml"} <= pins.keys()
    assert "jupyterlab" not in pins
    assert "(Python 3.11)" in text
    assert unowned == ("no_such_module",)


def test_modules_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "__init__.py").write_text("")
    (tmp_path / "three").mkdir()
    found = local_modules(["one", "two", "three", "four"], [tmp_path])
    assert found == {"one": tmp_path / "one.py", "two": tmp_path / "two"}


def test_what_modules_import_is_pinned_too(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import numpy")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "__init__.py").write_text("from scipy import stats")
    (tmp_path / "two" / "broken.py").write_text("def")
    assert imported_by([tmp_path / "one.py", tmp_path / "two", tmp_path / "gone.py"]) == {"numpy", "scipy"}


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with nothing installed; the folder of its packages is ``packages`` beside it."""
    folder = tmp_path_factory.mktemp("interpreter")
    venv.create(folder / "env", symlinks=True)
    packages = next((folder / "env").glob("lib/python*/site-packages"))
    (folder / "packages").symlink_to(packages)
    return folder / "env" / "bin" / "python"


def install(interpreter: Path, name: str, origin: dict[str, object] | None, *files: str) -> None:
    packages = interpreter.parents[2] / "packages"
    facts = packages / f"{name.replace('-', '_')}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file in files:
        (packages / file).write_text("")
    if origin is not None:
        (facts / "direct_url.json").write_text(json.dumps(origin))


@pytest.mark.skipif(sys.platform == "win32", reason="another layout")
def test_what_came_from_elsewhere_is_pinned_to_where_it_came_from(interpreter: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "src" / "inplace").mkdir(parents=True)
    (project / "src" / "inplace" / "__init__.py").write_text("")
    here = project.as_uri()
    commit = {"vcs": "git", "commit_id": "abc123"}
    install(interpreter, "plain", None, "plain.py")
    install(
        interpreter,
        "fromgit",
        {"url": "https://u:p@host/x.git", "vcs_info": commit, "subdirectory": "sub"},
        "fromgit.py",
    )
    install(
        interpreter,
        "fromwheel",
        {"url": "https://host/x.whl", "archive_info": {"hash": "sha256=ff"}},
        "fromwheel.py",
    )
    install(interpreter, "fromfolder", {"url": here, "dir_info": {}}, "fromfolder.py")
    install(interpreter, "gone", {"url": "file:///no/such/folder", "dir_info": {}}, "gone.py")
    install(interpreter, "in-place", {"url": here, "dir_info": {"editable": True}}, "in_place.pth")
    (interpreter.parents[2] / "packages" / "in_place.pth").write_text(str(project / "src"))
    modules = frozenset({"plain", "fromgit", "fromwheel", "fromfolder", "gone", "inplace", "nowhere"})
    text, unowned = pin(modules, str(interpreter))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [
        f"fromfolder @ {here}",
        "fromgit @ git+https://host/x.git@abc123#subdirectory=sub",
        "fromwheel @ https://host/x.whl#sha256=ff",
        "gone==1.0",
        f"in-place @ {here}",
        "plain==1.0",
    ]
    assert unowned == ("inplace", "nowhere")
    assert doubts(text) == [
        f"fromfolder is installed from the folder {project}, whose files may change.",
        "gone was installed from /no/such/folder, which is not there any more.",
        f"in-place is installed from the folder {project}, whose files may change.",
    ]
    copied, _ = pin(modules, str(interpreter), beside=frozenset({"inplace"}))
    assert "in-place" not in copied
