"""The spool: one file a run, drained once, whatever dies or changes meanwhile."""

from __future__ import annotations

import threading

import msgspec
import pytest

from jupyter_mlops.errors import StoreError, UsageError
from jupyter_mlops.records import Curve, Model
from jupyter_mlops.store import Bytes, Keeper, Spool, Waiting, collect

CURVE = Curve(steps=[0, 1], values=[0.5, float("inf")], times=[0.0, 0.1], count=2)


@pytest.fixture
def spool(store, tmp_path):
    return Spool(store.url, tmp_path / "home")


def test_a_run_comes_through_with_everything(store, spool, make_run):
    run = make_run(
        params={"odd": "\ud800", "big": 2**70},
        curves=("loss",),
        models=(Model(name="model", kind="k", format="joblib"),),
    )
    file = Bytes("models/model.joblib", b"\0\xff" * 10, "application/octet-stream", "model", "model")
    child = make_run(metrics={"m": 1}, duration=0.1)
    spool.put(Waiting(run, {"loss": CURVE}, [file], [child]))
    (saved,) = spool.drain(store)
    found = store.get_run(run.run_id)
    assert found.params == run.params
    assert found.number == saved.number == 1
    assert store.get_curve(run.run_id, "loss") == CURVE
    assert (
        store.get_artifact(found.artifacts[0].digest)
        == store.get_artifact(found.models[0].digest)
        == file.data
    )
    assert [found.run_id for found in store.search(parent_id=run.run_id)] == [child.run_id]
    assert spool.waiting() == []
    assert spool.drain(store) == []
    assert store.count() == 1


def test_a_value_that_can_never_be_stored_costs_no_other(store, make_run, tmp_path):
    deep = []
    for _ in range(150):
        deep = [deep]
    keeper = Keeper(lambda: store, store.url, tmp_path / "home")
    run = make_run(params={"deep": deep, "lr": 0.1}, metrics={"m": 1}, curves=("loss", "bad"))
    bad = Curve(steps=[2**63], values=[1.0], times=[0.0], count=1)
    keeper.save(Waiting(run, {"loss": CURVE, "bad": bad}))
    found = store.get_run(run.run_id)
    assert (found.params, found.metrics, found.curves) == ({"lr": 0.1}, {"m": 1}, ("loss",))
    assert ["'deep'" in found.warnings[0].message, "'bad'" in found.warnings[1].message] == [True, True]
    with pytest.raises(UsageError, match="name"):
        keeper.save(Waiting(make_run(name="n" * 500)))


def test_stores_in_one_folder_take_no_run_of_each_other(store, make_run, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "link.db").symlink_to(folder / "a.db")
    path = Spool(f"sqlite:///{folder / 'a.db'}", tmp_path / "home").put(Waiting(make_run()))
    assert Spool(f"sqlite:///{folder / 'link.db'}", tmp_path / "home").waiting() == [path]
    for other in ("b.db", "runs.db"):
        assert Spool(f"sqlite:///{folder / other}", tmp_path / "home").waiting() == []


def test_the_newest_state_of_a_run_is_the_one_that_waits(store, spool, make_run):
    run = make_run(metrics={"m": 1})
    spool.put(Waiting(run))
    spool.put(Waiting(msgspec.structs.replace(run, metrics={"m": 2})))
    assert len(spool.waiting()) == 1
    spool.drain(store)
    assert store.get_run(run.run_id).metrics == {"m": 2}


def test_what_a_dead_process_had_claimed_is_written_before_a_newer_state(store, spool, make_run):
    run = make_run(metrics={"m": 1})
    path = spool.put(Waiting(run))
    path.rename(f"{path}.claimed")
    spool.put(Waiting(msgspec.structs.replace(run, metrics={"m": 2})))
    assert spool.holds(run.run_id)
    spool.drain(store)
    assert store.get_run(run.run_id).metrics == {"m": 2}
    assert not spool.holds(run.run_id)


def test_drainers_at_once_write_each_run_once(store, spool, make_run):
    runs = [make_run(name=f"{index}") for index in range(20)]
    for run in runs:
        spool.put(Waiting(run))
    saved = []
    drainers = [threading.Thread(target=lambda: saved.extend(spool.drain(store))) for _ in range(4)]
    for drainer in drainers:
        drainer.start()
    for drainer in drainers:
        drainer.join()
    spool.drain(store)
    assert store.count() == 20
    assert sorted(run.number for run in saved) == list(range(1, len(saved) + 1))


def test_a_damaged_file_is_set_aside_and_hinders_none(store, spool, make_run, caplog):
    path = spool.put(Waiting(make_run(name="damaged")))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    spool.put(Waiting(make_run(name="whole")))
    assert [run.name for run in spool.drain(store)] == ["whole"]
    assert spool.waiting() == []
    assert path.with_name(f"{path.name}.damaged").read_bytes() == whole[: len(whole) // 2]
    assert "set aside" in caplog.text


class Broken:
    """A store that fails at the run of a name."""

    def __init__(self, store, name):
        self.store, self.name, self.url = store, name, store.url

    def __getattr__(self, name):
        return getattr(self.store, name)

    def save_run(self, run, **more):
        if run.name == self.name:
            raise StoreError("The store is busy.")
        return self.store.save_run(run, **more)


def test_what_cannot_be_written_yet_waits_on(store, spool, make_run, tmp_path):
    for name in ("first", "second"):
        spool.put(Waiting(make_run(name=name)))
    with pytest.raises(StoreError):
        spool.drain(Broken(store, "second"))
    assert len(spool.waiting()) == 1
    assert collect(Broken(store, "second"), tmp_path / "home") == []
    assert [run.name for run in collect(store, tmp_path / "home")] == ["second"]
    assert store.count() == 2


def test_a_keeper_saves_in_order_and_says_where_a_run_waits(store, make_run, tmp_path):
    broken = [True]

    def give():
        if broken[0]:
            raise StoreError("It is away.", "Call it back.")
        return store

    keeper = Keeper(give, store.url, tmp_path / "home")
    with pytest.raises(StoreError, match=r"Call it back\. The run waits in .*spool"):
        keeper.save(Waiting(make_run(name="first")))
    assert keeper.waiting() == 1
    broken[0] = False
    assert keeper.save(Waiting(make_run(name="second"))).number == 2
    assert keeper.waiting() == 0
    keeper.close()


def test_a_keeper_writes_by_itself_as_soon_as_it_can(store, make_run, tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_mlops.store.keeper.FIRST_SECONDS", 0.01)
    monkeypatch.setattr("jupyter_mlops.store.keeper.LAST_SECONDS", 0.01)
    broken = threading.Event()
    written = threading.Event()

    def give():
        if not broken.is_set():
            raise StoreError("It is away.")
        return store

    keeper = Keeper(give, store.url, tmp_path / "home")
    with pytest.raises(StoreError):
        keeper.save(Waiting(make_run()))
    broken.set()
    for _ in range(500):
        if not keeper.waiting():
            written.set()
            break
        written.wait(0.02)
    assert written.is_set()
    assert store.count() == 1
    keeper.close()


def test_nothing_of_a_password_is_on_the_disk(tmp_path, make_run):
    spool = Spool("postgresql://ann:hunter2@host/db", tmp_path)
    path = spool.put(Waiting(make_run()))
    assert b"hunter2" not in path.read_bytes()
    assert "hunter2" not in str(path)
