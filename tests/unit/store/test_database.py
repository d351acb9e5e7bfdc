"""Opening a store: what it costs, what it leaves alone, and what it says when it cannot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from jupyter_mlops.errors import StoreError, StoreReadOnlyError, StoreVersionError
from jupyter_mlops.store import open_store, redacted, sqlite
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.schema import REVISIONS, VERSION_TABLE, metadata


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "runs.db"


@pytest.fixture
def open_path(path):
    opened = []

    def make(**fields):
        opened.append(open_store(f"sqlite:///{path}", str(path.parent / "artifacts"), **fields))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def python(code, *arguments):
    """Run code in a fresh process; what it printed, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_opening_a_store_that_is_up_to_date_imports_little(path, open_path):
    open_path().close()
    heavy = python(
        """
import json, sys
from jupyter_mlops.store import open_store
store = open_store(f"sqlite:///{sys.argv[1]}", "/nowhere")
names = ("alembic", "pandas", "numpy", "sqlalchemy.orm", "fsspec", "lark", "IPython", "psycopg")
print(json.dumps([name for name in names if name in sys.modules]))
""",
        path,
    )
    assert heavy == []


def test_the_migrations_make_the_schema(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store._database.read() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        made = inspect(connection)
        for table in metadata.tables.values():
            assert {c["name"]: c["nullable"] for c in made.get_columns(table.name)} == {
                c.name: c.nullable for c in table.columns
            }


def test_the_partial_index_and_tables_without_rowid_are_made(path, open_path):
    open_path()
    plain = create_engine("sqlite://", creator=lambda: sqlite3.connect(":memory:"))
    metadata.create_all(plain)
    query = text(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != :version ORDER BY name"
    )

    def statements(connection):
        rows = connection.execute(query, {"version": VERSION_TABLE})
        return {name: " ".join(sql.replace('"', "").split()) for name, sql in rows}

    migrated = create_engine(f"sqlite:///{path}")
    with plain.connect() as left, migrated.connect() as right:
        assert statements(left) == statements(right)


def test_the_revisions_are_those_of_the_migrations():
    from jupyter_mlops.store.migrations import scripts

    walked = [script.revision for script in scripts().walk_revisions()]
    assert tuple(reversed(walked)) == REVISIONS


def test_a_store_from_a_newer_version_is_left_alone(path, open_path):
    open_path().close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    connection.close()
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(StoreVersionError) as caught:
        open_path()
    assert "9999" in str(caught.value)
    assert "pip install --upgrade" in str(caught.value)
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert [found.name for found in path.parent.iterdir()] == ["runs.db"]


@pytest.mark.postgresql
def test_a_newer_postgresql_store_is_left_alone(postgresql_socket):
    from postgresql import new_database

    url = new_database(postgresql_socket, "newer")
    open_store(url, "/nowhere").close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreVersionError):
        open_store(url, "/nowhere")


def test_an_empty_file_becomes_a_store(path, open_path):
    path.parent.mkdir()
    path.touch()
    assert open_path().count() == 0


@pytest.mark.parametrize("content", [b"this is no database at all, only some text" * 100, b"\0" * 8192])
def test_a_file_that_is_no_database_is_left_alone(path, open_path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        open_path()
    assert str(path) in str(caught.value)
    assert "damaged or no SQLite database" in str(caught.value)
    assert path.read_bytes() == content


def test_a_damaged_store_says_so(path, open_path, make_run):
    store = open_path()
    for _ in range(50):
        store.save_run(make_run(note="n" * 3000))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError):
        open_path().search()


def test_somebody_elses_database_is_left_alone(path, open_path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="belongs to something else: it has a table 'notes'"):
        open_path()
    assert path.read_bytes() == before


def test_a_missing_store_is_not_made_when_only_looked_for(path, open_path):
    with pytest.raises(StoreError, match="There is no store at"):
        open_path(create=False)
    assert not path.parent.exists()


def test_a_path_that_cannot_be_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    for url in (f"sqlite:///{tmp_path}/file/runs.db", f"sqlite:///{tmp_path}"):
        with pytest.raises(StoreError) as caught:
            open_store(url, "/nowhere")
        assert str(tmp_path) in str(caught.value)
        assert caught.value.hint


@pytest.fixture
def shared_folder():
    """A folder that another user can get to, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


TRY = """
import json, os, sys
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.records import Run, Status, new_id, now
from jupyter_mlops.store import open_store
# The interpreter and its libraries may lie where another user cannot read: first load all of them.
warm = open_store(f"sqlite:///{sys.argv[2]}/warm.db", "/nowhere")
warm.save_run(Run(run_id=new_id(), experiment="e", status=Status.FINISHED, start_time=now()))
warm.count()
warm.close()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
found = {}
try:
    store = open_store(f"sqlite:///{sys.argv[1]}", "/nowhere")
    found["runs"] = store.count()
    store.save_run(Run(run_id=new_id(), experiment="e", status=Status.FINISHED, start_time=now()))
except MlopsError as error:
    found |= {"error": type(error).__name__, "text": str(error)}
print(json.dumps(found))
"""


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="becomes another user, which only root can"
)
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_store_one_may_not_write_is_read_or_refused_but_never_changed(
    shared_folder, tmp_path, make_run, journal
):
    path = shared_folder / "runs.db"
    store = open_store(f"sqlite:///{path}", str(shared_folder))
    store.save_run(make_run())
    store.close()
    if journal == "delete":
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.close()
    before = path.read_bytes()
    found = python(TRY, path, tmp_path)
    assert found["error"] == "StoreReadOnlyError", found
    assert str(path) in found["text"]
    if journal == "delete":
        assert found["runs"] == 1
    assert path.read_bytes() == before


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="becomes another user, which only root can"
)
def test_a_folder_one_may_not_write_says_so(shared_folder, tmp_path):
    for path in (shared_folder / "runs.db", shared_folder / "new" / "runs.db"):
        found = python(TRY, path, tmp_path)
        assert found["error"] == "StoreReadOnlyError"
        assert str(path) in found["text"]
    assert list(shared_folder.iterdir()) == []


def test_a_store_in_use_elsewhere_for_long_says_so(path, open_path, make_run):
    store = open_path(patience=0.1)
    connection = sqlite.connect(sqlite.sqlite_module(), path, 0.1)
    connection.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="is busy"):
            store.save_run(make_run())
        assert store.count() == 0
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    assert store.save_run(make_run()).number == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://ann:hunter2@host/db", "postgresql+psycopg://ann:***@host/db"),
        ("postgresql://ann:hun@ter2@host:5432/db?a=1", "postgresql://ann:***@host:5432/db?a=1"),
        ("postgresql://ann:hun/ter2@host/db", "postgresql://ann:***@host/db"),
        ("postgresql://ann@host/db?password=hunter2&x=1", "postgresql://ann@host/db?password=***&x=1"),
        ("postgresql://:hunter2@/db", "postgresql://:***@/db"),
        ("postgresql://ann@host/db", "postgresql://ann@host/db"),
        ("s3://key:hunter2@bucket/prefix", "s3://key:***@bucket/prefix"),
        ("sqlite:////home/a@b/c:d/runs.db", "sqlite:////home/a@b/c:d/runs.db"),
        ("/plain/path", "/plain/path"),
        ("", ""),
    ],
)
def test_passwords_are_hidden(url, shown):
    assert redacted(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ann:hunter2@127.0.0.1:1/db",
        "postgresql://ann:hunter2@127.0.0.1:1/db?connect_timeout=1",
        "postgresql://ann:hunter2@127.0.0.1:port/db",
        "postgresql://ann:x@hunter2@127.0.0.1:1/db",
        "postgresql://ann:x/hunter2@127.0.0.1:1/db",
        "postgresql://ann@127.0.0.1:1/db?password=hunter2",
        "postgresql://ann:hunter2@127.0.0.1:1/db?nonsense=1",
        "mysql://ann:hunter2@127.0.0.1:1/db",
        "://ann:hunter2@x",
    ],
)
def test_no_error_shows_a_password(url):
    with pytest.raises(StoreError) as caught:
        open_store(url, "/nowhere")
    error: BaseException | None = caught.value
    assert caught.value.hint
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    "url", ["", "runs.db", "sqlite://", "sqlite:///:memory:", "http://x/y", "nonsense:///x"]
)
def test_a_url_that_is_no_store_is_refused(url):
    with pytest.raises(StoreError) as caught:
        open_store(url, "/nowhere")
    assert "postgresql+psycopg://" in caught.value.hint


def test_repr_shows_no_password(store):
    store.url = store.url.replace("postgres@", "postgres:hunter2@")
    assert "hunter2" not in repr(store)
    assert "hunter2" not in str(store.describe())


def test_the_write_ahead_log_is_used_only_where_it_is_sound(path, open_path):
    store = open_path()
    sound = sqlite.sqlite_module().sqlite_version_info >= sqlite.SOUND_LOG and not sqlite.on_network(path)
    assert store.describe()["journal"] == ("wal" if sound else "delete")


def test_an_older_sqlite_gets_the_rollback_journal(path, open_path, monkeypatch, make_run):
    monkeypatch.setattr(sqlite, "SOUND_LOG", (99, 0, 0))
    store = open_path()
    store.save_run(make_run())
    assert store.describe()["journal"] == "delete"
    assert not path.with_name("runs.db-wal").exists()
    monkeypatch.undo()
    other = open_path()
    assert other.describe()["journal"] == "delete", "another process may hold the file with an older SQLite"
    assert other.count() == 1


def test_an_older_sqlite_turns_a_log_back_when_nobody_uses_it(path, open_path, monkeypatch, make_run):
    monkeypatch.setattr(sqlite, "SOUND_LOG", (3, 7, 0))
    first = open_path()
    first.save_run(make_run())
    if first.describe()["journal"] != "wal":
        pytest.skip("the temporary folder is on a network file system")
    monkeypatch.setattr(sqlite, "SOUND_LOG", (99, 0, 0))
    with pytest.raises(StoreError, match="write-ahead log") as caught:
        open_path()
    assert "pysqlite3" in caught.value.hint
    assert first.count() == 1
    first.close()
    second = open_path()
    assert second.describe()["journal"] == "truncate"
    assert second.count() == 1


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /proc rw - proc proc rw
41 22 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2
42 41 254:1 / /home/ann/local\\040disk rw - xfs /dev/vdb rw
43 22 0:41 / /mnt/cloud rw - fuse.sshfs ann@host:/ rw
44 22 0:42 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw
45 22 0:43 / /mnt/over rw - ext4 /dev/vdc rw
46 22 0:44 / /mnt/over rw - cifs //server/share rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/var/x.db", "ext4", False),
        ("/home/ann/x.db", "nfs4", True),
        ("/home/ann/local disk/x.db", "xfs", False),
        ("/homework/x.db", "ext4", False),
        ("/mnt/cloud/a/x.db", "fuse.sshfs", True),
        ("/mnt/ntfs/x.db", "fuseblk", False),
        ("/mnt/over/x.db", "cifs", True),
    ],
)
def test_network_file_systems_are_known(path, kind, network):
    assert sqlite.file_system(path, MOUNTS) == kind
    assert bool(sqlite._NETWORK.fullmatch(kind)) is network


def test_a_commit_reaches_the_disk(path, open_path):
    store = open_path()
    with store._database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_the_store_stays_where_it_was_when_the_directory_changes(tmp_path, monkeypatch, make_run):
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///runs.db", "artifacts")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.save_run(make_run())
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(store.count).result() == 1
    store.close()
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["a b.db", "ä.db", "50%.db", "#1.db", "what?/a?.db", "a'b.db", "x?y=z/a@b:c.db"]
)
def test_odd_paths_work(tmp_path, name, make_run):
    for url in (f"sqlite:///{tmp_path / name}", f"sqlite:///{tmp_path / name}?timeout=3"):
        store = open_store(url, str(tmp_path))
        store.save_run(make_run())
        store.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


def test_a_store_deleted_under_us_is_made_anew(path, open_path, make_run):
    from jupyter_mlops.records import Execution

    cell = Execution(execution_id="x", session_id="s", order=1, source="a", code="a")
    store = open_path()
    store.save_run(make_run(session_id="s", orders=(2,), cells=(cell,)))
    shutil.rmtree(path.parent)
    run = store.save_run(make_run(session_id="s", orders=(2,), cells=(cell,)))
    assert run.number == 1
    assert store.get_run(run.run_id).cells == (cell,)
    other = open_path()
    assert other.count() == 1


def test_a_log_without_its_database_is_not_thrown_away(path, open_path, make_run):
    store = open_path()
    store.save_run(make_run())
    log = path.with_name("runs.db-wal")
    if not log.exists():
        pytest.skip("this SQLite keeps no write-ahead log")
    path.rename(path.with_name("moved.db"))
    before = log.read_bytes()
    for act in (lambda: store.save_run(make_run()), open_path):
        with pytest.raises(StoreError, match=r"is missing, while its log runs\.db-wal is still there"):
            act()
    path.with_name("moved.db").rename(path)
    assert log.read_bytes() == before
    assert store.count() == 1


def test_postgresql_without_its_driver_says_what_to_install():
    code = """
import json, sys
sys.modules["psycopg"] = None
from jupyter_mlops.errors import StoreError
from jupyter_mlops.store import open_store
try:
    open_store("postgresql://ann:hunter2@host/db", "/nowhere")
except StoreError as error:
    print(json.dumps(str(error)))
"""
    said = python(code)
    assert "jupyter_mlops[postgresql]" in said
    assert "hunter2" not in said


def test_a_closed_store_says_so(open_path):
    store = open_path()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.count()


def test_threads_share_a_store(store, make_run):
    def write(index):
        run = store.save_run(make_run(metrics={"m": index}))
        assert store.get_run(run.run_id) == run
        return run.number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(write, range(60)))
    assert sorted(numbers) == list(range(1, 61))


def test_a_failed_block_leaves_nothing(store):
    before = store.revision()

    def fail():
        with store._database.write() as connection:
            connection.execute(text("INSERT INTO experiments (name, last_number) VALUES ('e', 1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.revision() == before


def test_reading_sees_one_state(store, make_run):
    """A run replaced between two statements of one reader is not seen half old, half new."""
    with store._database.read() as connection:
        count = text("SELECT count(*) FROM runs")
        assert connection.execute(count).scalar() == 0
        with ThreadPoolExecutor(1) as pool:
            pool.submit(store.save_run, make_run()).result()
        assert connection.execute(count).scalar() == 0
    assert store.count() == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_nothing_and_the_store_usable(store, make_run, kind):
    def interrupted():
        with store._database.write() as connection:
            connection.execute(text("INSERT INTO experiments (name, last_number) VALUES ('e', 1)"))
            raise kind

    with pytest.raises(kind):
        interrupted()
    assert store.save_run(make_run(experiment="e")).number == 1


def test_without_pysqlite3_the_standard_module_serves(path, make_run):
    found = python(
        """
import json, sys
sys.modules["pysqlite3"] = None
import sqlite3
from jupyter_mlops.records import Run, Status, new_id, now
from jupyter_mlops.store import open_store
store = open_store(f"sqlite:///{sys.argv[1]}", "/nowhere")
run = Run(run_id=new_id(), experiment="e", status=Status.FINISHED, start_time=now(), tags={"t": "Ä"})
store.save_run(run)
found = store.describe() | {"runs": store.count("tags.t ILIKE 'ä'")}
print(json.dumps(found | {"sound": sqlite3.sqlite_version_info >= (3, 51, 3)}))
""",
        path,
    )
    assert found["driver"].startswith("sqlite3")
    assert found["runs"] == 1
    assert found["sound"] or found["journal"] == "delete"


def test_making_a_store_writes_nothing_into_the_log(path):
    code = """
import io, json, logging, sys
stream = io.StringIO()
logging.basicConfig(level=logging.DEBUG, stream=stream)
from jupyter_mlops.store import open_store
open_store(f"sqlite:///{sys.argv[1]}", "/nowhere").count()
print(json.dumps(stream.getvalue()))
"""
    assert python(code, path) == ""


@pytest.mark.postgresql
def test_a_lost_connection_is_made_again(postgresql_socket, make_run):
    from postgresql import new_database

    url = new_database(postgresql_socket, "lost")
    store = open_store(url, "/nowhere")
    store.save_run(make_run())
    other = create_engine(url)
    with other.begin() as connection:
        ended = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = 'lost' AND pid <> pg_backend_pid()"
            )
        ).scalar()
    other.dispose()
    assert ended
    assert store.count() == 1
    assert store.save_run(make_run()).number == 2
    store.close()


@pytest.mark.postgresql
def test_a_postgresql_store_one_may_only_read_is_read(postgresql_socket, make_run):
    from postgresql import new_database

    url = new_database(postgresql_socket, "readonly")
    read_only = f"{url}&options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(StoreReadOnlyError):
        open_store(read_only, "/nowhere")
    store = open_store(url, "/nowhere")
    run = store.save_run(make_run())
    reader = open_store(read_only, "/nowhere")
    assert reader.get_run(run.run_id) == run
    with pytest.raises(StoreReadOnlyError, match="can be read but not written"):
        reader.save_run(make_run())
    reader.close()
    store.close()


@pytest.mark.postgresql
def test_a_database_with_tables_of_ours_by_another_is_left_alone(postgresql_socket):
    from postgresql import new_database

    url = new_database(postgresql_socket, "mlflow")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE unrelated (a int)"))
    open_store(url, "/nowhere").close()
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
    engine.dispose()
    with pytest.raises(StoreError, match="belongs to something else: it has a table 'alias_moves'"):
        open_store(url, "/nowhere")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_fork_uses_connections_of_its_own(store, make_run):
    store.save_run(make_run())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.save_run(make_run(name="child"))
            code = 0 if store.count() == 2 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert store.save_run(make_run()).number == 3
    assert store.count("name = 'child'") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_no_connection_is_open_while_a_process_forks(path, open_path, make_run):
    store = open_path()
    store.save_run(make_run())
    child = os.fork()
    if child == 0:
        names = []
        for entry in Path("/proc/self/fd").iterdir():
            try:
                names.append(str(entry.readlink()))
            except OSError:
                continue
        os._exit(sum(str(path) in name for name in names))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert store.count() == 1


def test_database_shows_itself_without_a_password(path):
    database = Database(f"sqlite:///{path}")
    assert repr(database) == f"Database('{path}')"
    database.close()


def test_read_only_is_a_store_error():
    assert issubclass(StoreReadOnlyError, StoreError)
