"""What the handlers work with, built once by the application: the store, the exports and the root folder."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops.errors import MlopsError, UsageError

from . import contract
from .jobs import ExportJobs

if TYPE_CHECKING:
    from jupyter_mlops import records
    from jupyter_mlops.config import Mlops
    from jupyter_mlops.store import Store

READERS = 4


class Services:
    """One for the life of a server.

    Args:
        config: Where the store and its artifacts are.
        root: The server's root folder; what is served by path or written lies inside it.
    """

    def __init__(self, config: Mlops, root: Path) -> None:
        self.root = root.resolve()
        self.store_url = self.artifacts_url = ""
        self._misconfigured: MlopsError | None = None
        try:
            self.store_url = config.resolved_store_url(self.root)
            self.artifacts_url = config.resolved_artifacts_url(self.store_url)
        except MlopsError as error:
            self._misconfigured = error
        self.executor = ThreadPoolExecutor(READERS, thread_name_prefix="jupyter-mlops")
        self.exports = ExportJobs(self.on_wire)
        self._store: Store | None = None
        self._opening = threading.Lock()

    @property
    def store(self) -> Store:
        """The store, opened when it is first needed and, while that fails, tried again each time.

        So a server starts whatever the state of its store. Call it in a worker thread only.
        """
        if self._misconfigured is not None:
            raise self._misconfigured
        with self._opening:
            if self._store is None:
                from jupyter_mlops.config import load_config
                from jupyter_mlops.store import collect, open_store

                self._store = open_store(self.store_url, self.artifacts_url)
                collect(self._store, load_config().home())
            return self._store

    def close(self) -> None:
        """Let go of threads and connections; a running export is left to end with the process."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        with self._opening:
            if self._store is not None:
                self._store.close()
                self._store = None

    def on_wire(self, version: records.PipelineVersion) -> contract.PipelineVersion:
        """Add to `version` where the browser finds its folder."""
        fields = msgspec.structs.asdict(version)
        return contract.PipelineVersion(**fields, contents_path=self.contents_path(Path(version.path)))

    def contents_path(self, path: Path) -> str | None:
        """`path` relative to the root with forward slashes, or None when it really lies outside it."""
        real = path.resolve()
        return real.relative_to(self.root).as_posix() if real.is_relative_to(self.root) else None

    def folder_inside_root(self, directory: str) -> Path:
        """The real folder that `directory`, relative to the root, means.

        Raises:
            UsageError: It leads outside the root, also by a symbolic link.
        """
        try:
            real = (self.root / directory).resolve()
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{directory!r} is no folder.", "Give a folder inside the server's root."
            ) from error
        if not real.is_relative_to(self.root):
            raise UsageError(
                f"{directory!r} lies outside the server's root.", "Give a folder inside the server's root."
            )
        return real

    def default_export_folder(self, run: records.Run) -> Path:
        """``pipelines`` beside the run's notebook; in the root when that notebook lies elsewhere."""
        return self.folder_of_run(run) / "pipelines"

    def notebook_path(self, run: records.Run) -> str | None:
        """The run's notebook as the browser knows it; None when it is not there or lies outside the root."""
        if not run.notebook:
            return None
        # a relative path is relative to the root, or to the folder the kernel ran in
        folders = [self.root, *([Path(run.environment.directory)] if run.environment else [])]
        for folder in folders:
            path = folder / run.notebook
            if path.is_file() and (found := self.contents_path(path)) is not None:
                return found
        return None

    def folder_of_run(self, run: records.Run) -> Path:
        """Where the run's notebook lies; the root when that is elsewhere."""
        directories = [run.environment.directory] if run.environment else []
        if run.notebook:
            directories.insert(0, str(Path(run.notebook).parent))
        for directory in directories:
            # a relative notebook path is relative to the root, as the browser knows it
            folder = (self.root / directory).resolve()
            if folder.is_dir() and folder.is_relative_to(self.root):
                return folder
        return self.root
