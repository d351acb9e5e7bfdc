"""SQLite as this topology needs it: several processes, one file, kernels that get killed.

The write-ahead log is used only where it is sound. SQLite before 3.51.3 can damage a database when
two connections write or checkpoint one log at once, and a log cannot be shared through a network
file system; there, the rollback journal is used, which is slower and safe. The journal is chosen
when the file is created and only ever changed from log to rollback journal, because a process with
an older SQLite may hold the file open meanwhile.

``synchronous=FULL`` in both: a commit is on the disk before `save_run` returns, so that a finished
run outlives a power cut and not only a killed kernel. It costs one ``fsync`` a commit. (``NORMAL``
would outlive the killed kernel too, and would lose the last commits with the power.)
"""

from __future__ import annotations

import functools
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import StoreError

if TYPE_CHECKING:
    from types import ModuleType

SOUND_LOG = (3, 51, 3)
"""The first SQLite whose write-ahead log survives concurrent writers."""

_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|9p|ceph|lustre|gpfs|beegfs|glusterfs|virtiofs|pvfs2|orangefs|panfs|"
    r"ocfs2|gfs2?|vboxsf|vmhgfs|prl_fs|davfs2?|fuse(\.(?!ext\d).*)?|webdav|afpfs|macfuse|osxfuse"
)


def sqlite_module() -> ModuleType:
    """The DB-API module: pysqlite3, which brings its own newer SQLite, or else the standard one."""
    try:
        import pysqlite3
    except ImportError:
        import sqlite3

        return sqlite3
    return pysqlite3  # type: ignore[no-any-return]


def log_is_sound(path: Path, version: tuple[int, ...]) -> bool:
    """Whether SQLite of `version` may keep a write-ahead log beside `path`."""
    return version >= SOUND_LOG and not on_network(path)


def on_network(path: Path) -> bool:
    """Whether `path` lies on a file system that other machines may share."""
    real = path.resolve()
    if sys.platform == "linux":
        try:
            mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
        except OSError:
            return False
        return bool(_NETWORK.fullmatch(file_system(real.as_posix(), mounts)))
    if str(real).startswith("\\\\"):
        return True
    import psutil

    best = max(
        (part for part in psutil.disk_partitions(all=True) if real.is_relative_to(part.mountpoint)),
        key=lambda part: len(part.mountpoint),
        default=None,
    )
    return best is not None and ("remote" in best.opts or bool(_NETWORK.fullmatch(best.fstype.lower())))


def file_system(path: str, mounts: str) -> str:
    """The type of the file system that holds `path`, from the text of ``/proc/self/mountinfo``."""
    found, depth = "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4])
        holds = path == point or path.startswith(point.rstrip("/") + "/")
        # The same point can be mounted over: the last line wins.
        if holds and len(point) >= depth:
            found, depth = right.split(" ", 1)[0], len(point)
    return found


def connect(module: ModuleType, path: Path, patience: float) -> Any:
    """A connection that leaves transactions to us and waits `patience` seconds for its turn."""
    connection = module.connect(
        str(path),
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_size_limit=16777216")
        connection.execute("PRAGMA cache_size=-16000")  # KiB: the lists of some ten thousand runs
        connection.create_function("mlops_like", 3, like, deterministic=True)
    except BaseException:
        connection.close()
        raise
    return connection


def settle_journal(connection: Any, path: Path, version: tuple[int, ...]) -> str:
    """Choose the journal of the database just opened and return its name; see the module's text.

    Raises:
        StoreError: The file has a write-ahead log that this SQLite must not share, and it is in use.
    """
    mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
    sound = log_is_sound(path, version)
    if mode == "wal" and not sound:
        mode = _switch(connection, "TRUNCATE", attempts=5)
        if mode == "wal":
            raise StoreError(
                f"The store {path} is in use through a write-ahead log, which SQLite "
                f"{'.'.join(map(str, version))} cannot share safely here.",
                "Install pysqlite3 in this environment, keep the store on a local disk, or close the other "
                "kernels and servers first.",
            )
    elif mode != "wal" and sound and connection.execute("PRAGMA schema_version").fetchone()[0] == 0:
        mode = _switch(connection, "WAL", attempts=100)
    return mode


def _switch(connection: Any, mode: str, *, attempts: int) -> str:
    """Ask for a journal mode until nobody else holds the file; the mode there is in the end."""
    for attempt in range(attempts):
        try:
            return str(connection.execute(f"PRAGMA journal_mode={mode}").fetchone()[0])
        except Exception as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise
            time.sleep(0.01 + 0.002 * attempt)
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def like(value: object, pattern: object, insensitive: int) -> int | None:
    """SQL's LIKE as PostgreSQL has it: case-sensitive unless asked, over all of Unicode, no escapes.

    SQLite's own ignores the case of ASCII and of nothing else. The pieces between ``%`` are looked
    for from left to right, which needs no backtracking.
    """
    if value is None or pattern is None:
        return None
    text = str(value)
    first, *others = _pieces(str(pattern), bool(insensitive))
    match = first.match(text)
    if match is None:
        return 0
    if not others:
        return int(match.end() == len(text))
    position = match.end()
    for piece in others[:-1]:
        match = piece.search(text, position)
        if match is None:
            return 0
        position = match.end()
    last, width = others[-1], len(_unit(others[-1].pattern))
    start = len(text) - width
    return int(start >= position and last.fullmatch(text, start) is not None)


@functools.lru_cache(maxsize=64)
def _pieces(pattern: str, insensitive: bool) -> tuple[re.Pattern[str], ...]:
    flags = re.DOTALL | (re.IGNORECASE if insensitive else 0)
    return tuple(
        re.compile("".join("." if letter == "_" else f"[{_quoted(letter)}]" for letter in piece), flags)
        for piece in pattern.split("%")
    )


def _quoted(letter: str) -> str:
    return "\\" + letter if letter in "\\]^[-&~|" else letter


def _unit(pattern: str) -> list[str]:
    r"""The letters of a pattern made by `_pieces`: each is ``.`` or ``[x]`` or ``[\\x]``."""
    return re.findall(r"\.|\[\\?.\]", pattern, re.DOTALL)
