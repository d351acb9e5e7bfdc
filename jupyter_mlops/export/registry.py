"""Version folders: complete or not there at all, numbered without gaps, never changed again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.errors import ExportError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_mlops.records import PipelineVersion
    from jupyter_mlops.store import Store

_TRIES = 20
_BY_PRODUCTS = frozenset(
    {
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".ipynb_checkpoints",
        ".DS_Store",
        "Thumbs.db",
    }
)
_LOCK_SECONDS = 60.0


@contextlib.contextmanager
def staging(directory: Path, name: str) -> Iterator[Path]:
    """A temporary folder on the same file system as the versions of `name`; gone afterwards.

    Raises:
        ExportError: The directory cannot be written.
    """
    home = directory / name
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home, prefix=".building-"))
    except OSError as error:
        raise ExportError(
            f"{home} cannot be written: {error.strerror}.", "Choose another --directory."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(
    store: Store,
    folder: Path,
    directory: Path,
    name: str,
    finish: Callable[[int, Path], PipelineVersion],
) -> PipelineVersion:
    """Give a finished folder its number and its place, and register it.

    Args:
        store: Where versions are registered.
        folder: The staged files.
        directory: Where pipelines live.
        name: The pipeline.
        finish: Writes what depends on the number into the folder and makes the record.

    Raises:
        ExportError: No number could be had.
    """
    home = directory / name
    with _locked(home):
        for _ in range(_TRIES):
            number = max(store.next_version(name), 1)
            target = home / f"v{number}"
            if target.exists():
                # A folder without a registration: another store's, or one that was lost.
                number = 1 + max(number, *(int(p.name[1:]) for p in home.glob("v*") if p.name[1:].isdigit()))
                target = home / f"v{number}"
            version = finish(number, target)
            folder.chmod(0o755)
            try:
                folder.rename(target)
            except OSError:
                continue
            try:
                return store.add_version(version)
            except UsageError:
                # Somebody registered this number from another directory: take the next one.
                target.rename(folder)
            except BaseException:
                target.rename(folder)
                raise
    raise ExportError(
        f"No version of {name} could be numbered in {home}.", "Try again when other exports have ended."
    )


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One writer at a time in a pipeline's folder, across processes; a lock left behind ages out."""
    place = home / ".lock"
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            with contextlib.suppress(OSError):
                if time.time() - place.stat().st_mtime > _LOCK_SECONDS:
                    place.unlink()
                    continue
            if time.monotonic() > end:
                raise ExportError(
                    f"{place} is held by another export.", "Remove it if no export is running."
                ) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            place.unlink()


def changes_of(version: PipelineVersion) -> tuple[str, ...]:
    """How a version's folder differs from what was exported, a sentence a file; nothing if it does not.

    What running and testing a version leaves in its folder is no change. Versions that were not
    registered with a manifest promise nothing.
    """
    if not version.manifest_hash:
        return ()
    folder = Path(version.path)
    if not folder.is_dir():
        return (f"The folder {folder} is missing.",)
    manifest = folder / "manifest.json"
    try:
        if hash_of(manifest) != version.manifest_hash:
            return ("manifest.json was changed.",)
        promised: dict[str, str] = json.loads(manifest.read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return ("manifest.json is missing or cannot be read.",)
    found = {name for name in _files_below(folder) if name != "manifest.json"}
    said = [f"{name} is missing." for name in promised if name not in found]
    said += [f"{name} was added." for name in sorted(found - promised.keys())]
    for name in sorted(found & promised.keys()):
        try:
            if (folder / name).is_symlink() or hash_of(folder / name) != promised[name]:
                said.append(f"{name} was changed.")
        except OSError as error:
            said.append(f"{name} cannot be read ({error.strerror}).")
    return tuple(said)


def _files_below(folder: Path) -> list[str]:
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        top = Path(place) == folder
        folders[:] = [name for name in folders if name not in _BY_PRODUCTS and not (top and name == "output")]
        found.extend(
            (Path(place) / name).relative_to(folder).as_posix() for name in files if name not in _BY_PRODUCTS
        )
        found.extend(
            (Path(place) / name).relative_to(folder).as_posix()
            for name in folders
            if (Path(place) / name).is_symlink()
        )
    return found


def hash_of(place: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(place.read_bytes()).hexdigest()
