"""What makes a result doubtful, and what does not."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest
from test_ledger import Session

from jupyter_mlops.capture.doubts import find_doubts
from jupyter_mlops.capture.ledger import Cell, Outcome
from jupyter_mlops.capture.notebook_file import NotebookFile

if TYPE_CHECKING:
    from pathlib import Path


def doubts_of(session: Session) -> list[str]:
    executions = session.ledger.executions
    return [doubt.code for doubt in find_doubts(session.ledger.lineage(len(executions)), executions, {})]


def test_a_clean_notebook_has_none() -> None:
    session = Session()
    for count, code in enumerate(("x = 1", "y = x + 1", "z = y + x")):
        session.run(code, cell_id=f"c{count}")
    assert doubts_of(session) == []


def test_unseeded_randomness_is_named_and_seeded_is_not() -> None:
    session = Session()
    session.run("import numpy as np\nx = np.random.rand()\nx = np.random.rand()")
    session.run("x = np.random.rand()")
    assert doubts_of(session) == ["unseeded_randomness"]
    session.run("np.random.seed(0)\nx = np.random.rand()")
    assert doubts_of(session) == []


def test_a_value_of_a_cell_edited_since_is_named() -> None:
    session = Session()
    session.run("rate = 0.1", cell_id="a")
    session.run("other = 3", cell_id="a")
    session.run("loss = rate * 2", cell_id="b")
    assert doubts_of(session) == ["edited_cell"]


def test_a_cell_run_again_unchanged_or_rebinding_is_none() -> None:
    session = Session()
    session.run("rate = 0.1", cell_id="a")
    session.run("rate = 0.2", cell_id="a")
    session.run("loss = rate * 2", cell_id="b")
    assert doubts_of(session) == []


def test_a_value_of_a_cell_that_failed_is_named() -> None:
    session = Session()
    session.run("rate = 0.1\n1 / 0")
    session.run("loss = rate * 2")
    assert doubts_of(session) == ["broken_off_cell"]


def test_a_value_of_a_scratch_cell_is_named() -> None:
    session = Session()
    session.run("rate = 0.1", scratch=True)
    session.run("loss = rate * 2")
    assert doubts_of(session) == ["scratch_dependency"]


def test_what_a_broken_off_cell_imported_is_whole() -> None:
    session = Session()
    session.run("import math\nrate = 0.1\n1 / 0")
    session.run("loss = math.sqrt(2)")
    assert doubts_of(session) == []


class Saved:
    """A notebook's file, saved after what ran."""

    def __init__(self, path: Path) -> None:
        self.path, self.file = path, NotebookFile(str(path))

    def save(self, **cells: str) -> None:
        document = {
            "cells": [
                {"cell_type": "markdown", "id": "words", "source": "# words"},
                *(
                    {"cell_type": "code", "id": name, "source": text.splitlines(keepends=True)}
                    for name, text in cells.items()
                ),
            ]
        }
        self.path.write_text(json.dumps(document))
        # A file system's clock is coarser than ours, and may be behind what ran just before.
        later = time.time() + 1
        os.utime(self.path, (later, later))

    def doubts_of(self, session: Session) -> list[tuple[str, str]]:
        executions = session.ledger.executions
        lineage = session.ledger.lineage(len(executions))
        found = find_doubts(lineage, executions, {}, notebook=self.file.read())
        return [(doubt.code, doubt.message) for doubt in found]


def three_cells() -> Session:
    session = Session()
    session.run("rate = 0.1\nother = 2", cell_id="a")
    session.run("unused = 3", cell_id="u")
    session.run("loss = rate * 2", cell_id="b")
    return session


@pytest.mark.parametrize(
    ("cells", "code", "told"),
    [
        ({"a": "rate = 0.1\nother = 2", "u": "unused = 3", "b": "loss = rate * 2"}, "", ""),
        ({"a": "rate = 0.1\nother = 2", "b": "loss = rate * 2 + 1"}, "", ""),  # its own text is the run's
        ({"a": "rate = 0.2", "b": "loss = rate * 2"}, "edited_cell", "edited since and not run again"),
        ({"u": "unused = 3", "b": "loss = rate * 2"}, "deleted_cell", "has no more"),
        ({"b": "loss = rate * 2", "a": "rate = 0.1\nother = 2"}, "out_of_order", "further down"),
        ({"x": "another = 1", "y": "notebook = 2"}, "", ""),
    ],
)
def test_what_the_saved_notebook_says_of_the_state(
    tmp_path: Path, cells: dict[str, str], code: str, told: str
) -> None:
    session, saved = three_cells(), Saved(tmp_path / "notebook.ipynb")
    saved.save(**cells)
    found = saved.doubts_of(session)
    assert [kind for kind, _ in found] == [code] * bool(code)
    assert all(told in message and "`rate`" in message for _, message in found)


def test_a_file_older_than_what_ran_says_nothing_of_its_text(tmp_path: Path) -> None:
    saved = Saved(tmp_path / "notebook.ipynb")
    saved.save(a="rate = 0.5", b="")
    os.utime(saved.path, (1, 1))
    assert saved.doubts_of(three_cells()) == []
    saved.save(b="", a="rate = 0.5")
    os.utime(saved.path, (2, 2))
    assert [code for code, _ in saved.doubts_of(three_cells())] == ["out_of_order"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', '{"cells": [1, {"cell_type": "code"}]}'])
def test_a_broken_file_costs_no_run(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notebook.ipynb"
    path.write_text(content)
    assert NotebookFile(str(path)).read() is None
    path.unlink()
    assert NotebookFile(str(path)).read() is None
    assert NotebookFile("").read() is None


def test_a_value_of_an_interrupted_cell_is_named() -> None:
    session = Session()
    started = session.ledger.begin(Cell(source="rate = 0.1\nwait()", code="rate = 0.1\nwait()"))
    session.space["rate"] = 0.1
    session.ledger.end(started, Outcome(status="interrupted", completed=1))
    session.run("loss = rate * 2")
    executions = session.ledger.executions
    (doubt,) = find_doubts(session.ledger.lineage(len(executions)), executions, {})
    assert (doubt.code, "was interrupted" in doubt.message) == ("broken_off_cell", True)
