"""``jupyter mlops demo``: the main job, headless, as a newcomer's first command runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest

from jupyter_mlops.config import STORE_VARIABLE, sqlite_url
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_mlops.store import Store


def demo(cwd: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", "demo", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo's folder and what it printed; a store and an experiment of the user's must not disturb it."""
    cwd = tmp_path_factory.mktemp("somewhere")
    theirs = {
        STORE_VARIABLE: sqlite_url(cwd / "theirs.db"),
        "JUPYTER_MLOPS_EXPERIMENT": "mine",
        "JUPYTER_MLOPS_ARTIFACTS": str(cwd / "a"),
    }
    done = demo(cwd, **theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in cwd.iterdir()] == ["jupyter-mlops-demo"]
    return cwd / "jupyter-mlops-demo", done.stdout


@pytest.fixture
def store(finished: tuple[Path, str]) -> Iterator[Store]:
    home = finished[0] / ".jupyter_mlops"
    opened = open_store(sqlite_url(home / "runs.db"), str(home / "artifacts"), create=False)
    yield opened
    opened.close()


def test_every_cell_is_told_of_while_it_runs(finished: tuple[Path, str]) -> None:
    folder, printed = finished
    notebook = nbformat.read(folder / "quickstart.ipynb", as_version=4)
    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    assert [f"[{number:>2}/{count}]" in printed for number in range(1, count + 1)] == [True] * count


def test_the_variations_were_tracked_without_a_logging_call(store: Store) -> None:
    runs = {run.name: run for run in store.search()}
    assert set(runs) == {"logistic", "forest", "deeper-forest", "softmax"}
    assert {run.experiment for run in runs.values()} == {"quickstart"}
    for run in runs.values():
        assert {"accuracy", "f1"} <= set(run.metrics)
    assert runs["forest"].params["max_depth"] == 2
    assert runs["deeper-forest"].params["max_depth"] == 8
    curve = store.get_curve(runs["softmax"].run_id, "loss")
    assert curve.count == 200
    assert curve.values[0] > curve.values[-1]


def test_the_comparison_the_proof_and_the_pipelines_own_numbers_are_printed(
    finished: tuple[Path, str], store: Store
) -> None:
    folder, printed = finished
    words = " ".join(printed.split())
    metrics = json.loads((folder / "output" / "metrics.json").read_text())
    (version,) = store.versions("penguins")
    best = store.get_run(version.run_id)
    assert best.metrics["accuracy"] == max(run.metrics["accuracy"] for run in store.search())
    assert metrics["accuracy"] == best.metrics["accuracy"]
    assert "penguins v1: validated" in printed
    assert version.path in printed
    for check in version.report.metrics:
        assert f"{check.name} {check.expected!r} {check.first!r} {check.second!r} equal" in words
    assert f'"accuracy": {metrics["accuracy"]!r}' in printed


def test_it_can_be_run_again_in_its_own_folder(finished: tuple[Path, str]) -> None:
    folder, _ = finished
    done = demo(folder.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "penguins v2: validated" in done.stdout


def test_without_scikit_learn_it_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys\nsys.modules['sklearn'] = None\n"
        "import importlib.util\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'sklearn' else find(name, *rest)\n"
        "from jupyter_mlops import cli\nsys.exit(cli.main(['demo']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "jupyter_mlops[demo]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_it_overwrites_nobodys_notebook(tmp_path: Path) -> None:
    (tmp_path / "quickstart.ipynb").write_text("mine")
    done = demo(tmp_path, "--directory", ".")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "quickstart.ipynb").read_text() == "mine"
