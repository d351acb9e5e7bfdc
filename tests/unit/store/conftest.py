"""Stores to test: each test that asks for `store` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from postgresql import new_database, running_server

from jupyter_mlops.records import Run, Status, new_id
from jupyter_mlops.store import Store, open_store

_databases = itertools.count()


@pytest.fixture(scope="session")
def postgresql_socket(postgresql_programs: Path) -> Iterator[Path]:
    with running_server(postgresql_programs) as socket:
        yield socket


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not exist yet, or is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    return new_database(request.getfixturevalue("postgresql_socket"), f"store{next(_databases)}")


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(store_url, str(tmp_path / "artifacts"))
    yield opened
    opened.close()


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Makes runs a second apart, finished unless told otherwise."""
    begin = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
    ticks = itertools.count()

    def make(**fields: Any) -> Run:
        defaults: dict[str, Any] = {
            "run_id": new_id(),
            "experiment": "penguins",
            "status": Status.FINISHED,
            "start_time": begin + timedelta(seconds=next(ticks)),
            "duration": 1.5,
        }
        return Run(**{**defaults, **fields})

    return make
