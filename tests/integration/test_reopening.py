"""A run opened as a notebook gives the run's own metrics in a fresh kernel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import nbformat
import pytest
from kernels import Kernel
from nbformat import v4

from jupyter_mlops.errors import UsageError
from jupyter_mlops.export import write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELLS: list[tuple[str, str]] = [
    ("markdown", "# Which iris?\n\nMeasured by hand."),
    ("code", "%load_ext jupyter_mlops"),
    ("markdown", "## Get the data\n\nFour measures of 150 flowers."),
    (
        "code",
        "from sklearn.datasets import load_iris\nX, y = load_iris(return_X_y=True)\nshown = X[:5]\nprint(shown)",
    ),
    ("code", "X[0, 0] = 99.0\nraise ValueError('half way')"),
    ("code", "unrelated = 1"),
    ("markdown", "## Score"),
    (
        "code",
        (
            "%%track shallow max_depth=3\nfrom sklearn.tree import DecisionTreeClassifier\n"
            "from sklearn.model_selection import cross_val_score\nmax_depth = 1\n"
            "model = DecisionTreeClassifier(max_depth=max_depth, random_state=0)\n"
            "accuracy = cross_val_score(model, X, y).mean()\nprint(f'{accuracy:.3f}')"
        ),
    ),
]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("reopening")
    document = v4.new_notebook(
        cells=[
            v4.new_markdown_cell(text) if kind == "markdown" else v4.new_code_cell(text)
            for kind, text in CELLS
        ]
    )
    nbformat.write(document, str(folder / "iris.ipynb"))
    found = Kernel(folder)
    for kind, text in CELLS:
        if kind == "code":
            found.run(text)
    yield found
    found.close()


def test_the_notebook_of_a_run_gives_its_metrics_again(kernel: Kernel, tmp_path: Path) -> None:
    run = kernel.last_run()
    with kernel.store() as store:
        place = write_notebook(store, run.run_id, tmp_path / "again.ipynb")
    document = json.loads(place.read_text(encoding="utf-8"))
    nbformat.validate(document)
    words = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "markdown"]
    assert words == [
        "# Which iris?",
        "## Get the data\n\nFour measures of 150 flowers.",
        "## Score",
    ]
    sources = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
    assert "unrelated" not in "\n".join(sources)
    assert not any("raise ValueError" in source for source in sources)
    fresh = Kernel(tmp_path)
    try:
        for source in sources:
            outcome = fresh.run(source)
            assert outcome.status == "ok", outcome.traceback
        again = fresh.last_run()
    finally:
        fresh.close()
    assert again.metrics == run.metrics
    assert again.params == run.params


def test_no_file_is_overwritten(kernel: Kernel, tmp_path: Path) -> None:
    place = tmp_path / "mine.ipynb"
    place.write_text("mine")
    with kernel.store() as store, pytest.raises(UsageError, match="exists already"):
        write_notebook(store, kernel.last_run().run_id, place)
    assert place.read_text() == "mine"
