"""The proof: a script runs in fresh processes and must give the run's own numbers."""

from __future__ import annotations

import ast
import contextlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from jupyter_mlops.records import FileUse, MetricCheck, MetricValue, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RELATIVE = 1e-6
_LOG_BYTES = 20_000
#: What a proof may print, may write, and may take of the machine's memory.
_PRINTED_BYTES = 50_000_000
_FILES_BYTES = 20_000_000_000
_MEMORY_SHARE = 0.9


class Outcome(Record, frozen=True, kw_only=True):
    """How one process of a proof ended.

    `exit_code` is None when it was stopped by us; `cause` says why it failed, in one sentence.
    """

    exit_code: int | None
    metrics: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    cause: str = ""
    failed: str = ""
    contracts: tuple[str, ...] = ()
    predictions: dict[str, Any] | None = None
    log: str = ""
    duration: float = 0.0


def run_script(folder: Path, executable: str, *, timeout: float) -> Outcome:
    """Run ``pipeline.py`` of `folder` once, isolated, in its own directory; nothing it starts outlives it.

    Args:
        folder: The version's folder.
        executable: The interpreter the run used.
        timeout: Seconds after which it is stopped.
    """
    begun = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="pipeline-proof-"))
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "JPY_", "IPY"))
    }
    environment["MPLBACKEND"] = "Agg"
    command = [
        executable,
        "-I",
        "-B",
        str(folder / "pipeline.py"),
        "run",
        "--output-dir",
        str(place / "output"),
    ]
    (place / "work").mkdir()
    try:
        with (place / "stdout").open("wb") as stdout, (place / "stderr").open("wb") as stderr:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=place / "work",
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                return Outcome(
                    exit_code=None, cause=f"The interpreter {executable} cannot be started: {error}."
                )
            stopped = _watch(process, place, timeout)
        log = _tail(place / "stderr")
        duration = time.monotonic() - begun
        if stopped:
            return Outcome(exit_code=None, cause=stopped, log=log, duration=duration)
        if process.returncode != 0:
            cause, failed = _cause(log, process.returncode)
            return Outcome(
                exit_code=process.returncode, cause=cause, failed=failed, log=log, duration=duration
            )
        metrics = json.loads((place / "output" / "metrics.json").read_text(encoding="utf-8"))
        return Outcome(
            exit_code=0,
            metrics=metrics,
            contracts=_contracts(log),
            predictions=_predictions(log),
            log=log,
            duration=duration,
        )
    except (OSError, ValueError) as error:
        return Outcome(exit_code=None, cause=f"The script left no readable metrics.json: {error}.")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _watch(process: subprocess.Popen[bytes], place: Path, timeout: float) -> str:
    """Wait for the process; stop its whole group when time or output run out, and say why."""
    why: list[str] = []
    done = threading.Event()

    def guard() -> None:
        end = time.monotonic() + timeout
        while not done.wait(0.5):
            printed = sum(file.stat().st_size for file in (place / "stdout", place / "stderr"))
            if printed > _PRINTED_BYTES:
                why.append("The script printed more than is allowed.")
            elif time.monotonic() > end:
                why.append(f"The script did not end within {timeout:.0f} seconds.")
            elif _size(place) > _FILES_BYTES:
                why.append(f"The script wrote more than {_FILES_BYTES / 1e9:g} GB.")
            elif _memory(process.pid) > _MEMORY_SHARE * psutil.virtual_memory().total:
                why.append("The script took nearly all of the machine's memory.")
            else:
                continue
            _kill_group(process.pid)
            return

    watcher = threading.Thread(target=guard, daemon=True)
    watcher.start()
    try:
        process.wait()
    finally:
        done.set()
        _kill_group(process.pid)
        process.wait()
        watcher.join()
    return why[0] if why else ""


def _size(folder: Path) -> int:
    """The bytes below a folder that is being written to."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total


def _memory(pid: int) -> int:
    """The memory of a process and all it started.

    Watched and not limited beforehand: address space is reserved generously by Arrow, BLAS and CUDA.
    """
    total = 0
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(pid)
        for process in (leader, *leader.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _tail(file: Path) -> str:
    data = file.read_bytes()
    return data[-_LOG_BYTES:].decode("utf-8", errors="replace")


def _events(log: str) -> list[dict[str, object]]:
    found = []
    for line in log.splitlines():
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    found.append(event)
    return found


def _cause(log: str, exit_code: int) -> tuple[str, str]:
    """Why a script stopped, and the step that failed."""
    events = _events(log)
    failed = next((str(event.get("step")) for event in events if event.get("event") == "step_failed"), "")
    for event in reversed(events):
        if event.get("event") == "stopped":
            return str(event.get("message")), failed
    lines = [line for line in log.strip().splitlines() if line.strip()]
    return f"The script ended with exit code {exit_code}" + (f": {lines[-1]}" if lines else "."), failed


def _predictions(log: str) -> dict[str, Any] | None:
    """What the script said of its predictions."""
    for event in reversed(_events(log)):
        if event.get("event") == "predictions_written":
            return {"rows": event["rows"], "columns": event["columns"]}
    return None


def _contracts(log: str) -> tuple[str, ...]:
    found = []
    for event in _events(log):
        if event.get("event") == "contract_held":
            found.append(f"{event.get('data')}: held")
        elif event.get("event") == "contract_warning":
            found.append(f"{event.get('data')}: {event.get('message')}")
    return tuple(dict.fromkeys(found))


def measures_time(name: str) -> bool:
    """Whether a metric's name says that it is a duration: no two runs agree on those."""
    found = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    while found and found[-1] in ("mean", "std", "min", "max", "total", "s", "ms", "sec"):
        found.pop()
    return bool(found) and found[-1] in ("time", "elapsed", "seconds", "duration", "latency", "runtime")


def same(expected: MetricValue, value: MetricValue | None) -> bool:
    """Whether two numbers are equal: integers exactly, floats within 1e-6 of their size, NaN as itself."""
    if value is None:
        return False
    if isinstance(expected, int) and isinstance(value, int):
        return expected == value
    first, second = float(expected), float(value)
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return math.isclose(first, second, rel_tol=RELATIVE, abs_tol=1e-12)


def compare(
    expected: Mapping[str, MetricValue],
    first: Mapping[str, MetricValue],
    second: Mapping[str, MetricValue] | None,
) -> tuple[MetricCheck, ...]:
    """Hold two proofs' numbers against the run's, metric by metric."""
    checks = []
    for name, value in expected.items():
        one = first.get(name)
        two = second.get(name) if second is not None else None
        equal = same(value, one) and (second is None or same(value, two))
        tolerance = 0.0 if isinstance(value, int) else RELATIVE
        checks.append(
            MetricCheck(name=name, expected=value, first=one, second=two, equal=equal, tolerance=tolerance)
        )
    return tuple(checks)


def unread_settings(code: str, names: Collection[str], word: str) -> list[str]:
    """Settings that no code of a script reads, so that changing them would change nothing.

    A setting whose name is bound again somewhere else in the script is read only where ``config.name`` is.
    """
    read: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == word:
            read.add(node.attr)
    return [name for name in names if name not in read]


def changed_inputs(uses: Mapping[str, FileUse]) -> tuple[list[str], list[str]]:
    """Paths of input files that are gone, and of those whose content is another than the run read."""
    missing, changed = [], []
    for path, use in uses.items():
        place = Path(path)
        if not place.exists():
            missing.append(path)
        elif use.hash and place.is_file() and use.hash not in file_hashes(place):
            changed.append(path)
    return missing, changed


def file_hashes(place: Path) -> set[str]:
    """The hashes a file may be recorded under."""
    import xxhash

    short, long = xxhash.xxh3_64(), xxhash.xxh3_128()
    with place.open("rb") as file:
        while block := file.read(1 << 20):
            short.update(block)
            long.update(block)
    return {short.hexdigest(), long.hexdigest()}
