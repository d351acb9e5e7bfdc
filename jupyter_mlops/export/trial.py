"""One process of a proof, or two at once: isolated, bounded, and nothing they start outlives them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from jupyter_mlops.records import MetricValue, Record

from .plan import Compared, Tried

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG_BYTES = 20_000
#: What a proof may print, may write, and may take of the machine's memory.
_PRINTED_BYTES = 50_000_000
_FILES_BYTES = 20_000_000_000
_MEMORY_SHARE = 0.9
#: Two processes run at once only where at least this much memory is left for each of them.
_SPARE_BYTES = 1_500_000_000
_RUNNER = Path(__file__).parent / "script" / "proof_runner.py"


class Numbers(Record, frozen=True, kw_only=True):
    """The fractions of one value, the bytes of 64-bit floats in `data`; see script/proof_runner.py."""

    plain: str
    parts: tuple[int, ...]
    tolerance: float = 0.0
    data: bytes = b""


class Observed(Record, frozen=True, kw_only=True):
    """What a process noted of itself; see script/proof_runner.py."""

    random: dict[str, str] = msgspec.field(default_factory=dict)
    content: dict[str, str] = msgspec.field(default_factory=dict)
    settings: dict[str, list[str]] = msgspec.field(default_factory=dict)
    numbers: dict[str, Numbers] = msgspec.field(default_factory=dict)
    predictions: dict[str, Compared] = msgspec.field(default_factory=dict)


class Outcome(Record, frozen=True, kw_only=True):
    """How one process of a proof ended.

    `exit_code` is None when it was stopped by us; `cause` says why it failed, in one sentence.
    `promise` says how its predictions broke the contract they were held against.
    """

    exit_code: int | None
    metrics: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    cause: str = ""
    failed: str = ""
    contracts: tuple[str, ...] = ()
    predictions: dict[str, Any] | None = None
    observed: Observed = Observed()
    tried: dict[str, list[Tried]] = msgspec.field(default_factory=dict)
    promise: str = ""
    log: str = ""
    duration: float = 0.0


class Wishes(Record, frozen=True, kw_only=True):
    """Other values of settings, as text, to try after a proof, until `deadline` (seconds since 1970)."""

    deadline: float
    values: dict[str, list[str]]


class _Stop(threading.Event):
    """Ends a process whose outcome is of no use any more."""


def run_twice(
    folder: Path,
    executable: str,
    *,
    timeout: float,
    memory: int = 0,
    kept: Path | None = None,
    promise: Callable[[dict[str, Any]], str] | None = None,
    wishes: Wishes | None = None,
) -> tuple[Outcome, Outcome | None]:
    """Run ``pipeline.py`` of `folder` in two fresh processes, at once where the machine has room for both.

    Args:
        folder: The version's folder.
        executable: The interpreter the run used.
        timeout: Seconds after which a process is stopped.
        memory: Bytes one process will take, as far as that is known.
        kept: The folder of the tables that predictions are compared with.
        promise: Makes the text of contracts.py from what the first process says of its predictions;
            both processes then hold their predictions against it.
        wishes: What the first process tries when it is done.

    Returns:
        Both outcomes; the second is None where the first failed, which ends it.
    """
    shared = _Promise(promise)
    need = max(_SPARE_BYTES, 2 * memory)
    if (os.cpu_count() or 1) < 2 or psutil.virtual_memory().available < 2 * need:
        first = run_script(folder, executable, timeout=timeout, kept=kept, promise=shared, wishes=wishes)
        if first.exit_code != 0:
            return first, None
        return first, run_script(folder, executable, timeout=timeout, kept=kept, promise=shared)
    stop = _Stop()
    given: dict[str, Any] = {"timeout": timeout, "kept": kept, "promise": shared, "stop": stop}
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(run_script, folder, executable, **given, wishes=wishes)
        two = pool.submit(run_script, folder, executable, **given)
        first = one.result()
        if first.exit_code != 0:
            stop.set()
            two.result()
            return first, None
        return first, two.result()


class _Promise:
    """The contract of predictions: made once, from the process that has them first, for all."""

    def __init__(self, make: Callable[[dict[str, Any]], str] | None) -> None:
        self.make = make
        self.text: str | None = None
        self.lock = threading.Lock()

    def of(self, described: dict[str, Any] | None) -> str:
        """The text of contracts.py, ``""`` where nothing is to be held."""
        with self.lock:
            if self.text is None and self.make is not None and described and described["rows"]:
                self.text = self.make(described)
            return self.text or ""


def run_script(
    folder: Path,
    executable: str,
    *,
    timeout: float,
    kept: Path | None = None,
    promise: _Promise | None = None,
    stop: threading.Event | None = None,
    wishes: Wishes | None = None,
) -> Outcome:
    """Run ``pipeline.py`` of `folder` once, isolated, in its own directory; nothing it starts outlives it.

    Args:
        folder: The version's folder.
        executable: The interpreter the run used.
        timeout: Seconds after which it is stopped.
        kept: The folder of the tables that its predictions are compared with.
        promise: What its predictions are held against once it has them.
        stop: Set when nobody wants its outcome any more.
        wishes: What it tries when it is done.
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
        str(_RUNNER),
        str(place / "observed.json"),
        str(folder / "pipeline.py"),
        "run",
        "--output-dir",
        str(place / "output"),
    ]
    (place / "work").mkdir()
    if kept is not None:
        (place / "observed.json.kept").write_text(str(kept), encoding="utf-8")
    if wishes is not None and wishes.values:
        (place / "observed.json.wishes").write_bytes(msgspec.json.encode(wishes))
    try:
        with (place / "stdout").open("wb") as stdout, (place / "stderr").open("wb") as stderr:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=place / "work",
                    stdin=subprocess.PIPE,
                    stdout=stdout,
                    stderr=stderr,
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                return Outcome(
                    exit_code=None, cause=f"The interpreter {executable} cannot be started: {error}."
                )
            stopped = _watch(process, place, timeout, promise, stop or threading.Event())
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
            observed=_observed(place / "observed.json"),
            tried=_tried(place / "observed.json.tries" / "changed.json"),
            promise=_text(place / "observed.json.broken"),
            log=log,
            duration=duration,
        )
    except (OSError, ValueError) as error:
        return Outcome(exit_code=None, cause=f"The script left no readable metrics.json: {error}.")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _watch(
    process: subprocess.Popen[bytes],
    place: Path,
    timeout: float,
    promise: _Promise | None,
    stop: threading.Event,
) -> str:
    """Wait for the process; stop its whole group when time or output run out, and say why."""
    why: list[str] = []
    done = threading.Event()

    def guard() -> None:
        end = time.monotonic() + timeout
        looked, answered = 0.0, False
        while not done.wait(0.03):
            if stop.is_set():
                why.append("Another process of the proof failed.")
                _kill_group(process.pid)
                return
            if not answered and (place / "observed.json").exists():
                answered = True
                text = promise.of(_predictions(_tail(place / "stderr"))) if promise else ""
                with contextlib.suppress(OSError, ValueError):
                    if process.stdin is not None:
                        process.stdin.write(text.encode())
                        process.stdin.close()
            if time.monotonic() - looked < 0.5:
                continue
            looked = time.monotonic()
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


def _text(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text(encoding="utf-8")
    return ""


def _observed(file: Path) -> Observed:
    with contextlib.suppress(OSError, ValueError):
        found = msgspec.json.decode(file.read_bytes(), type=Observed)
        return msgspec.structs.replace(found, numbers=_numbers(Path(f"{file}.numbers"), found))
    return Observed()


def _numbers(file: Path, found: Observed) -> dict[str, Numbers]:
    """The fractions that a process kept; none where they cannot be read, and its hashes have to do."""
    numbers: dict[str, Numbers] = {}
    with contextlib.suppress(OSError):
        data, place = memoryview(file.read_bytes()), 0
        for name, kept in found.numbers.items():
            end = place + 8 * sum(kept.parts)
            numbers[name] = msgspec.structs.replace(kept, data=bytes(data[place:end]))
            place = end
    return numbers


def _tried(file: Path) -> dict[str, list[Tried]]:
    with contextlib.suppress(OSError, ValueError):
        return msgspec.json.decode(file.read_bytes(), type=dict[str, list[Tried]])
    return {}


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
