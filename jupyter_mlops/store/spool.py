"""Runs that wait on disk until their store can be written: out of reach, locked, full, read-only.

One file is one run as it last stood, with its curves and the bytes of its artifacts. It lies beside
an SQLite store, or else in the user's own data folder, and outlives the process that wrote it: any
process that drains the same store's spool writes it. Only one drains at a time, and a run that
is drained twice is still one run, since it is saved by its id.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import uuid
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops.errors import ArtifactError, MlopsError, StoreError, UsageError
from jupyter_mlops.records import Artifact, Curve, Run, RunWarning

from .documents import decode, encode
from .locations import database_path, parse, redacted
from .packing import without_refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from . import Store

log = logging.getLogger(__name__)
_SUFFIX = ".run"


class Bytes(msgspec.Struct, frozen=True):
    """An artifact that no artifact store has yet; `model` names the model that it is, if it is one."""

    path: str
    data: bytes
    media_type: str
    kind: str
    model: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """A run to be saved, with its curves, files and children."""

    run: Run
    curves: dict[str, Curve] = {}
    files: list[Bytes] = []
    children: list[Run] = []


class Spool:
    """The waiting runs of one store.

    Args:
        url: The store's URL.
        home: The folder for stores that have none of their own, or none that can be written.
    """

    def __init__(self, url: str, home: Path) -> None:
        self.folders: list[Path] = []
        location = redacted(url)
        with contextlib.suppress(MlopsError):
            parsed = parse(url)
            if parsed.get_backend_name() == "sqlite":
                path = database_path(parsed).resolve()  # a link to a store is that store
                location = str(path)
                # Another store in the same folder has a spool of its own, or runs would go astray.
                name = "spool" if path.name == "runs.db" else f"{path.name}.spool"
                self.folders.append(path.parent / name)
        name = hashlib.sha256(location.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self.folders.append(home / "spool" / name)

    def put(self, waiting: Waiting) -> Path:
        """Keep a run on disk, in the place of what the spool has of it; gives the file.

        Raises:
            StoreError: No folder can be written.
            UsageError: The run holds something that can never be stored.
        """
        document = encode(waiting, f"Run {waiting.run.name or waiting.run.run_id!r}")
        why: OSError | None = None
        for folder in self.folders:
            try:
                path = _write(folder, f"{waiting.run.run_id}{_SUFFIX}", document)
            except OSError as error:
                why = error
                continue
            for other in self.folders:
                if other != folder:
                    with contextlib.suppress(OSError):
                        (other / path.name).unlink()
            return path
        raise StoreError(
            f"Run {waiting.run.run_id} cannot be kept in {self.folders[-1]}: {why}.",
            "Free some space, or give yourself write access.",
        )

    def holds(self, run_id: str) -> bool:
        """Whether the run waits here, so that saving it by another way would be undone by what waits."""
        return any(
            os.path.exists(f"{folder}{os.sep}{run_id}{suffix}")  # noqa: PTH110 — asked at every save
            for folder in self.folders
            for suffix in (_SUFFIX, f"{_SUFFIX}.claimed")
        )

    def waiting(self) -> list[Path]:
        """The files of the runs that wait, oldest first."""
        found: list[tuple[float, Path]] = []
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found += [
                    ((folder / name).stat().st_mtime, folder / name)
                    for name in os.listdir(folder)  # noqa: PTH208 — asked at every save
                    if _waits(name)
                ]
        return [path for _, path in sorted(found)]

    def drain(self, store: Store) -> list[Run]:
        """Save what waits, oldest first; gives the runs as stored.

        Nothing is done, and nothing waited for, while another process drains. What can never be stored
        is set aside, beside the rest, with a line in the log.

        Raises:
            StoreError: The store cannot be written; what was not saved waits on.
        """
        saved: list[Run] = []
        for folder in self.folders:
            if folder.is_dir():
                with _alone(folder) as alone:
                    if alone:
                        saved += _drain(folder, store)
        return saved


def collect(store: Store, home: Path) -> list[Run]:
    """Save what waits for `store`, if there is any and if that is possible now; gives the runs saved."""
    spool = Spool(store.url, home)
    try:
        return spool.drain(store) if spool.waiting() else []
    except StoreError as error:
        log.info("Runs wait for their store: %s", error)
        return []


def _waits(name: str) -> bool:
    return name.endswith((_SUFFIX, f"{_SUFFIX}.claimed"))


def _drain(folder: Path, store: Store) -> list[Run]:
    saved = []
    files = [path for path in folder.iterdir() if _waits(path.name)]
    # What a process that died had claimed comes before a newer state of the same run.
    files.sort(key=lambda path: (not path.name.endswith(".claimed"), path.stat().st_mtime))
    for path in files:
        claimed = path if path.name.endswith(".claimed") else path.with_name(f"{path.name}.claimed")
        try:
            # A newer state that is put meanwhile is another file, and not taken for the one just saved.
            path.replace(claimed)
            document = claimed.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(f"The waiting run {path} cannot be read: {error.strerror}.") from None
        try:
            saved.append(save_now(store, decode(document, Waiting, f"the file {path}")))
        except UsageError as error:
            _set_aside(claimed, "refused", error)
        except StoreError as error:
            if isinstance(error.__cause__, (msgspec.MsgspecError, ValueError, IndexError)):
                _set_aside(claimed, "damaged", error)
                continue
            if not path.exists():
                claimed.replace(path)
            raise
        else:
            claimed.unlink(missing_ok=True)
    return saved


def save_now(store: Store, waiting: Waiting, *, later: bool = False) -> Run:
    """Save a run with all that belongs to it; gives it as stored.

    With `later` its large models are written in the background, while the user's next cell runs.
    A value that can never be stored is left out, and the run says so.
    """
    run = _keep_files(store, waiting.run, waiting.files, later=later)
    try:
        return store.save_run(run, curves=waiting.curves, children=waiting.children)
    except UsageError:
        smaller, curves = without_refused(run, waiting.curves)
        children = [without_refused(child, {})[0] for child in waiting.children]
        if smaller.warnings == run.warnings and children == waiting.children:
            raise
        return store.save_run(smaller, curves=curves, children=children)


def _keep_files(store: Store, run: Run, files: list[Bytes], *, later: bool) -> Run:
    """The run with `files` in the artifact store; for what cannot be kept it has a warning instead.

    A model's file is named in the model too.
    """
    artifacts = {artifact.path: artifact for artifact in run.artifacts}
    models, problems = list(run.models), []
    for file in files:
        try:
            digest = store.put_artifact(file.data, later=later and file.kind == "model")
        except ArtifactError as error:
            problems.append(
                RunWarning(
                    code="artifact_lost",
                    message=f"{file.path} was not kept: {error.message}",
                    hint=error.hint,
                )
            )
            continue
        artifacts[file.path] = Artifact(
            path=file.path, digest=digest, size=len(file.data), media_type=file.media_type, kind=file.kind
        )
        for index, model in enumerate(models):
            if file.model and model.name == file.model:
                models[index] = msgspec.structs.replace(model, digest=digest)
    return msgspec.structs.replace(
        run,
        artifacts=tuple(artifacts.values()),
        models=tuple(models),
        warnings=(*run.warnings, *problems),
    )


def _write(folder: Path, name: str, document: bytes) -> Path:
    """Write a file that appears whole or not at all, and is on the disk when this returns."""
    if not folder.is_dir():
        # A folder that has vanished with its store is not made anew by what waits for that store.
        folder.mkdir(mode=0o700, parents=folder.parent.name == "spool", exist_ok=True)
    path = folder / name
    partial = path.with_name(f"{name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with partial.open("xb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    return path


def _set_aside(path: Path, why: str, error: MlopsError) -> None:
    aside = path.with_name(f"{path.name.removesuffix('.claimed')}.{why}")
    log.error("A waiting run was set aside as %s: %s", aside, error)
    with contextlib.suppress(OSError):
        path.replace(aside)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else drains `folder` while the block runs. The lock goes with a process that dies."""
    try:
        lock = (folder / ".lock").open("a")
    except OSError:
        yield True  # a folder one may only read: what is saved twice is saved as one run
        return
    with lock:
        try:
            import fcntl
        except ImportError:  # Windows
            yield True
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
