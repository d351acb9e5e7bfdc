"""Which files a cell read and wrote.

Python tells of every ``open`` by an audit event; the hook is installed once, with the first watch,
and costs a test of a flag while none is on. Readers written in C++ or Rust (Arrow, HDF5, OpenCV)
open files without telling: a string in the cell's code that names an existing file stands for them.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import tempfile
import time
from typing import TYPE_CHECKING, Any

import msgspec
from xxhash import xxh3_128

from jupyter_mlops.records import FileUse

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FILES = 1000
WHOLE_BYTES = 256_000_000
HASH_SECONDS = 0.5
_BLOCK = 1 << 20
_SAMPLES = 64
_SYSTEM = (
    "/proc",
    "/sys",
    "/dev",
    "/etc",
    "/usr/lib",
    "/usr/share",
    "/usr/local/lib",
    "/lib",
    "/run",
    "/System",
)
_OF_USER = (
    ".ipython", ".jupyter", ".local/share/jupyter", ".cache/matplotlib", ".config/matplotlib",
    ".cache/fontconfig", ".matplotlib", "Library/Jupyter", ".keras/keras.json",
)  # fmt: skip
_SUFFIXES = (".pyc", ".pyo", ".so", ".ttf", ".otf", ".afm", ".pfb", ".pyd", ".dll", ".dylib", ".dist-info")
_PARTS = (
    "/.git/",
    "/__pycache__/",
    "/.ipynb_checkpoints/",
    "/site-packages/",
    "/dist-packages/",
    "/.jupyter_mlops/",
)

_watching: list[FileWatch] = []
_installed: list[bool] = []
_hashes: dict[str, tuple[tuple[int, int, int], str]] = {}


class FileWatch:
    """Notes the files opened between `start` and `stop`.

    Args:
        ignored: Folders whose files are not the user's, e.g. the store's.
    """

    def __init__(self, ignored: Iterable[str] = ()) -> None:
        self.relative = False
        folders = (os.path.abspath(folder) for folder in ignored if folder)  # noqa: PTH100
        self._ignored = tuple(folder + os.sep for folder in folders)
        self._opened: dict[tuple[str | bytes, str], str] = {}
        #: Files opened to be changed, as they stood then.
        self.opened_to_change: dict[str, tuple[int, int] | None] = {}
        #: Paths that only a text in the cell's code names.
        self.named: set[str] = set()
        #: Folders that were listed, as absolute paths.
        self.listed: set[str] = set()
        self._started = 0
        self._folder = ""

    def start(self) -> None:
        """Begin to note; watches may be nested."""
        if not _installed:
            _installed.append(True)
            sys.addaudithook(_hook)
        self._started = time.time_ns()
        self._folder = _current_folder()
        _watching.append(self)

    def started_now(self) -> None:
        """Take this moment for the start, and note nothing but what is named."""
        self._started = time.time_ns()
        self._folder = _current_folder()

    def stop(self, strings: Iterable[str] = ()) -> tuple[FileUse, ...]:
        """The files opened since `start`, and those existing ones that `strings` name, by path.

        ``mode`` is ``r``, ``w`` or ``rw``. Afterwards `relative` says whether one was reached by a
        path relative to the current folder. Large files are hashed from a sample (``sampled:``),
        and not at all once half a second is spent.
        """
        if self in _watching:
            _watching.remove(self)
        modes: dict[str, set[str]] = {}
        for (given, folder), mode in list(self._opened.items()):
            self._note(modes, os.fsdecode(given), folder, mode)
        for text in strings:
            if self._may_be_file(text):
                self._note_named(modes, text)
        deadline = time.monotonic() + HASH_SECONDS
        return tuple(
            FileUse(
                path=path,
                mode="".join(sorted(mode)),
                hash=file_hash(path) if time.monotonic() < deadline else "",
                size=_size(path),
            )
            for path, mode in sorted(modes.items())[:MAX_FILES]
        )

    def seen(self, path: str | bytes, mode: str) -> None:
        """Called by the audit hook for each ``open``."""
        if len(self._opened) < 5 * MAX_FILES:
            if mode == "rw":
                full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
                self.opened_to_change.setdefault(full, stamp_of(full))
            absolute = path.startswith("/" if type(path) is str else b"/")  # type: ignore[arg-type]
            key = (path, "" if absolute else _current_folder())
            known = self._opened.get(key)
            if known is None:
                self._opened[key] = mode
            elif known == "r" and mode != "r":
                self._opened[key] = "rw"  # what was written first is the cell's own when it reads it

    def _note(self, modes: dict[str, set[str]], given: str, folder: str, mode: str) -> None:
        path = os.path.normpath(os.path.join(folder or self._folder, given))  # noqa: PTH118
        if "/__pycache__/" in path:
            # Python keeps the compiled form for itself, when it reads a module and when it writes that.
            path, mode = _source_of(path), "r"
        if mode == "l":
            if self._is_users(os.path.join(path, "")):  # noqa: PTH118
                self.listed.add(path)
        elif self._is_users(path) and (os.path.isfile(path) or mode != "r"):  # noqa: PTH113
            if mode == "rw" and self.opened_to_change.get(path) == stamp_of(path):
                mode = "r"  # a database that was only asked
            modes.setdefault(path, set()).update("r" if mode == "moved" else mode)
            self.relative = self.relative or not os.path.isabs(given)  # noqa: PTH117

    def _note_named(self, modes: dict[str, set[str]], text: str) -> None:
        for folder in (self._folder, _current_folder()):
            path = os.path.normpath(os.path.join(folder, os.path.expanduser(text)))  # noqa: PTH118, PTH111
            try:
                found = os.stat(path)  # noqa: PTH116
            except (OSError, ValueError):
                continue
            if not _is_regular(found.st_mode) or path in modes or not self._is_users(path):
                continue
            self.named.add(path)
            modes[path] = {"w"} if found.st_mtime_ns >= self._started else {"r"}
            self.relative = self.relative or not os.path.isabs(text)  # noqa: PTH117

    def _is_users(self, path: str) -> bool:
        return is_users(path) and not path.startswith(self._ignored)

    @staticmethod
    def _may_be_file(text: str) -> bool:
        return 1 < len(text) < 1000 and "\n" not in text and "\0" not in text


def is_users(path: str) -> bool:
    """Whether a file at this absolute path is the user's, and not Python's, a library's or Jupyter's."""
    if path.startswith(_excluded()) or path.endswith(_SUFFIXES):
        return False
    return not any(part in path for part in _PARTS)


def named_files(strings: Iterable[str], *, writes: bool) -> tuple[FileUse, ...]:
    """Existing files of the user that a cell nobody watched names; with `writes` it may have made them."""
    watch = FileWatch()
    watch.started_now()
    uses = watch.stop(strings)
    return tuple(msgspec.structs.replace(use, mode="rw") for use in uses) if writes else uses


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in _EVENTS:
        return
    try:
        path = arguments[0]
        if event in _LISTING:
            if sys._getframe(1).f_globals.get("__name__", "").startswith(_IMPORTING):
                return  # an import looks for a module
            path = "." if path is None else path
        if isinstance(path, os.PathLike):
            path = os.fspath(path)
        if type(path) is not str and type(path) is not bytes:
            return
        if event == "os.rename":
            _watching[-1].seen(path, "moved")
            path = os.fspath(arguments[1])
        if event == "open":
            mode, flags = arguments[1], arguments[2]
            if type(mode) is str:
                kind = "rw" if "+" in mode or "a" in mode else "r" if "r" in mode else "w"
            else:
                access = flags & (os.O_WRONLY | os.O_RDWR)
                kind = "w" if access == os.O_WRONLY else "rw" if access else "r"
        elif event in _LISTING:
            kind = "l"
        else:
            kind = "w" if event in ("os.rename", "os.remove") else "rw"
        if kind == "rw" and not os.path.exists(path):  # noqa: PTH110
            kind = "w"  # it is made
        _watching[-1].seen(path, kind)
    except Exception:  # noqa: BLE001, S110 - an exception here would make the user's open() fail
        pass


_LISTING = frozenset({"os.listdir", "os.scandir"})
_IMPORTING = ("importlib", "_frozen_importlib", "pkgutil", "pkg_resources", "zipimport")
_EVENTS = frozenset({"open", "os.rename", "os.remove", "sqlite3.connect"}) | _LISTING


def file_hash(path: str) -> str:
    """The xxh3 hash of a file's bytes as hexadecimal digits, ``""`` if it cannot be read.

    Files over 256 MB are sampled (``sampled:`` in front). Remembered while size and time of change
    stay the same.
    """
    try:
        found = os.stat(path)  # noqa: PTH116
        if not _is_regular(found.st_mode):
            return ""
        key = (found.st_size, found.st_mtime_ns, found.st_ino)
        known = _hashes.get(path)
        if known is not None and known[0] == key:
            return known[1]
        hasher = xxh3_128()
        sampled = found.st_size > WHOLE_BYTES
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            if sampled:
                hasher.update(b"%d" % found.st_size)
                for position in range(_SAMPLES):
                    file.seek((found.st_size - _BLOCK) * position // (_SAMPLES - 1))
                    hasher.update(file.read(_BLOCK))
            else:
                while block := file.read(_BLOCK):
                    hasher.update(block)
    except (OSError, ValueError):
        return ""
    text = f"sampled:{hasher.hexdigest()}" if sampled else hasher.hexdigest()
    # A file changed within the clock's last tick may change again without its time showing it.
    if time.time_ns() - found.st_mtime_ns > 50_000_000:
        _hashes[path] = (key, text)
        while len(_hashes) > 10 * MAX_FILES:
            del _hashes[next(iter(_hashes))]
    return text


def stamp_of(path: str) -> tuple[int, int] | None:
    """What changes when a file does: its size and time; None if it is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def _is_regular(mode: int) -> bool:
    return mode & 0o170000 == 0o100000


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except (OSError, ValueError):
        return 0


def _current_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return ""


def _source_of(path: str) -> str:
    """``folder/module.py`` of ``folder/__pycache__/module.cpython-311.pyc``."""
    folder, _, name = path.rpartition("/__pycache__/")
    return f"{folder}/{name.partition('.')[0]}.py"


_prefixes: list[tuple[str, ...]] = []


def _excluded() -> tuple[str, ...]:
    """Folders of the interpreter, the system and Jupyter, whose files are not the user's."""
    if not _prefixes:
        found = {*_SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix, sysconfig.get_path("stdlib") or ""}
        found.update((*site.getsitepackages(), site.getusersitepackages()))
        found.update(os.path.join(os.path.expanduser("~"), part) for part in _OF_USER)  # noqa: PTH111, PTH118
        home = os.getcwd()  # noqa: PTH109
        # A system-wide interpreter's prefix ("/usr") or a project inside one holds the user's files too.
        plain = sorted(
            p for p in found if p and p not in ("/", "/usr", "/usr/local") and not home.startswith(p)
        )
        runtime = os.path.join(tempfile.gettempdir(), "ipykernel_")  # noqa: PTH118
        _prefixes.append((*(os.path.join(folder, "") for folder in plain), runtime, "<"))  # noqa: PTH118
    return _prefixes[0]
