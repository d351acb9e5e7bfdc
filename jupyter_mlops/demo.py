"""``jupyter mlops demo``: the main job without a browser, on real data, in a real kernel.

It runs the quickstart notebook in a folder of its own, shows what the tracked cells left behind,
and runs the exported pipeline in its own process, as its users would.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import config
from .compare.reading import compare_stored
from .compare.tables import comparison_text
from .compare.wording import format_duration
from .errors import UsageError
from .records import Status, as_json, now
from .store import open_store
from .terminal import printable, printable_lines, verdict_text

if TYPE_CHECKING:
    from datetime import datetime

    import nbformat
    from jupyter_client.manager import AsyncKernelManager

    from .records import PipelineVersion
    from .store import Store

DEFAULT_DIRECTORY = Path("jupyter-mlops-demo")
NOTEBOOK = "quickstart.ipynb"
FILES = (NOTEBOOK, "penguins.csv")
EXPERIMENT = "quickstart"
OUTPUT = "output"
MARKER = "demo"
CELL_SECONDS = 600
WIDTH = 112
FAILED, REJECTED = 1, 3


def run_demo(directory: Path | None = None) -> int:
    """Do the main job in `directory` and return 0 only if all of it happened.

    Args:
        directory: Where to work, made if need be; default ``jupyter-mlops-demo`` in the current folder.
    """
    folder = (directory or DEFAULT_DIRECTORY).absolute()
    if importlib.util.find_spec("sklearn") is None:
        raise UsageError("The demo needs scikit-learn.", "Install it with: pip install 'jupyter_mlops[demo]'")
    begun = now()
    _prepare(folder)
    document = _run_notebook(folder / NOTEBOOK)
    if document is None:
        return FAILED
    store = open_store(*_store_of(folder))
    try:
        return _show(store, folder, begun, _count_tracked(document))
    finally:
        store.close()


def bundled_notebooks() -> Path:
    """The folder of the notebooks: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def _store_of(folder: Path) -> tuple[str, str]:
    """The URLs of the demo's own store and artifacts, whatever is configured for the user's work."""
    home = folder / config.FOLDER
    return config.sqlite_url(home / "runs.db"), str(home / "artifacts")


def _prepare(folder: Path) -> None:
    """Copy the notebook and its data and make the folder a project of its own."""
    marker = folder / config.FOLDER / MARKER
    taken = [name for name in FILES if (folder / name).exists()]
    if taken and not marker.exists():
        raise UsageError(
            f"{folder / taken[0]} is there already and not the demo's.",
            "Name another folder with --directory.",
        )
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(bundled_notebooks() / name, folder / name)
        marker.touch()
    except OSError as error:
        raise UsageError(
            f"The demo cannot work in {folder}: {error}.", "Name another with --directory."
        ) from error


def _run_notebook(notebook: Path) -> nbformat.NotebookNode | None:
    """Run every cell in a new kernel, tell of each, and save the notebook with its outputs."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    document = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    progress = _Progress(document)
    client = NotebookClient(
        document,
        km=_kernel_manager(),
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(notebook.parent)}},
        on_cell_execute=progress.begin,
        on_cell_executed=progress.end,
    )
    print(f"Running {notebook} in a new kernel\n", flush=True)
    try:
        client.execute(env=_environment(notebook))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        print(f"\nThe notebook stopped: {error}", file=sys.stderr)
        return None
    finally:
        nbformat.write(document, notebook)  # type: ignore[no-untyped-call]
    return document  # type: ignore[no-any-return]


def _kernel_manager() -> AsyncKernelManager:
    """A kernel of this very interpreter, whatever a kernel spec called python3 says."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class OwnInterpreter(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            argv = [
                sys.executable,
                "-m",
                "ipykernel_launcher",
                "--log-level=ERROR",
                "-f",
                "{connection_file}",
            ]
            return KernelSpec(argv=argv, display_name="Python 3", language="python")

    return AsyncKernelManager(kernel_spec_manager=OwnInterpreter())


def _environment(notebook: Path) -> dict[str, str]:
    """As a Jupyter server would start the kernel, with the demo's own store."""
    store, artifacts = _store_of(notebook.parent)
    kept = {key: value for key, value in os.environ.items() if key != config.DISABLE_VARIABLE}
    return {
        **kept,
        config.STORE_VARIABLE: store,
        config.ARTIFACTS_VARIABLE: artifacts,
        config.EXPERIMENT_VARIABLE: EXPERIMENT,
        "JPY_SESSION_NAME": str(notebook),
    }


class _Progress:
    """One line a cell while the notebook runs, and below it what the cell printed."""

    def __init__(self, document: nbformat.NotebookNode) -> None:
        self._titles: list[str] = []
        heading = ""
        for cell in document.cells:
            first = printable(next((line for line in cell.source.splitlines() if line.strip()), ""))
            if cell.cell_type == "code":
                self._titles.append(f"{heading} · {first}" if first.startswith("%") else heading)
            elif first.startswith("#"):
                heading = first.strip("# ")
        self._number = 0
        self._begun = 0.0

    def begin(self, cell: nbformat.NotebookNode, cell_index: int) -> None:
        title = self._titles[self._number]
        self._number += 1
        self._begun = time.monotonic()
        print(f"[{self._number:>2}/{len(self._titles)}] {title:<60.60}", end=" ", flush=True)

    def end(self, cell: nbformat.NotebookNode, cell_index: int, execute_reply: Any) -> None:
        print(format_duration(time.monotonic() - self._begun), flush=True)
        if cell.source.startswith("%%track"):
            for output in cell.outputs:
                data = output.get("data", {})
                text = output.get("text", "") or data.get("text/plain", "")
                for line in text.splitlines():
                    shown = printable(line)
                    print(f"        {shown if len(shown) <= WIDTH else shown[: WIDTH - 1] + '…'}")


def _count_tracked(document: nbformat.NotebookNode) -> int:
    return sum(cell.cell_type == "code" and cell.source.startswith("%%track") for cell in document.cells)


def _show(store: Store, folder: Path, begun: datetime, expected: int) -> int:
    """Print the comparison, the verdict and what the pipeline gives by itself."""
    summaries = [run for run in store.search(experiment=EXPERIMENT) if run.start_time >= begun]
    summaries.reverse()
    finished = [run for run in summaries if run.status is Status.FINISHED and not run.parent_id]
    if len(finished) != expected:
        return _fail(f"{expected} cells are tracked, but {len(finished)} runs finished.")
    _heading("The comparison")
    run_ids = [run.run_id for run in finished]
    comparison = compare_stored(store, run_ids, run_ids[0])
    print(printable_lines(comparison_text(comparison, diff_lines=0)))

    _heading("The proof")
    versions = [version for version in store.versions() if version.created_at >= begun]
    if not versions:
        return _fail("The notebook exported nothing.")
    version = max(versions, key=lambda version: version.created_at)
    print(verdict_text(version))
    if version.status != "validated":
        _fail(f"{version.name} v{version.version} could not be proved.")
        return REJECTED
    return _run_pipeline(version, folder)


def _equal(value: object, expected: object, tolerance: float) -> bool:
    if isinstance(value, (int, float)) and isinstance(expected, (int, float)):
        return abs(value - expected) <= tolerance
    return value == expected


def _run_pipeline(version: PipelineVersion, folder: Path) -> int:
    """Run the version's script in its own process and hold its numbers against the run's."""
    _heading("The pipeline by itself, as its users run it")
    output = folder / OUTPUT
    shutil.rmtree(output, ignore_errors=True)
    script = Path(version.path) / "pipeline.py"
    command = [sys.executable, str(script), "run", "--output-dir", str(output)]
    print("$ " + shlex.join(["python", *command[1:]]), flush=True)
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        return _fail(f"The pipeline ended with exit code {done.returncode}.")
    file = output / "metrics.json"
    metrics = json.loads(file.read_text(encoding="utf-8"))
    print(f"{file}\n{json.dumps(metrics, indent=2)}")
    differing = [
        check.name
        for check in version.report.metrics
        if not _equal(metrics.get(check.name), as_json(check.expected), check.tolerance)
    ]
    label = f"run #{version.run_number} of {version.experiment}"
    if differing:
        return _fail(f"By itself the pipeline gives another {differing[0]} than {label}.")
    print(f"\nThe same numbers as {label}.")
    print(f"\nLook around:  jupyter lab {shlex.quote(os.path.relpath(folder / NOTEBOOK))}")
    return 0


def _heading(text: str) -> None:
    print(f"\n{text}\n{'─' * len(text)}", flush=True)


def _fail(text: str) -> int:
    print(f"\njupyter mlops demo: {text}", file=sys.stderr)
    return FAILED
