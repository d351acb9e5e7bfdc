"""Pins come from what is installed for the run's interpreter."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from jupyter_mlops.export.lockfile import imported, local_modules, pin

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
