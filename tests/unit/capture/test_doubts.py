"""What makes a result doubtful, and what does not."""

from __future__ import annotations

from test_ledger import Session

from jupyter_mlops.capture.doubts import find_doubts


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
