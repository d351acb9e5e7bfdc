"""`pipeline.py step NAME`: one step runs on kept results, and never on stale ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from export_harness import Notebook

from jupyter_mlops.export import export_run

COMMON = ["import random\nimport numpy as np", "rate = 0.5\nbonus = 2"]


class Version:
    """An exported version, called as its users call it."""

    def __init__(self, notebook: Notebook, metrics: list[str], params: list[str], output: Path) -> None:
        run = notebook.save({name: name for name in metrics}, params=params)
        version = export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")
        assert version.status == "validated", version.report
        self.folder = Path(version.path)
        self.output = output
        self.names: list[str] = json.loads((self.folder / "manifest.json").read_text())["steps"]

    def call(self, *arguments: str) -> tuple[dict[str, Any], list[str]]:
        """The metrics that were printed, and the steps whose kept results were used."""
        command = [sys.executable, "-I", str(self.folder / "pipeline.py"), *arguments]
        done = subprocess.run(
            [*command, "--output-dir", str(self.output)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.output.parent,
        )
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in done.stderr.splitlines()]
        return json.loads(done.stdout), [event["step"] for event in events if event["event"] == "step_reused"]


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    # Cells of a few lines would join into one step; here each is a step of its own.
    monkeypatch.setattr("jupyter_mlops.export.steps._FEW", 0)
    monkeypatch.setattr("jupyter_mlops.export.steps._GOOD", 1)
    folder = tmp_path / "notebook"
    folder.mkdir()
    return Notebook(folder)


def make(notebook: Notebook, tmp_path: Path, *cells: str, params: tuple[str, ...] = ()) -> Version:
    for index, code in enumerate([*COMMON, *cells]):
        notebook.run(code, heading=f"part {'abcdefgh'[index]}")
    return Version(notebook, ["total"], list(params), tmp_path / "output")


def test_a_step_runs_on_kept_results_until_something_before_it_changes(
    notebook: Notebook, tmp_path: Path
) -> None:
    data = notebook.directory / "d.txt"
    data.write_text("1 2 3")
    version = make(
        notebook,
        tmp_path,
        "values = [float(part) for part in open('d.txt').read().split()]",
        "np.random.seed(1)\nscaled = [value * rate for value in values]",
        "drawn = np.random.rand()",
        "total = sum(scaled) + drawn + np.random.rand() + bonus",
        params=("rate", "bonus"),
    )
    expected, reused = version.call("run")
    first, middle, _, last = version.names
    assert reused == []
    assert version.call("step", last) == (expected, [])
    assert version.call("step", last) == (expected, version.names[:-1])
    # A setting that only the last step reads leaves the others as they are; one that they read does not.
    changed, reused = version.call("step", last, "--set", "bonus=3")
    assert (changed["total"], reused) == (pytest.approx(expected["total"] + 1), version.names[:-1])
    changed, reused = version.call("step", last, "--set", "rate=0.75")
    assert (changed["total"], reused) == (pytest.approx(expected["total"] + 1.5), [first])
    assert version.call("step", last) == (expected, [first])
    # Other data of the same length.
    data.write_text("1 2 4")
    changed, reused = version.call("step", last)
    assert (changed["total"], reused) == (pytest.approx(expected["total"] + 0.5), [])
    data.write_text("1 2 3")
    # An edited step runs again, what stands before it does not.
    version.call("step", middle)
    script = version.folder / "pipeline.py"
    script.write_text(script.read_text().replace("value * config.rate", "value * config.rate * 2"))
    changed, reused = version.call("step", last)
    assert (changed["total"], reused) == (pytest.approx(expected["total"] + 3), [first])
    # Damaged and deleted keepings are made again.
    for place in (version.output / ".cache").iterdir():
        place.write_bytes(place.read_bytes()[:80])
    assert version.call("step", last) == (changed, [])
    assert version.call("step", last, "--no-cache") == (changed, [])
    version.call("run", "--keep")
    assert version.call("step", last) == (changed, version.names[:-1])


def test_files_that_steps_wrote_are_part_of_what_is_kept(notebook: Notebook, tmp_path: Path) -> None:
    version = make(
        notebook,
        tmp_path,
        "with open('made.txt', 'w') as file:\n    file.write('1 2 3.5')",
        "numbers = [float(part) for part in open('made.txt').read().split()]",
        "total = sum(numbers) + len(open('made.txt').read()) * rate",
    )
    last = version.names[-1]
    expected, _ = version.call("step", last)
    assert version.call("step", last) == (expected, version.names[:-1])
    for place in version.output.rglob("made.txt"):
        place.write_text("9")
    assert version.call("step", last) == (expected, version.names[:1])


@pytest.mark.parametrize(
    ("making", "using"),
    [
        ("numbers = iter([1.5, 2, 3])\ngenerated = (n for n in [1, 2])", "next(numbers) + next(generated)"),
        ("whole = np.zeros(4)\nview = whole[:2]", "(view.__setitem__(0, 9), float(whole.sum()))[1]"),
        ("area = lambda r: 2.5 * r", "area(rate)"),
        ("mark = object()\nmarks = [mark]", "1.5 if marks[0] is mark else 0.5"),
        ("class Box:\n    size = 1", "Box.size * 1.5"),
    ],
)
def test_what_cannot_be_kept_faithfully_is_made_again(
    making: str, using: str, notebook: Notebook, tmp_path: Path
) -> None:
    more = "Box.size = 4" if "Box" in making else "other = 1.5"
    version = make(notebook, tmp_path, making, more + "\nextra = 2", f"total = {using} + extra * 1.5")
    expected, _ = version.call("run")
    for _ in range(2):
        assert version.call("step", version.names[-1])[0] == expected


def test_predictions_that_break_their_contract_are_never_written(notebook: Notebook, tmp_path: Path) -> None:
    version = make(
        notebook,
        tmp_path,
        "class Model:\n    def predict(self, rows, rate):\n        return [row * rate for row in rows]",
        "model = Model()\npredicted = model.predict([1.0, 2.0, 3.0], rate)",
        "total = sum(value for value in predicted if value == value) + bonus",
        params=("rate", "bonus"),
    )
    version.call("run")
    assert (version.output / "predictions.csv").read_text() == "index,prediction\n0,0.5\n1,1.0\n2,1.5\n"
    held = json.loads((version.folder / "validation.json").read_text())["contracts"]
    assert "predictions.csv: held" in held

    def events(*arguments: str, code: int) -> list[dict[str, Any]]:
        command = [sys.executable, "-I", str(version.folder / "pipeline.py"), "run", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return [json.loads(line) for line in done.stderr.splitlines()]

    broken = events("--set", "rate=.nan", "--output-dir", "broken", code=3)
    assert "predictions.csv breaks its contract" in broken[-1]["message"]
    assert not (tmp_path / "broken" / "metrics.json").exists()
    wide = events("--set", "rate=50", "--output-dir", "wide", code=0)
    assert [event["data"] for event in wide if event["event"] == "contract_warning"] == ["predictions.csv"]


@pytest.mark.skipif(
    int(pd.__version__.partition(".")[0]) < 3, reason="older tables share memory when written to"
)
def test_tables_that_share_memory_unseen_are_kept(notebook: Notebook, tmp_path: Path) -> None:
    version = make(
        notebook,
        tmp_path,
        "import pandas as pd\nframe = pd.DataFrame({'a': [1.0, 2.0, 3.5], 'b': [0.0, 1.0, 0.0]})",
        "X = frame.drop(columns='b')\ny = frame['b']\nrows = X.index",
        "X['a'] += y\ntotal = float(X['a'].sum() + frame['a'].sum()) + len(rows)",
    )
    expected, _ = version.call("step", version.names[-1])
    assert version.call("step", version.names[-1]) == (expected, version.names[:-1])
