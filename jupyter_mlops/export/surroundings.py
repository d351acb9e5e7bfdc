"""New virtual environments made from a requirements.lock, each kept for the next proof with the same one.

They lie in a folder of the user's caches (`JUPYTER_MLOPS_ENVIRONMENTS` names another), only the last few of
them, and may be thrown away at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.errors import InstallationError
from jupyter_mlops.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: So many environments are kept; a larger one takes gigabytes.
KEPT = 4
_SECONDS = 1800.0
_LOG_BYTES = 5_000
_DONE = "made-from.lock"
#: Folders of a project that are no part of its package.
_NO_SOURCES = frozenset({"node_modules", "build", "dist", "venv", "env", "pipelines", "data"})


class Surroundings(Record, frozen=True, kw_only=True):
    """An environment: its interpreter, how many packages were installed and whether it was there already."""

    executable: str
    packages: int
    kept: bool


def home() -> Path:
    """Where environments are kept."""
    named = os.environ.get("JUPYTER_MLOPS_ENVIRONMENTS")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("jupyter_mlops", appauthor=False)) / "environments"


def make_surroundings(
    lock: str, executable: str, progress: Callable[[str], None], *, timeout: float = _SECONDS
) -> Surroundings:
    """The environment that has just what `lock` pins, made with the Python that `executable` is.

    Args:
        lock: The text of requirements.lock.
        executable: The interpreter the run used.
        progress: Hears one sentence at a time.
        timeout: Seconds that the installation may take.

    Raises:
        InstallationError: It could not be made.
    """
    pins = [line for line in lock.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    parts = [*sorted(pins), *folder_states(pins), os.path.realpath(executable), sys.platform]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    root = home()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root / f"{key}.lock", timeout):
            return _made(root / key, pins, executable, progress, timeout)
    except OSError as error:
        raise InstallationError(
            f"No environment can be made in {root}: {error.strerror or error}."
        ) from error


def folder_states(pins: Sequence[str]) -> Iterator[str]:
    """What stands in the folders that packages are installed from: an environment is kept only so long."""
    for pin in pins:
        url = urllib.parse.urlsplit(pin.partition(" @ ")[2])
        place = Path(urllib.request.url2pathname(url.path)) if url.scheme == "file" else None
        if place is None or not place.is_dir():
            continue
        for folder, inner, files in os.walk(place):
            inner[:] = sorted(
                name for name in inner if not name.startswith((".", "__")) and name not in _NO_SOURCES
            )
            for name in sorted(files):
                with contextlib.suppress(OSError):
                    found = (Path(folder) / name).stat()
                    yield f"{folder}/{name} {found.st_size} {found.st_mtime_ns}"


def _made(
    folder: Path, pins: Sequence[str], executable: str, progress: Callable[[str], None], timeout: float
) -> Surroundings:
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    found = Surroundings(executable=str(python), packages=len(pins), kept=True)
    done = folder / _DONE
    if done.is_file() and python.exists():
        progress("The environment made from requirements.lock is there already.")
        os.utime(done)
        return found
    shutil.rmtree(folder, ignore_errors=True)
    _forget_all_but(folder.parent, KEPT - 1)
    progress(f"Making a new environment from requirements.lock ({_count(len(pins), 'package')}).")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pipeline-environment-") as work:
        listed = Path(work) / "requirements.lock"
        listed.write_text("\n".join(pins) + "\n", encoding="utf-8")
        try:
            for command in _commands(folder, python, listed, executable, nothing=not pins):
                _run(command, timeout - (time.monotonic() - begun), Path(work))
        except InstallationError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    done.write_text("\n".join(pins) + "\n", encoding="utf-8")
    progress(f"The environment is ready after {time.monotonic() - begun:.0f} s.")
    return Surroundings(executable=str(python), packages=len(pins), kept=False)


def _commands(
    folder: Path, python: Path, listed: Path, executable: str, *, nothing: bool
) -> Iterator[list[str]]:
    """What makes the environment: with uv where there is one, else with the interpreter's own venv and pip.

    Just what is pinned is installed and nothing that it names besides: the lock has to be whole.
    """
    uv = shutil.which("uv")
    if uv:
        yield [uv, "venv", "--quiet", "--no-project", "--python", executable, str(folder)]
        if not nothing:
            yield [uv, "pip", "install", "--no-deps", "--python", str(python), "-r", str(listed)]
        return
    with_pip = _has_pip(executable)
    yield [executable, "-I", "-m", "venv", *(["--without-pip"] if with_pip else []), str(folder)]
    if not nothing:
        pip = (
            [executable, "-I", "-m", "pip", "--python", str(python)]
            if with_pip
            else [str(python), "-m", "pip"]
        )
        more = ["--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--no-deps"]
        yield [*pip, "install", *more, "-r", str(listed)]


def _has_pip(executable: str) -> bool:
    """Whether an interpreter has a pip that can install elsewhere (22.3 and later): it saves making one."""
    asked = "import pip, sys; sys.exit(tuple(map(int, pip.__version__.split('.')[:2])) < (22, 3))"
    try:
        done = subprocess.run([executable, "-I", "-c", asked], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _run(command: Sequence[str], timeout: float, work: Path) -> None:
    log = work / "log"
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(
                command,
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise InstallationError(f"{command[0]} cannot be started: {error}.") from error
        try:
            process.wait(max(timeout, 1))
        except subprocess.TimeoutExpired:
            raise InstallationError("The environment was not ready in time.", _end(log)) from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode != 0:
        said = _end(log)
        raise InstallationError(
            f"The environment could not be made from requirements.lock: {_telling(said)}", said
        )


def _end(log: Path) -> str:
    return log.read_bytes()[-_LOG_BYTES:].decode("utf-8", errors="replace")


def _telling(log: str) -> str:
    """The line of an installer's log that says why it failed."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "× ", "no module named"))]
    last = errors[-1] if errors else lines[-1] if lines else "the installer said nothing"
    return last.removeprefix("ERROR: ").rstrip(".")[:500] + "."


def _forget_all_but(root: Path, count: int) -> None:
    """Throw away the environments that were used longest ago."""
    known = [folder for folder in root.iterdir() if folder.is_dir()]

    def used(folder: Path) -> float:
        with contextlib.suppress(OSError):
            return (folder / _DONE).stat().st_mtime
        with contextlib.suppress(OSError):
            return folder.stat().st_mtime  # one that is being made
        return 0.0

    for folder in sorted(known, key=used, reverse=True)[count:]:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _alone(place: Path, timeout: float) -> Iterator[None]:
    """One at a time, across processes; where files cannot be locked, as it comes."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with place.open("w") as file:
        end = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise InstallationError(
                        "Another export is making this environment and does not end."
                    ) from None
                time.sleep(0.2)
        yield


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
