"""Artifacts: files found by the sha-256 of their bytes, in a folder or wherever fsspec reaches.

Two runs with the same figure share one file. A file appears whole under its name or not at all; what
is read is compared with its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import ArtifactError

from .locations import redacted

log = logging.getLogger(__name__)
#: Bytes from which a file is written in the background, where that is asked for, and how many may wait.
LARGE = 1_000_000
MOST_WAITING = 200_000_000
# What waits to be written, by place and digest: read from here as if it were there already.
_waiting: dict[tuple[str, str], bytes] = {}
_lock = threading.Lock()
_writers: dict[int, ThreadPoolExecutor] = {}
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Their objects appear whole by themselves, and a move would be a copy.
_ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"})


class Artifacts:
    """Bytes in, a digest out, and back.

    Args:
        url: A folder, or an fsspec URL such as ``s3://bucket/prefix``.

    Attributes:
        folder: The folder, if it is one.
    """

    def __init__(self, url: str) -> None:
        self._shown = redacted(url)
        self._url = url
        self.folder: Path | None = None
        self._remote: tuple[Any, str] | None = None
        if "://" not in url or url.startswith(("file://", "local://")):
            # Absolute now, since a notebook may change its directory later.
            self.folder = Path(re.sub(r"^(file|local)://", "", url)).expanduser().absolute()

    def put(self, data: bytes) -> str:
        """Keep `data` and return its digest; ArtifactError when it cannot be written."""
        digest = hashlib.sha256(data).hexdigest()
        try:
            if self.folder is not None:
                _write_file(self.folder / digest[:2] / digest, data)
            else:
                self._write_object(digest, data)
        except ArtifactError:
            raise
        except Exception as error:  # noqa: BLE001 (each of fsspec's systems has its own)
            raise self._failed("written", error) from None
        return digest

    def put_later(self, data: bytes) -> str:
        """As `put`; what is large is written in the background, by the end of the process at the latest.

        Until then this process reads it as if it were there. What cannot be written is tried again with
        the next file, and said in the log.
        """
        digest = hashlib.sha256(data).hexdigest()
        with _lock:
            full = sum(map(len, _waiting.values())) + len(data) > MOST_WAITING
            later = len(data) >= LARGE and not full
            if later:
                _waiting[self._url, digest] = data
        if not later:
            self.put(data)
            if not _waiting:
                return digest
        # A fork has none of its parent's threads.
        writer = _writers.setdefault(os.getpid(), ThreadPoolExecutor(1, "jupyter_mlops artifacts"))
        try:
            writer.submit(self._write_waiting)
        except RuntimeError:  # the interpreter is ending
            self._write_waiting()
        return digest

    def _write_waiting(self) -> None:
        """Write what waits for this place."""
        for (url, digest), data in list(_waiting.items()):
            if url == self._url:
                try:
                    self.put(data)
                except ArtifactError as error:
                    log.error("The artifact %s… waits, not yet written: %s", digest[:12], error)
                else:
                    with _lock:
                        _waiting.pop((url, digest), None)

    def get(self, digest: str) -> bytes:
        """The bytes of a digest; ArtifactError when they are missing or damaged."""
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise ArtifactError(
                f"{digest!r} is no digest of an artifact.", "A digest is 64 hexadecimal digits."
            )
        if (waits := _waiting.get((self._url, digest))) is not None:
            return waits
        try:
            if self.folder is not None:
                data = (self.folder / digest[:2] / digest).read_bytes()
            else:
                system, root = self._system()
                data = system.cat_file(f"{root}/{digest[:2]}/{digest}")
        except FileNotFoundError:
            raise ArtifactError(f"The artifact {digest[:12]}… is not in {self._shown}.") from None
        except ArtifactError:
            raise
        except Exception as error:  # noqa: BLE001
            raise self._failed("read", error) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise ArtifactError(f"The artifact {digest[:12]}… in {self._shown} is damaged.")
        return bytes(data)

    def _write_object(self, digest: str, data: bytes) -> None:
        system, root = self._system()
        path = f"{root}/{digest[:2]}/{digest}"
        if system.exists(path) and system.size(path) == len(data):
            return
        system.makedirs(f"{root}/{digest[:2]}", exist_ok=True)
        protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
        if protocols & _ATOMIC:
            system.pipe_file(path, data)
            return
        partial = f"{path}.{uuid.uuid4().hex}"
        system.pipe_file(partial, data)
        system.mv(partial, path)

    def _system(self) -> tuple[Any, str]:
        if self._remote is None:
            try:
                import fsspec

                system, root = fsspec.core.url_to_fs(self._url)
            except (ImportError, ValueError) as error:
                scheme = self._url.partition("://")[0]
                raise ArtifactError(
                    f"The artifacts at {self._shown} cannot be reached: {error}.",
                    f"Install fsspec's package for {scheme}://, or set JUPYTER_MLOPS_ARTIFACTS to a folder.",
                ) from None
            self._remote = system, root.rstrip("/")
        return self._remote

    def _failed(self, done: str, error: Exception) -> ArtifactError:
        why = getattr(error, "strerror", None) or type(error).__name__
        return ArtifactError(
            f"An artifact cannot be {done} at {self._shown}: {why}.",
            "Check JUPYTER_MLOPS_ARTIFACTS and its permissions; the run itself is kept.",
        )


def _write_file(path: Path, data: bytes) -> None:
    """Write through a temporary name, on the disk before it is renamed."""
    try:
        if path.stat().st_size == len(data):
            # As young as its newest run, for `collect_garbage`.
            with contextlib.suppress(OSError):
                os.utime(path)
            return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
