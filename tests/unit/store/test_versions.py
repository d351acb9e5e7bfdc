"""Pipeline versions do not change; aliases move, in order, and leave a log."""

from __future__ import annotations

import msgspec
import pytest

from jupyter_mlops.errors import PipelineNameError, PipelineNotFoundError, PromotionError, UsageError
from jupyter_mlops.records import Attempt, MetricCheck, PipelineVersion, ValidationReport, now


def make_version(number, *, name="churn", status="validated"):
    report = ValidationReport(
        verdict=status,
        cause="" if status == "validated" else "acc differs",
        metrics=(MetricCheck(name="acc", expected=0.5, first=float("inf"), second=None, equal=False),),
        attempts=(Attempt(rung="minimal", orders=(1, 2), verdict=status),),
    )
    return PipelineVersion(
        name=name,
        version=number,
        path=f"/work/pipelines/{name}/v{number}",
        status=status,
        run_id="r",
        created_at=now(),
        report=report,
        run_number=3,
        experiment="e",
        metrics={"acc": 0.5, "n": 2**70},
    )


@pytest.fixture
def registered(store):
    for number, status in ((1, "validated"), (2, "rejected"), (3, "validated"), (4, "validated")):
        store.add_version(make_version(number, status=status))
    return store


def moves(store, name="churn"):
    return [(move.alias, move.from_version, move.to_version) for move in store.alias_log(name)]


def test_versions_come_back(store):
    assert store.next_version("churn") == 1
    version = make_version(1)
    assert store.add_version(version) == version
    assert store.get_version("churn", 1) == version
    assert store.next_version("churn") == 2
    other = store.add_version(make_version(1, name="another"))
    second = store.add_version(make_version(2, status="rejected"))
    assert store.versions("churn") == [second, version]
    assert store.versions() == [other, second, version]
    assert store.versions("nothing") == []


def test_a_version_is_registered_once(registered):
    changed = msgspec.structs.replace(make_version(1), path="/elsewhere")
    with pytest.raises(UsageError, match="Version 1 of churn is registered already"):
        registered.add_version(changed)
    assert registered.get_version("churn", 1).path == "/work/pipelines/churn/v1"


@pytest.mark.parametrize(
    "name", ["", "a b", "1a", "../x", "a.b", "class", "größe", "a" * 101, None, "a/b", "a\0"]
)
def test_a_name_that_is_no_identifier_is_refused(store, name):
    with pytest.raises(PipelineNameError) as caught:
        store.next_version(name)
    assert caught.value.hint
    with pytest.raises(PipelineNameError):
        store.add_version(make_version(1, name=name))


def test_unknown_pipelines_and_versions_are_not_found(registered):
    for act, words in (
        (lambda: registered.get_version("nothing", 1), "no pipeline 'nothing'"),
        (lambda: registered.get_version("churn", 9), "churn has no version 9"),
        (lambda: registered.get_version("churn", 10**30), "no version"),
        (lambda: registered.move_alias("churn", "champion", 9), "no version 9"),
        (lambda: registered.move_alias("nothing", "champion", 1), "no pipeline"),
        (lambda: registered.move_alias("nothing", "champion", None), "no pipeline"),
        (lambda: registered.rollback_alias("nothing", "champion"), "no pipeline"),
    ):
        with pytest.raises(PipelineNotFoundError, match=words):
            act()


def test_an_alias_moves_and_is_shown(registered):
    move = registered.move_alias("churn", "champion", 1, reason="first")
    assert (move.pipeline, move.alias, move.from_version, move.to_version) == ("churn", "champion", None, 1)
    registered.move_alias("churn", "shadow", 3)
    registered.move_alias("churn", "champion", 3, reason="better")
    assert registered.get_version("churn", 3).aliases == ("champion", "shadow")
    assert [version.aliases for version in registered.versions("churn")] == [
        (),
        ("champion", "shadow"),
        (),
        (),
    ]
    registered.move_alias("churn", "shadow", None)
    assert registered.get_version("churn", 3).aliases == ("champion",)
    assert moves(registered) == [
        ("champion", None, 1),
        ("shadow", None, 3),
        ("champion", 1, 3),
        ("shadow", 3, None),
    ]
    assert registered.alias_log("churn")[2].reason == "better"
    assert registered.alias_log("nothing") == []


def test_a_rejected_version_is_never_promoted(registered):
    with pytest.raises(PromotionError, match="Version 2 of churn is rejected"):
        registered.move_alias("churn", "champion", 2)
    assert moves(registered) == []


def test_an_alias_somebody_moved_meanwhile_stays(registered):
    registered.move_alias("churn", "champion", 1, expected=None)
    for expected, words in ((3, "at version 1, not at version 3"), (None, "at version 1, not at no version")):
        with pytest.raises(PromotionError, match=words):
            registered.move_alias("churn", "champion", 4, expected=expected)
    registered.move_alias("churn", "champion", 4, expected=1)
    assert moves(registered) == [("champion", None, 1), ("champion", 1, 4)]


def test_a_move_to_where_it_stands_is_no_move(registered):
    registered.move_alias("churn", "champion", 1)
    move = registered.move_alias("churn", "champion", 1)
    assert (move.from_version, move.to_version) == (1, 1)
    assert len(moves(registered)) == 1


def test_rollback_goes_back_step_by_step_and_never_forth(registered):
    for version in (1, 3, 4):
        registered.move_alias("churn", "champion", version)
    assert registered.rollback_alias("churn", "champion").to_version == 3
    assert registered.rollback_alias("churn", "champion").to_version == 1
    with pytest.raises(PromotionError, match="stood nowhere before"):
        registered.rollback_alias("churn", "champion")
    registered.move_alias("churn", "champion", 4)
    move = registered.rollback_alias("churn", "champion", reason="alarm")
    assert (move.from_version, move.to_version, move.reason) == (4, 1, "alarm")
    assert registered.get_version("churn", 1).aliases == ("champion",)
    assert len(moves(registered)) == 7


def test_rollback_brings_back_a_removed_alias(registered):
    registered.move_alias("churn", "champion", 3)
    registered.move_alias("churn", "champion", None)
    assert registered.rollback_alias("churn", "champion").to_version == 3


@pytest.mark.parametrize("alias", ["", "a b", "-x", "1", "é", None, "a" * 65, "champion\n"])
def test_an_alias_has_a_simple_name(registered, alias):
    with pytest.raises(UsageError):
        registered.move_alias("churn", alias, 1)
    with pytest.raises(UsageError):
        registered.rollback_alias("churn", alias)


def test_the_revision_follows_the_registry(store):
    before = store.revision()
    store.add_version(make_version(1))
    added = store.revision()
    store.move_alias("churn", "champion", 1)
    assert len({before, added, store.revision()}) == 3
