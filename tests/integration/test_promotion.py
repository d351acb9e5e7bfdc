"""Versions do not change, and an alias moves only to one that is as exported, proved and no worse."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exportable import exportable_run

from jupyter_mlops.compare import higher_is_better
from jupyter_mlops.compare.slices import slice_score
from jupyter_mlops.errors import PromotionError, UsageError
from jupyter_mlops.export import export_run, promote_version, with_changes
from jupyter_mlops.records import Evaluation, MetricDetail, PipelineVersion, ValidationReport, new_id, now
from jupyter_mlops.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / ".jupyter_mlops").mkdir()
    home = tmp_path / ".jupyter_mlops"
    return open_store(f"sqlite:///{home / 'runs.db'}", str(home / "artifacts"))


def mlops(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER_MLOPS")}
    command = [sys.executable, "-m", "jupyter_mlops.cli", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


def change(place: Path) -> None:
    place.write_text(place.read_text() + "\n")


CHANGES: dict[str, Any] = {
    "pipeline.py was changed": lambda folder: change(folder / "pipeline.py"),
    "contracts.py is missing": lambda folder: (folder / "contracts.py").unlink(),
    "extra.txt was added": lambda folder: (folder / "extra.txt").write_text(""),
    "manifest.json was changed": lambda folder: change(folder / "manifest.json"),
    "modules/more.py was added": lambda folder: (
        (folder / "modules").mkdir(),
        change_new(folder / "modules" / "more.py"),
    ),
    "is missing": lambda folder: folder.rename(folder.with_name("elsewhere")),
}


def change_new(place: Path) -> None:
    place.write_text("x = 1\n")


def test_a_changed_folder_is_named_and_never_promoted(store: Store, tmp_path: Path) -> None:
    run = store.save_run(exportable_run(tmp_path, 0.75))
    for sentence, tamper in CHANGES.items():
        version = export_run(store, run.run_id, "scores", tmp_path / "pipelines")
        assert version.status == "validated"
        assert with_changes(version).changed == ()
        tamper(Path(version.path))
        assert any(sentence in found for found in with_changes(version).changed), sentence
        with pytest.raises(PromotionError, match=sentence.replace(".", r"\.")):
            promote_version(
                store, "scores", version.version, "champion", direction=higher_is_better, force=True
            )
    listed = json.loads(mlops(tmp_path, "versions", "scores", "--json").stdout)
    assert listed[-1]["changed"] == ["pipeline.py was changed."]
    assert "extra.txt was added." in mlops(tmp_path, "versions").stdout
    assert "pipeline.py was changed." in mlops(tmp_path, "promote", "scores", "1", "champion", code=3).stderr
    assert store.alias_log("scores") == []


def test_running_and_testing_a_version_is_no_change(store: Store, tmp_path: Path) -> None:
    run = store.save_run(exportable_run(tmp_path, 0.75))
    version = export_run(store, run.run_id, "scores", tmp_path / "pipelines")
    folder = Path(version.path)
    for command in (["pipeline.py", "run"], ["-m", "pytest", "-q"], ["pipeline.py", "step", "evaluate"]):
        subprocess.run([sys.executable, *command], cwd=folder, check=False, capture_output=True)
    assert (folder / "output" / "metrics.json").exists()
    assert with_changes(version).changed == ()


def test_the_same_run_exported_again_is_a_version_that_says_so(store: Store, tmp_path: Path) -> None:
    run = store.save_run(exportable_run(tmp_path, 0.75))
    said: list[str] = []
    first = export_run(store, run.run_id, "scores", tmp_path / "pipelines", progress=said.append)
    assert first.report.notes == ()
    second = export_run(store, run.run_id, "scores", tmp_path / "pipelines", progress=said.append)
    (note,) = second.report.notes
    assert note == "Run #1 has been exported as scores before (v1); nothing in it is different."
    assert note in said
    assert second.version == 2
    assert note in (Path(second.path) / "CARD.md").read_text()
    assert note in mlops(tmp_path, "export", run.run_id, "--name", "scores").stdout.replace(
        "(v1, v2)", "(v1)"
    )


def add(
    store: Store, folder: Path, given: Any = None, status: str = "validated", **metrics: float
) -> PipelineVersion:
    run = exportable_run(folder, 0.75)
    details = {name: MetricDetail(origin="bound") for name in metrics} | (given or {})
    if "quality" in details:
        details["quality"] = MetricDetail(origin="bound", higher_is_better=True)
    fields = {name: getattr(run, name) for name in run.__struct_fields__}
    saved = store.save_run(
        type(run)(**{**fields, "run_id": new_id(), "metrics": dict(metrics), "metric_details": details})
    )
    return store.add_version(
        PipelineVersion(
            name="churn",
            version=store.next_version("churn"),
            path=str(folder / "gone"),
            status=status,
            run_id=saved.run_id,
            created_at=now(),
            report=ValidationReport(verdict=status),
            metrics=dict(metrics),
        )
    )


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ({"accuracy": 0.9}, {"accuracy": 0.895}, ""),
        ({"accuracy": 0.9}, {"accuracy": 0.88}, "accuracy is 0.88, not 0.9"),
        ({"accuracy": 0.9}, {"accuracy": float("nan")}, "accuracy is nan"),
        ({"accuracy": 0.9}, {"f1": 0.95}, "it has no accuracy"),
        ({"log_loss": 0.5}, {"log_loss": 0.6}, "log_loss is 0.6"),
        ({"log_loss": 0.5}, {"log_loss": 0.4}, ""),
        ({"quality": 3.0}, {"quality": 2.0}, "quality is 2, not 3"),
        ({"total": 3.0}, {"total": 2.0}, ""),
    ],
)
def test_the_gate_is_the_version_the_alias_stands_at(
    before: dict[str, float], after: dict[str, float], worse: str, store: Store, tmp_path: Path
) -> None:
    add(store, tmp_path, **before)
    add(store, tmp_path, **after)
    options: dict[str, Any] = {"direction": higher_is_better}
    promote_version(store, "churn", 1, "champion", **options)
    promote_version(store, "churn", 2, "shadow", **options)
    if not worse:
        assert promote_version(store, "churn", 2, "champion", **options).to_version == 2
        return
    with pytest.raises(PromotionError, match=worse) as caught:
        promote_version(store, "churn", 2, "champion", **options)
    assert "--force" in caught.value.hint
    assert store.get_version("churn", 1).aliases == ("champion",)
    move = promote_version(store, "churn", 2, "champion", force=True, reason="drill", **options)
    assert (move.from_version, move.to_version) == (1, 2)
    assert move.reason.startswith("drill (forced: ")


def test_a_score_on_other_rows_passes_no_gate(store: Store, tmp_path: Path) -> None:
    for accuracy, target, rows in ((0.7, "a", 200), (0.9, "b", 33), (0.9, "a", 200)):
        evaluation = Evaluation(function="accuracy_score", target=target, rows=rows)
        details = {"accuracy": MetricDetail(origin="call", evaluation=evaluation)}
        add(store, tmp_path, details, accuracy=accuracy)
    mlops(tmp_path, "promote", "churn", "1", "champion")
    refused = mlops(tmp_path, "promote", "churn", "2", "champion", code=3).stderr
    assert "accuracy of 0.9 cannot be held against 0.7, scored on other rows: 200 vs 33" in refused
    assert "→ v3" in mlops(tmp_path, "promote", "churn", "3", "champion").stdout


def test_the_gate_on_the_command_line_and_the_way_back(store: Store, tmp_path: Path) -> None:
    add(store, tmp_path, accuracy=0.9)
    add(store, tmp_path, accuracy=0.8)
    add(store, tmp_path, status="rejected", accuracy=0.99)
    mlops(tmp_path, "promote", "churn", "1", "champion")
    refused = mlops(tmp_path, "promote", "churn", "2", "champion", code=3)
    assert "accuracy is 0.8, not 0.9" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert "is rejected" in mlops(tmp_path, "promote", "churn", "3", "champion", "--force", code=3).stderr
    mlops(tmp_path, "promote", "churn", "2", "champion", "--tolerance", "no", code=2)
    assert (
        mlops(tmp_path, "promote", "churn", "2", "champion", "--tolerance", "0.2").stdout
        == "churn champion: v1 → v2\n"
    )
    assert mlops(tmp_path, "rollback", "churn", "champion").stdout == "churn champion: v2 → v1\n"
    assert "→ v2" in mlops(tmp_path, "promote", "churn", "2", "champion", "--force").stdout


def table(**columns: list[Any]) -> bytes:
    arrays = {str(position): np.array(values) for position, values in enumerate(columns.values())}
    buffer = io.BytesIO()
    np.savez(buffer, columns=np.array(list(columns)), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_a_protected_slice_can_veto_a_better_average_and_stays_protected(
    store: Store, tmp_path: Path
) -> None:
    true = ["Adelie", "Adelie", "Adelie", "Gentoo", "Gentoo"]
    tables = {
        "rows": table(island=["Dream", "Dream", "Biscoe", "Biscoe", "Biscoe"]),
        "one": table(y_true=true, y_pred=["Gentoo", "Gentoo", "Adelie", "Gentoo", "Gentoo"]),
        "two": table(y_true=true, y_pred=["Adelie", "Adelie", "Adelie", "Gentoo", "Adelie"]),
    }
    for accuracy, digest in ((0.6, "one"), (0.8, "two"), (0.9, "")):
        evaluation = Evaluation(function="f", target_name="species", predictions=digest, features="rows")
        add(
            store,
            tmp_path,
            {"accuracy": MetricDetail(origin="call", evaluation=evaluation)},
            accuracy=accuracy,
        )

    def move(version: int, **options: Any) -> Any:
        options.setdefault("score", lambda run, condition: slice_score(run, condition, tables.__getitem__))
        return promote_version(store, "churn", version, "champion", direction=higher_is_better, **options)

    with pytest.raises(UsageError, match="neither yes nor no"):
        move(1, protect=["species"])
    assert store.protected_slices("churn", "champion") == ()
    move(1, protect=["species = 'Gentoo'"])
    for _ in range(2):
        with pytest.raises(PromotionError, match=r"'Gentoo'\"? accuracy is 0.5 \(2 rows\), not 1"):
            move(2)
    with pytest.raises(PromotionError, match="cannot be scored"):
        move(3)
    assert move(2, unprotect=["species = 'Gentoo'"], protect=["island = 'Dream'"]).to_version == 2
    assert store.protected_slices("churn", "champion") == ("island = 'Dream'",)
    assert "protected slice" in move(3, force=True).reason
