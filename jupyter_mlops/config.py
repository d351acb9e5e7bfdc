"""Where things are and how much is kept: one traitlets configuration for kernel, server and CLI.

Environment variables win over the configuration file, so that a server can hand its store to the
kernels it starts: ``JUPYTER_MLOPS_STORE``, ``JUPYTER_MLOPS_ARTIFACTS``,
``JUPYTER_MLOPS_EXPERIMENT``, ``JUPYTER_MLOPS_DISABLE``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from traitlets import Bool, Float, Integer, Unicode
from traitlets.config import Configurable

from .errors import ConfigError

STORE_VARIABLE = "JUPYTER_MLOPS_STORE"
ARTIFACTS_VARIABLE = "JUPYTER_MLOPS_ARTIFACTS"
EXPERIMENT_VARIABLE = "JUPYTER_MLOPS_EXPERIMENT"
DISABLE_VARIABLE = "JUPYTER_MLOPS_DISABLE"
FOLDER = ".jupyter_mlops"
ROOT_MARKERS = (FOLDER, ".git", "pyproject.toml")


class Mlops(Configurable):
    """Settings of jupyter_mlops, e.g. ``c.Mlops.text_bytes = 10_000`` in an IPython or Jupyter config."""

    store_url = Unicode("", help="SQLAlchemy URL of the store; empty: found from the notebook's folder.").tag(
        config=True
    )
    artifacts_url = Unicode("", help="fsspec URL of the artifacts; empty: beside the store.").tag(config=True)
    experiment = Unicode("", help="Experiment of new runs; empty: the notebook's name.").tag(config=True)
    early_row_seconds = Float(0.5, help="A cell running longer than this gets its row early.").tag(
        config=True
    )
    lease_seconds = Float(15.0, help="A running run not heard of for so long counts as killed.").tag(
        config=True
    )
    patience_seconds = Float(
        2.5, help="A cell's end waits so long for a busy store; then its run waits on disk instead."
    ).tag(config=True)
    progress_seconds = Float(1.0, help="A cell running longer than this shows its progress.").tag(config=True)
    fingerprint_bytes = Integer(
        2_000_000_000, help="Objects larger than this are fingerprinted from a sample, which is said."
    ).tag(config=True)
    artifact_bytes = Integer(100_000_000, help="Models and figures larger are not kept.").tag(config=True)
    model_seconds = Float(1.0, help="A model whose bytes take longer to make is not kept.").tag(config=True)
    predictions_bytes = Integer(
        20_000_000, help="Tables of predictions (y_true, y_pred, y_score) larger than this are not kept."
    ).tag(config=True)
    features_bytes = Integer(
        20_000_000,
        help="Tables of the rows that were predicted larger than this are not kept; 0: none is.",
    ).tag(config=True)
    text_bytes = Integer(100_000, help="Text output beyond this is cut in the middle.").tag(config=True)
    curve_points = Integer(2_000, help="Curves with more points are thinned, keeping their shape.").tag(
        config=True
    )
    card = Bool(True, help="Show the run card under a tracked cell.").tag(config=True)

    def resolved_store_url(self, directory: Path | str | None = None) -> str:
        """The store's SQLAlchemy URL for work done in `directory` (default: the current one)."""
        url = os.environ.get(STORE_VARIABLE) or self.store_url
        if not url:
            return sqlite_url(project_root(Path(directory or Path.cwd())) / FOLDER / "runs.db")
        if "://" not in url:
            raise ConfigError(
                f"The store {url!r} is no URL.",
                f"Set {STORE_VARIABLE} to something like sqlite:////home/me/runs.db.",
            )
        return url

    def resolved_artifacts_url(self, store_url: str) -> str:
        """The fsspec URL of the artifacts that go with `store_url`."""
        url = os.environ.get(ARTIFACTS_VARIABLE) or self.artifacts_url
        if url:
            return url
        if store_url.startswith("sqlite:///"):
            return str(Path(store_url.removeprefix("sqlite:///")).parent / "artifacts")
        return str(self.home() / "artifacts")

    def home(self) -> Path:
        """The folder of the user's own for what has no place beside a store."""
        from jupyter_core.paths import jupyter_data_dir

        return Path(jupyter_data_dir()) / "jupyter_mlops"

    def resolved_experiment(self, notebook: str = "") -> str:
        """The experiment of new runs: set by hand, else the notebook's name, else ``default``."""
        return os.environ.get(EXPERIMENT_VARIABLE) or self.experiment or Path(notebook).stem or "default"


def project_root(directory: Path) -> Path:
    """The nearest folder at or above `directory` that holds a store or begins a project, else `directory`."""
    directory = directory.resolve()
    for folder in (directory, *directory.parents):
        if any((folder / marker).exists() for marker in ROOT_MARKERS):
            return folder
    return directory


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of the SQLite database at `path`."""
    return f"sqlite:///{path.absolute().as_posix()}"


def disabled() -> bool:
    """Whether ``JUPYTER_MLOPS_DISABLE`` asks us to do nothing."""
    return os.environ.get(DISABLE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no")


def load_config(**overrides: Any) -> Mlops:
    """The configuration from Jupyter's own ``jupyter_mlops_config.py`` and ``.json``, then `overrides`."""
    from jupyter_core.paths import jupyter_config_path
    from traitlets.config import Config
    from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

    config = Config()
    for folder in reversed(jupyter_config_path()):
        for loader in (PyFileConfigLoader, JSONFileConfigLoader):
            suffix = "py" if loader is PyFileConfigLoader else "json"
            try:
                config.merge(loader(f"jupyter_mlops_config.{suffix}", path=folder).load_config())
            except ConfigFileNotFound:
                continue
    return Mlops(config=config, **overrides)
