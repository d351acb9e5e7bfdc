# ruff: noqa: S101, D103
"""Holds the exported pipeline to what it promises. Run with ``pytest`` in this folder."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
MANIFEST = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))


def run_pipeline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pipeline.py of `folder` in a process of its own; relative input paths stay this version's."""
    config = str(HERE / "config.yaml")
    command = [sys.executable, "-I", str(folder / "pipeline.py"), *arguments, "--config", config]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """A copy of this version that a test may change."""
    folder = tmp_path / "version"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("__pycache__", "output", ".pytest_cache"))
    return folder


def test_gives_the_metrics_of_its_run(tmp_path: Path) -> None:
    done = run_pipeline(HERE, "run", "--output-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    for name, gate in MANIFEST["gates"].items():
        expected = float(gate["value"])
        equal = math.isclose(metrics[name], expected, rel_tol=gate["relative"], abs_tol=gate["absolute"])
        assert equal or (math.isnan(metrics[name]) and math.isnan(expected)), name


def test_holds_its_metric_gates(version: Path, tmp_path: Path) -> None:
    assert run_pipeline(version, "validate", "--output-dir", str(tmp_path / "right")).returncode == 0
    moved = {
        name: {**gate, "value": 2 * float(gate["value"]) + 1} for name, gate in MANIFEST["gates"].items()
    }
    (version / "manifest.json").write_text(json.dumps({**MANIFEST, "gates": moved}), encoding="utf-8")
    done = run_pipeline(version, "validate", "--output-dir", str(tmp_path / "moved"))
    assert done.returncode == (4 if any(not math.isnan(g["value"]) for g in moved.values()) else 0)


def test_refuses_a_setting_it_does_not_know(version: Path, tmp_path: Path) -> None:
    done = run_pipeline(
        version, "run", "--set", "no_such_setting=1", "--output-dir", str(tmp_path / "output")
    )
    assert done.returncode == 2
    assert not (tmp_path / "output" / "metrics.json").exists()


@pytest.mark.parametrize("name", MANIFEST["checked_inputs"])
def test_breaks_on_broken_input(name: str, version: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"nothing,of,what\nwas,there,before\n")
    done = run_pipeline(version, "run", "--set", f"{name}={broken}", "--output-dir", str(tmp_path / "output"))
    assert done.returncode == 3, done.stderr
    assert not (tmp_path / "output" / "metrics.json").exists()
