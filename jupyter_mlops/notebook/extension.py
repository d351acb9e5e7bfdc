"""``%load_ext jupyter_mlops``: put the watcher into a shell, and take it out again.

Attaching imports neither SQLAlchemy nor pandas: the store is opened by a background thread, so
that the first run finds it ready and ``%load_ext`` does not wait for it.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops import api, tracking
from jupyter_mlops.config import disabled, load_config
from jupyter_mlops.errors import MlopsError

from .magics import neutralise
from .standby import stand_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mlops.records import MetricValue, Run
    from jupyter_mlops.store import Store

    from .watcher import Watcher

log = logging.getLogger("jupyter_mlops")
_SETTLE_SECONDS = 0.1
_ATTRIBUTE = "_jupyter_mlops_attached"


class StoreOpener:
    """Opens the kernel's store once, from whichever thread asks first.

    The URL is settled when the extension is loaded: a later `os.chdir` must not move the store.
    """

    def __init__(self, url: str, artifacts_url: str, patience: float) -> None:
        self.url = url
        self.artifacts_url = artifacts_url
        self.patience = patience
        self._lock = threading.Lock()
        self._store: Store | None = None

    def __call__(self) -> Store:
        """The store; raises a `StoreError` when it cannot be opened."""
        with self._lock:
            if self._store is None:
                from jupyter_mlops.store import open_store

                self._store = open_store(self.url, self.artifacts_url, patience=self.patience)
            return self._store

    def warm(self, then: Callable[[], None]) -> None:
        """Open it in the background, with what the first run will need; failing is told later.

        A moment after the cell that asks has ended: imports in another thread would make it wait.
        """

        def work() -> None:
            try:
                import jupyter_mlops.compare.directions
                import jupyter_mlops.widgets.run_card  # noqa: F401
                from jupyter_mlops.capture.environment import describe_environment

                store = self()
                then()
                store.prepare()
                # What is found once of the machine, the interpreter and the repository.
                describe_environment({}, directory=os.getcwd())  # noqa: PTH109
            except Exception as fault:  # noqa: BLE001 — the first run reports it where people look
                log.info("the store is not ready yet: %s", fault)

        timer = threading.Timer(_SETTLE_SECONDS, work)
        timer.daemon = True
        timer.name = "jupyter_mlops store"
        timer.start()

    def close(self) -> None:
        """Close the store if it was opened."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None


class Attached:
    """Everything one shell was given, so that it can be taken back."""

    def __init__(self, shell: InteractiveShell) -> None:
        from jupyter_mlops.capture.recorder import Recorder

        from .commands import MlopsMagics
        from .logging_by_hand import CellBuilder
        from .progress import ProgressLine
        from .watcher import Watcher, notebook_path

        self.shell = shell
        config = load_config()
        if getattr(shell, "config", None) is not None:
            config.update_config(shell.config)
        notebook = notebook_path() or str(shell.user_ns.get("__vsc_ipynb_file__", ""))
        folder = Path(notebook).parent if notebook and Path(notebook).parent.is_dir() else Path.cwd()
        url = config.resolved_store_url(folder if folder.is_absolute() else Path.cwd())
        self.opener = StoreOpener(url, config.resolved_artifacts_url(url), config.patience_seconds)
        self.progress = ProgressLine(shell)
        self.recorder = Recorder(
            shell.user_ns,
            lambda name: name.startswith("_") or name in shell.user_ns_hidden,
            config,
            notebook=notebook,
            experiment=config.resolved_experiment(notebook),
            on_progress=self.progress.show,
            shell=shell,
            ignored_folders=_own_folders(shell, url, self.opener.artifacts_url),
        )
        self.watcher: Watcher = Watcher(
            shell,
            config,
            self.recorder,
            self.opener,
            url,
            self.show,
            self.progress.wait,
            self.progress.drop,
            self.progress.curves,
        )
        self.builder = CellBuilder(self.recorder)
        shell.input_transformer_manager.cleanup_transforms.append(neutralise)
        shell.ast_transformers.append(self.watcher)
        shell.events.register("pre_run_cell", self.watcher.pre_run_cell)
        shell.events.register("post_run_cell", self.watcher.post_run_cell)
        shell.register_magics(MlopsMagics(shell, self.watcher))
        api.current_experiment = lambda: self.recorder.experiment
        api.current_store = self.opener
        tracking.current = self.builder
        self._newest: dict[str, Run] = {}
        self._remember_history()
        self.opener.warm(self.watcher.write_what_waits)

    def show(self, run: Run, curves: Mapping[str, Any]) -> None:
        """Show the card of a run, in the place of its progress line if it had one."""
        from jupyter_mlops.compare.directions import higher_is_better
        from jupyter_mlops.widgets.run_card import RunCard

        from .watcher import best_values

        previous: Run | None = None
        best: dict[str, MetricValue] = {}
        try:
            if run.number:  # else the store has just shown that it cannot be reached
                store = self.opener()
                previous = self._previous(store, run)
                best = best_values(store, run, higher_is_better)
        except MlopsError as error:
            log.info("the card has nothing to compare with: %s", error)
        self.progress.finish(RunCard(run, previous, best, curves))

    def _previous(self, store: Store, run: Run) -> Run | None:
        """The run to tell the changes against: of the same cell, else of this notebook, newest first."""
        previous = self._newest.get(run.cell_id) if run.cell_id else None
        previous = previous or self._newest.get("") or store.previous_run(run)
        if run.metrics or previous is None:  # a run that broke has nothing to hold the next one against
            self._newest[run.cell_id] = self._newest[""] = run
        return previous

    def detach(self) -> None:
        """Take everything back."""
        from jupyter_mlops.capture.outputs import leave_streams

        shell = self.shell
        shell.events.unregister("pre_run_cell", self.watcher.pre_run_cell)
        shell.events.unregister("post_run_cell", self.watcher.post_run_cell)
        if self.watcher in shell.ast_transformers:
            shell.ast_transformers.remove(self.watcher)
        transforms = shell.input_transformer_manager.cleanup_transforms
        if neutralise in transforms:
            transforms.remove(neutralise)
        for kind, names in (("line", ("track", "runs", "compare", "export")), ("cell", ("track", "scratch"))):
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
        self.watcher.close()
        leave_streams()
        tracking.current = None
        api.current_experiment = api.current_store = lambda: None
        self.opener.close()

    def _remember_history(self) -> None:
        """Cells that ran before ``%load_ext``, from IPython's own history of this session."""
        history = self.shell.history_manager
        if history is None:
            return
        raw, parsed = history.input_hist_raw, history.input_hist_parsed
        # The newest entry is the cell that loads us.
        for count in range(1, min(len(raw), len(parsed)) - 1):
            if raw[count].strip():
                self.recorder.ledger.remember(raw[count], parsed[count], count)


def attach(shell: InteractiveShell) -> None:
    """Watch `shell`; does nothing but say so when it is watched already."""
    if disabled():
        stand_by(shell, "jupyter_mlops is switched off by JUPYTER_MLOPS_DISABLE; cells run untracked.")
        return
    if getattr(shell, _ATTRIBUTE, None) is not None:
        print("jupyter_mlops is already tracking this notebook.")
        return
    try:
        attached = Attached(shell)
    except MlopsError as error:
        stand_by(shell, f"jupyter_mlops is not tracking: {error}")
        return
    setattr(shell, _ATTRIBUTE, attached)
    print(f"jupyter_mlops: begin a cell with %%track to make it a run of {attached.recorder.experiment!r}.")


def detach(shell: InteractiveShell) -> None:
    """Stop watching `shell`."""
    attached = getattr(shell, _ATTRIBUTE, None)
    if attached is not None:
        attached.detach()
        setattr(shell, _ATTRIBUTE, None)


def _own_folders(shell: InteractiveShell, store_url: str, artifacts_url: str) -> tuple[str, ...]:
    """Folders whose files are opened by us or by IPython, and not by the user's cells."""
    folders = [
        str(Path(__file__).parents[1]),
        str(getattr(shell, "ipython_dir", "") or Path.home() / ".ipython"),
    ]
    if store_url.startswith("sqlite:///"):
        folders.append(str(Path(store_url.removeprefix("sqlite:///")).parent))
    if "://" not in artifacts_url:
        folders.append(os.path.abspath(artifacts_url))  # noqa: PTH100 — need not exist yet
    return tuple(folders)
