"""Where a run ran, found without making anyone wait."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score

from jupyter_mlops.capture.environment import (
    describe_environment,
    git_state,
    path_additions,
    seeds_in,
    used_packages,
)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "a.txt").write_text("a")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_an_environment_names_its_interpreter(tmp_path: Path) -> None:
    found = describe_environment({"np": np}, directory=str(tmp_path))
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert (found.executable, found.directory) == (sys.executable, str(tmp_path))
    assert found.hardware["cores"] >= 1
    assert found.hardware["memory"] > 0
    assert found.packages == {"numpy": np.__version__}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (np, {"numpy"}),
        (Ridge, {"scikit-learn"}),
        (Ridge(), {"scikit-learn"}),
        (accuracy_score, {"scikit-learn"}),
        (np.arange(3), {"numpy"}),
        (sys, set()),
        (Path(), set()),
        (1, set()),
        (lambda: 0, set()),
    ],
)
def test_packages_are_those_behind_the_names(value: Any, names: set[str]) -> None:
    assert set(used_packages({"value": value})) - {"test_environment"} == names


def test_packages_of_strangers(hostile: Any) -> None:
    assert used_packages({"hostile": hostile, "kind": type(hostile), "np": np}) == {"numpy": np.__version__}


def test_git_knows_commit_branch_and_changes(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.capture.environment.FIRST_WAIT", 10)
    inner = repository / "inner"
    inner.mkdir()
    found = git_state(str(inner))
    assert found == {"commit": git(repository, "rev-parse", "HEAD"), "branch": "trunk", "dirty": False}
    (repository / "a.txt").write_text("b")
    monkeypatch.setattr("jupyter_mlops.capture.environment.FRESH_SECONDS", 0)
    deadline = time.monotonic() + 10
    while not git_state(str(inner))["dirty"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert git_state(str(inner))["dirty"] is True


def test_git_in_a_worktree_with_packed_references_and_no_branch(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    git(repository, "pack-refs", "--all")
    commit = git(repository, "rev-parse", "HEAD")
    found = git_state(str(tmp_path / "tree"))
    assert (found["commit"], found["branch"]) == (commit, "side")
    git(repository, "checkout", "-q", "--detach")
    found = git_state(str(repository))
    assert found["commit"] == commit
    assert "branch" not in found


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:ghp_secret@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://example.org/a/b.git", "https://example.org/a/b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
    ],
)
def test_a_remote_has_no_credentials(repository: Path, url: str, shown: str) -> None:
    git(repository, "remote", "add", "origin", url)
    assert git_state(str(repository))["remote"] == shown


def test_outside_git_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert git_state(str(tmp_path)) == {}
    assert git_state(str(tmp_path / "missing")) == {}


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk")
    assert git_state(str(tmp_path))["branch"] == "trunk"
    assert "commit" not in git_state(str(tmp_path))


def test_folders_put_on_the_path_are_additions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path_additions(str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "lib"), *sys.path, str(tmp_path)])
    assert path_additions(str(tmp_path)) == (str(tmp_path / "lib"), *before)
    assert not any("site-packages" in entry for entry in before)


@pytest.mark.parametrize(
    ("code", "seeds"),
    [
        ("np.random.seed(0)", {"numpy": 0}),
        ("random.seed(1)", {"random": 1}),
        ("torch.manual_seed(2)", {"torch": 2}),
        ("tf.random.set_seed(2)", {"tensorflow": 2}),
        ("set_seed(3)", {"random": 3, "numpy": 3, "torch": 3}),
        ("rng = np.random.default_rng(42)", {"default_rng": 42}),
        ("rng = np.random.default_rng(seed=42)", {"default_rng": 42}),
        ("SEED = 7\ntrain_test_split(X, random_state=SEED)", {"train_test_split.random_state": 7}),
        ("train_test_split(X, random_state=seed + 1)", {"train_test_split.random_state": "seed + 1"}),
        ("RandomForestClassifier(random_state=None)", {}),
        ("default_rng()", {}),
        ("x = 1", {}),
        ("x = = 1", {}),
    ],
)
def test_seeds_in_code(code: str, seeds: dict[str, Any]) -> None:
    assert seeds_in(code) == seeds
