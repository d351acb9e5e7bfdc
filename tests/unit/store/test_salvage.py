"""A damaged file: a sentence for whoever reads it, all that can be read for whoever salvages it."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
from contextlib import closing

import pytest
from test_upkeep import everything, fill

from jupyter_mlops.errors import MlopsError, StoreDamagedError, StoreError, UsageError
from jupyter_mlops.store import open_store
from jupyter_mlops.store.salvage import salvage

LONG = int(os.environ.get("JUPYTER_MLOPS_LONG_TESTS", "1"))
"""How many times as long the random tests run."""


@pytest.fixture
def whole(tmp_path, make_run):
    """The bytes of a closed store, and what is in it."""
    path = tmp_path / "whole" / "runs.db"
    with closing(open_store(f"sqlite:///{path}", str(tmp_path / "artifacts"))) as store:
        fill(store, make_run, count=12)
        # A name that only some runs have: there are leaves enough to lose some and keep others.
        for index in range(60):
            store.save_run(make_run(name=f"more {index}", note="n" * 900, metrics={"m": index}))
        content = everything(store)
    return path.read_bytes(), content


def target(tmp_path, name="new"):
    return closing(open_store(f"sqlite:///{tmp_path / name / 'runs.db'}", str(tmp_path / "artifacts")))


def test_a_whole_store_is_salvaged_whole(whole, tmp_path):
    data, content = whole
    path = tmp_path / "runs.db"
    path.write_bytes(data)
    with target(tmp_path) as store:
        saved = salvage(path, store)
        assert saved.damaged == []
        assert everything(store)[:4] == content[:4]
        assert (saved.versions, saved.aliases) == (1, 1)
    assert path.read_bytes() == data


def test_what_is_left_of_a_truncated_store_is_salvaged(whole, tmp_path):
    data, content = whole
    path = tmp_path / "runs.db"
    for index, share in enumerate((0.95, 0.7, 0.4)):
        path.write_bytes(data[: int(len(data) * share)])
        before = hashlib.sha256(path.read_bytes()).digest()
        with target(tmp_path, f"new {index}") as store:
            saved = salvage(path, store)
            known = {run.run_id: run for run in content[0]}
            for run in store.search(include_children=True):
                assert run.run_id in known
                assert run.metrics in (known[run.run_id].metrics, {})
            assert saved.runs + len(saved.damaged) > 0
        if share > 0.9:
            assert saved.runs > 40
        assert hashlib.sha256(path.read_bytes()).digest() == before


def test_a_file_without_its_first_page_says_so(whole, tmp_path):
    data, _ = whole
    path = tmp_path / "runs.db"
    path.write_bytes(b"\0" * 4096 + data[4096:])
    with target(tmp_path) as store, pytest.raises(StoreDamagedError, match="first page"):
        salvage(path, store)
    with target(tmp_path) as store, pytest.raises(UsageError, match="no file"):
        salvage(tmp_path / "nowhere", store)


@pytest.mark.skipif(os.name != "posix", reason="a file that is open is replaced")
def test_flipped_bytes_end_in_a_sentence_and_what_is_left_is_salvaged(whole, tmp_path):
    data, content = whole
    chance = random.Random(7 if LONG == 1 else None)
    known = {run.run_id for run in content[0]}
    complaints = 0
    for attempt in range(10 * LONG):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 8, 64))):
            damaged[chance.randrange(100, len(damaged))] ^= 1 << chance.randrange(8)
        if attempt % 5 == 0:
            start = chance.randrange(4096, len(damaged) - 4096)
            damaged[start : start + 4096] = chance.randbytes(4096)
        path = tmp_path / f"{attempt}" / "runs.db"
        path.parent.mkdir()
        path.write_bytes(damaged)
        try:
            with closing(open_store(f"sqlite:///{path}", str(tmp_path / "artifacts"))) as store:
                for act in (
                    lambda store=store: everything(store),
                    lambda store=store: store.frame(include_children=True),
                    lambda store=store: store.count("metrics.m > 1 AND params.index < 5"),
                ):
                    try:
                        act()
                    except MlopsError:
                        complaints += 1
        except StoreError:
            complaints += 1
        path.write_bytes(damaged)
        for suffix in ("-wal", "-shm"):
            path.with_name(f"runs.db{suffix}").unlink(missing_ok=True)
        with target(tmp_path, f"new {attempt}") as store:
            try:
                saved = salvage(path, store)
            except StoreDamagedError:
                complaints += 1
                continue
            assert saved.runs or saved.damaged
            assert {run.run_id for run in store.search(include_children=True)} - known == set() or complaints
            store.frame()
        assert path.read_bytes() == bytes(damaged)
    assert complaints


@pytest.mark.parametrize(("column", "value"), [("start_time", 2**62), ("status", "FLOWN")])
def test_a_value_that_is_none_ends_in_a_sentence(column, value, tmp_path, make_run):
    path = tmp_path / "runs.db"
    with closing(open_store(f"sqlite:///{path}", str(tmp_path / "artifacts"))) as store:
        store.save_run(make_run(name="whole"))
        store.save_run(make_run(name="hit"))
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA ignore_check_constraints=ON")
        raw.execute(f"UPDATE runs SET {column} = ? WHERE name = 'hit'", (value,))
    with (
        closing(open_store(f"sqlite:///{path}", str(tmp_path / "artifacts"))) as store,
        pytest.raises(StoreDamagedError, match="cannot be read"),
    ):
        store.search()
    with target(tmp_path) as store:
        assert len(salvage(path, store).damaged) == 1
        assert [run.name for run in store.search()] == ["whole"]
