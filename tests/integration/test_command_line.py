"""``jupyter mlops …`` in real processes, on a store that was filled before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from exportable import exportable_run

from jupyter_mlops import records
from jupyter_mlops.config import sqlite_url
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_mlops.store import Store


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / ".jupyter_mlops").mkdir()
    (folder / "deep" / "below").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def store(project: Path) -> Iterator[Store]:
    folder = project / ".jupyter_mlops"
    opened = open_store(sqlite_url(folder / "runs.db"), str(folder / "artifacts"))
    for depth, score in ((2, 0.5), (8, 0.75)):
        opened.save_run(
            records.Run(
                run_id=records.new_id(),
                experiment="trees",
                status=records.Status.FINISHED,
                start_time=records.now(),
                duration=1.5,
                name=f"tree{depth}",
                params={"depth": depth},
                metrics={"accuracy": score, "odd": float("nan")},
            )
        )
    yield opened
    opened.close()


def mlops(folder: Path, *arguments: str, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    ours = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", *arguments],
        cwd=folder,
        env={**ours, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def strict(text: str) -> Any:
    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=no_constant)


def add_version(store: Store, folder: Path, status: str, depth: int) -> records.PipelineVersion:
    number = store.next_version("churn")
    path = folder / "pipelines" / "churn" / f"v{number}"
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(f"depth: {depth}\n")
    return store.add_version(
        records.PipelineVersion(
            name="churn",
            version=number,
            path=str(path),
            status=status,
            run_id=store.resolve("tree2"),
            created_at=records.now(),
            report=records.ValidationReport(
                verdict=status, cause="" if status == "validated" else "It differs."
            ),
            metrics={"accuracy": depth / 10},
        )
    )


def test_runs_are_listed_from_anywhere_in_the_project(project: Path, store: Store) -> None:
    found = strict(mlops(project / "deep" / "below", "runs", "--json").stdout)
    assert [run["name"] for run in found] == ["tree8", "tree2"]
    assert found[0]["metrics"] == {"accuracy": 0.75, "odd": "NaN"}
    text = mlops(project, "runs").stdout
    assert "tree8" in text
    assert "accuracy=0.75" in text


def test_runs_are_filtered_sorted_and_limited(project: Path, store: Store) -> None:
    sorted_ones = strict(mlops(project, "runs", "--order-by", "metrics.accuracy", "--json").stdout)
    assert [run["name"] for run in sorted_ones] == ["tree2", "tree8"]
    filtered = strict(mlops(project, "runs", "--filter", "params.depth > 5", "--json").stdout)
    assert [run["name"] for run in filtered] == ["tree8"]
    limited = mlops(project, "runs", "-n", "1", "--json")
    assert len(strict(limited.stdout)) == 1
    assert "1 of 2 runs" in mlops(project, "runs", "-n", "1").stderr


def test_a_number_is_looked_up_in_the_experiment_that_is_named(tmp_path: Path) -> None:
    (tmp_path / ".jupyter_mlops").mkdir()
    home = tmp_path / ".jupyter_mlops"
    store = open_store(sqlite_url(home / "runs.db"), str(home / "artifacts"))
    curve = records.Curve(steps=[0, 1], values=[0.5, 0.25], times=[0.0, 1.0], count=2)
    for experiment in ("trees", "nets"):
        for name in ("small", "large"):
            run = records.Run(
                run_id=records.new_id(),
                experiment=experiment,
                status=records.Status.FINISHED,
                start_time=records.now(),
                name=f"{name}-{experiment}",
                curves=("loss",),
            )
            store.save_run(run, curves={"loss": curve})
    store.close()

    ambiguous = mlops(tmp_path, "show", "#1", code=2)
    assert "--experiment" in ambiguous.stderr
    shown = mlops(tmp_path, "show", "#1", "--experiment", "nets").stdout
    assert "small-nets" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("  loss")]
    assert line.split() == ["loss", "2", "points,", "last", "0.2500"]
    arguments = ("compare", "#1", "#2", "--experiment", "trees", "--json")
    compared = strict(mlops(tmp_path, *arguments).stdout)
    assert [run["name"] for run in compared["runs"]] == ["small-trees", "large-trees"]
    missing = mlops(tmp_path, "export", "#3", "--experiment", "trees", "--name", "churn", code=2)
    assert "#3" in missing.stderr


def test_one_run_is_shown(project: Path, store: Store) -> None:
    document = strict(mlops(project, "show", "best:accuracy", "--json").stdout)
    assert (document["name"], document["params"]) == ("tree8", {"depth": 8})
    assert "accuracy  0.7500" in mlops(project, "show", "#2").stdout


def test_runs_are_compared(project: Path, store: Store) -> None:
    document = strict(mlops(project, "compare", "tree2", "tree8", "--json").stdout)
    assert document["reference"] == store.resolve("tree2")
    assert [run["name"] for run in document["runs"]] == ["tree2", "tree8"]
    text = mlops(project, "compare", "tree2", "tree8").stdout
    (depth,) = [line for line in text.splitlines() if line.startswith("depth")]
    assert depth.split() == ["depth", "2", "8"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("runs", "--filter", "metrics.accuracy >"), "metrics.accuracy"),
        (("runs", "--filter", "colour = 'red'"), "colour"),
        (("runs", "--order-by", "metrics.nosuch"), "There are: accuracy, odd"),
        (("show", "nobody"), "nobody"),
        (("show", "#99"), "#99"),
        (("compare", "tree2"), "two different runs"),
        (("export", "nobody", "--name", "churn"), "nobody"),
        (("export", "tree2", "--name", "9 lives"), "9 lives"),
        (("versions", "nothing"), "nothing"),
        (("promote", "nothing", "1", "champion"), "nothing"),
        (("rollback", "nothing", "champion"), "nothing"),
    ],
)
def test_bad_input_is_one_sentence_on_standard_error_and_exit_code_2(
    project: Path, store: Store, arguments: tuple[str, ...], sentence: str
) -> None:
    done = mlops(project, *arguments, code=2)
    assert done.stdout == ""
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_looking_makes_no_store(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    mlops(tmp_path, "runs", code=1)
    assert [path.name for path in tmp_path.iterdir()] == [".git"]


def test_a_store_that_cannot_be_opened_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    url = f"sqlite:///{tmp_path / 'file' / 'runs.db'}"
    done = mlops(tmp_path, "runs", "--json", code=1, JUPYTER_MLOPS_STORE=url)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_output_into_a_closed_pipe_is_no_fault(project: Path, store: Store) -> None:
    command = f"{sys.executable} -m jupyter_mlops.cli show last --json | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.stdout == "{"
    assert done.stderr == ""


def test_versions_are_listed_compared_promoted_and_rolled_back(project: Path, store: Store) -> None:
    add_version(store, project, "validated", 2)
    add_version(store, project, "rejected", 4)
    add_version(store, project, "validated", 8)

    versions = strict(mlops(project, "versions", "churn", "--json").stdout)
    assert [(version["version"], version["status"]) for version in versions] == [
        (3, "validated"),
        (2, "rejected"),
        (1, "validated"),
    ]
    assert "It differs." in mlops(project, "versions").stdout

    difference = mlops(project, "diff", "churn", "v1", "3").stdout
    assert {"-depth: 2", "+depth: 8"} <= set(difference.splitlines())

    assert mlops(project, "promote", "churn", "1", "champion").stdout == "churn champion: nowhere → v1\n"
    refused = mlops(project, "promote", "churn", "2", "champion", code=3)
    assert len(refused.stderr.splitlines()) == 1
    move = strict(mlops(project, "promote", "churn", "v3", "champion", "--json").stdout)
    assert (move["from_version"], move["to_version"]) == (1, 3)
    assert mlops(project, "rollback", "churn", "champion").stdout == "churn champion: v3 → v1\n"
    assert store.get_version("churn", 1).aliases == ("champion",)


def test_an_export_that_holds_is_0_and_one_that_does_not_is_3(tmp_path: Path) -> None:
    (tmp_path / ".jupyter_mlops").mkdir()
    home = tmp_path / ".jupyter_mlops"
    store = open_store(sqlite_url(home / "runs.db"), str(home / "artifacts"))
    right = store.save_run(exportable_run(tmp_path, 0.75))
    store.save_run(exportable_run(tmp_path, 0.5))
    store.close()

    held = mlops(tmp_path, "export", right.run_id, "--name", "scores", "--json")
    version = strict(held.stdout)
    assert (version["status"], version["path"]) == (
        "validated",
        str(tmp_path / "pipelines" / "scores" / "v1"),
    )
    assert held.stderr

    refused = mlops(tmp_path, "export", "#2", "--name", "scores", "--directory", "other", code=3)
    assert "scores v2: rejected" in refused.stdout
    (line,) = [line for line in refused.stdout.splitlines() if line.startswith("accuracy ")]
    assert line.split()[1:3] == ["0.5", "0.75"]
    assert line.endswith("DIFFERS")


def test_the_doctor_finds_the_store_and_the_kernels_agreement(project: Path, store: Store) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", "doctor", "--json"],
        cwd=project / "deep",
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("JUPYTER_MLOPS")},
    )
    checks = {check["name"]: check for check in strict(done.stdout)}
    assert checks["packages"]["state"] == "ok"
    assert checks["store"]["state"] == "ok"
    assert str(project / ".jupyter_mlops" / "runs.db") in checks["store"]["detail"]
    assert checks["kernel python3"]["detail"].endswith("same store")
    assert done.returncode == (1 if any(check["state"] == "failed" for check in checks.values()) else 0)


def test_the_doctor_finds_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    url = sqlite_url(tmp_path / "file" / "deep" / "runs.db")
    done = mlops(tmp_path, "doctor", code=1, JUPYTER_MLOPS_STORE=url)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FAIL  store")]
    assert "cannot be made" in line
    assert "mlops doctor" not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_doctor_says_what_is_wrong_with_a_store(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"this is no database, but it is long enough to look at" * 40)
    done = mlops(tmp_path, "doctor", code=1, JUPYTER_MLOPS_STORE=sqlite_url(tmp_path / "runs.db"))
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FAIL  store")]
    assert "runs.db" in line
