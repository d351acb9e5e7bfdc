"""A PostgreSQL server whose line breaks in the middle of a save: the run is stored once, and nothing of it is lost."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from jupyter_mlops.errors import StoreError
from jupyter_mlops.records import Curve
from jupyter_mlops.store import Bytes, Keeper, Waiting, open_store

pytestmark = pytest.mark.postgresql
CURVE = Curve(steps=[0, 1, 2], values=[3.0, 2.0, 1.0], times=[0.0, 0.1, 0.2], count=3)
NAME = ".s.PGSQL.5432"


class Line:
    """A socket in front of the server's own, which can be cut at the first message that holds some bytes.

    Cut `before`, the server never sees the message; cut `after`, it has answered it, and the answer is lost;
    cut in `silence`, the server does not hear of the cut and waits for more.
    """

    def __init__(self, server: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="line"))
        self.server = str(server / NAME)
        self.cut: tuple[bytes, str] | None = None
        self.cuts = 0
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.folder / NAME))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.server)
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if self.cut and self.cut[0] in data:
                    when, self.cut = self.cut[1], None
                    self.cuts += 1
                    client.shutdown(socket.SHUT_WR)  # nothing comes back from here on
                    if when == "after":
                        server.sendall(data)
                    if when == "silence":
                        client.close()
                        return
                    break
                server.sendall(data)
        client.close()
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                with contextlib.suppress(OSError):
                    client.sendall(data)
        server.close()

    def close(self) -> None:
        self._listening.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(params=["postgresql"])
def store_url(request, postgresql_socket, postgresql_template):
    from postgresql import new_database

    return new_database(postgresql_socket, f"lost_{abs(hash(request.node.name))}", postgresql_template)


@pytest.fixture
def line(postgresql_socket):
    opened = Line(postgresql_socket)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("message", "when"),
    [
        (b"COMMIT", "before"),
        (b"COMMIT", "after"),
        (b"COMMIT", "silence"),
        (b"INSERT INTO runs", "before"),
        (b"INSERT INTO runs", "after"),
    ],
)
def test_a_line_cut_in_the_middle_of_a_save(
    message, when, store_url, line, postgresql_socket, make_run, tmp_path, monkeypatch
):
    if when == "silence":  # short, though not so short that a busy machine's pause is taken for one
        monkeypatch.setattr("jupyter_mlops.store.engines.IDLE_SECONDS", 4)
    through = open_store(
        store_url.replace(str(postgresql_socket), str(line.folder)), str(tmp_path / "artifacts")
    )
    keeper = Keeper(lambda: through, through.url, tmp_path / "home")
    assert keeper.save(Waiting(make_run(name="before"))).number == 1
    run = make_run(name="cut", params={"depth": 3}, metrics={"loss": 1.0}, curves=("loss",))
    file = Bytes("notes.txt", b"kept", "text/plain", "text")
    waiting = Waiting(run, {"loss": CURVE}, [file], [make_run(name="child", parent_id=run.run_id)])
    line.cut = message, when
    with pytest.raises(StoreError) as lost:
        keeper.save(waiting)
    assert "waits in" in lost.value.hint
    assert line.cuts == 1
    assert keeper.save(Waiting(make_run(name="after"))).number == 3
    assert keeper.waiting() == 0
    keeper.close()
    through.close()
    with contextlib.closing(open_store(store_url, str(tmp_path / "artifacts"))) as direct:
        assert [(each.number, each.name) for each in direct.search()] == [
            (3, "after"),
            (2, "cut"),
            (1, "before"),
        ]
        found = direct.get_run(run.run_id)
        assert found.params == {"depth": 3}
        assert direct.get_curve(run.run_id, "loss") == CURVE
        assert direct.get_artifact(found.artifacts[0].digest) == b"kept"
        assert [child.name for child in direct.search(parent_id=run.run_id)] == ["child"]


def test_a_server_that_ends_our_sessions_is_called_again(store_url, make_run, tmp_path):
    import psycopg

    with contextlib.closing(open_store(store_url, str(tmp_path / "artifacts"))) as store:
        keeper = Keeper(lambda: store, store.url, tmp_path / "home")
        keeper.save(Waiting(make_run(name="first")))
        with psycopg.connect(store_url.replace("+psycopg", ""), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with contextlib.suppress(StoreError):
            keeper.save(Waiting(make_run(name="second")))
        assert keeper.save(Waiting(make_run(name="third"))).number == 3
        keeper.close()
        assert store.count() == 3
