"""Stores to test: each test that asks for `store` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from postgresql import new_database, running_server

from jupyter_mlops.records import Run, Status, new_id
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_databases = itertools.count()


@pytest.fixture(scope="session")
def postgresql_socket(postgresql_programs: Path) -> Iterator[Path]:
    with running_server(postgresql_programs) as socket:
        yield socket


@pytest.fixture(scope="session")
def postgresql_template(postgresql_socket: Path) -> str:
    """The name of a database that is a store already: copying it is quicker than making one."""
    open_store(new_database(postgresql_socket, "template"), "/nowhere").close()
    return "template"


def _url(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'runs.db'}"
    template = request.getfixturevalue("postgresql_template")
    return new_database(request.getfixturevalue("postgresql_socket"), f"store{next(_databases)}", template)


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store without runs; on SQLite it does not exist yet."""
    return _url(request, tmp_path)


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(store_url, str(tmp_path / "artifacts"))
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=BOTH)
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all tests of a file that only read."""
    folder = tmp_path_factory.mktemp("shared")
    opened = open_store(_url(request, folder), str(folder / "artifacts"))
    yield opened
    opened.close()


def run_maker() -> Callable[..., Run]:
    """A function that makes runs a second apart, from noon on, finished unless told otherwise."""
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


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """See `run_maker`."""
    return run_maker()


@pytest.fixture(scope="module")
def make_shared_run(shared_store: Store) -> Callable[..., Run]:  # anew for each database
    """See `run_maker`; one for all tests of a file."""
    return run_maker()
