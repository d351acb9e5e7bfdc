"""`jupyter mlops backup`, `restore`, `merge`, `move`, `size`, `gc` and `salvage`."""

from __future__ import annotations

import argparse
import glob
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .config import load_config, sqlite_url
from .errors import MlopsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .store import Store

    Add = Callable[..., argparse.ArgumentParser]
    Show = Callable[[argparse.Namespace, Any, str], int]


def add_commands(command: Add, show: Show) -> None:
    """Add them to a parser.

    Args:
        command: Adds one: its name, its function and what it is for.
        show: Prints a result, as JSON or as a sentence, and gives the exit code.
    """

    def bound(
        function: Callable[[argparse.Namespace], tuple[Any, str]],
    ) -> Callable[[argparse.Namespace], int]:
        return lambda options: show(options, *function(options))

    added = command("backup", bound(_backup), "Copy the store and its files into a new folder, while in use.")
    added.add_argument("folder", metavar="FOLDER", type=Path)

    added = command("restore", bound(_restore), "Bring a backup back into a store that holds nothing.")
    added.add_argument("folder", metavar="FOLDER", type=Path)

    added = command("merge", bound(_merge), "Take over what another store has and this one has not.")
    added.add_argument("source", metavar="STORE", help="a runs.db or an SQLAlchemy URL; it is only read")
    added.add_argument("--artifacts", metavar="URL", help="where its files are (default: beside it)")

    added = command("move", bound(_move), "Copy the store into an empty one and compare; the old one stays.")
    added.add_argument("target", metavar="STORE", help="a new file or an SQLAlchemy URL")
    added.add_argument("--artifacts", metavar="URL", help="where its files go (default: beside it)")

    command("size", bound(_size), "What each experiment takes.")

    added = command("gc", bound(_gc), "Remove for good what was deleted long ago and what nothing leads to.")
    added.add_argument("--dry-run", action="store_true", help="only say what would go")
    added.add_argument(
        "--days", type=_days, default=30.0, metavar="N", help="runs deleted longer ago go (default: 30)"
    )

    added = command("salvage", bound(_salvage), "Write what can be read of a damaged store into a new one.")
    added.add_argument("damaged", metavar="STORE", type=Path, help="the damaged runs.db; it stays as it is")
    added.add_argument("target", metavar="NEW", type=Path, help="a new file")


def _days(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (number := float(text)) < 1e6:
            return number
    raise argparse.ArgumentTypeError(f"{text} is no number of days")


def _open(url: str | None = None, artifacts: str | None = None, *, create: bool = False) -> Store:
    from .store import open_store

    config = load_config()
    if url is None:
        url = config.resolved_store_url()
        return open_store(url, config.resolved_artifacts_url(url), create=create)
    if "://" not in url:
        url = sqlite_url(Path(url))
    if artifacts is None:
        if not url.startswith("sqlite:///"):
            raise UsageError("Where the files of that store are is not known.", "Name it with --artifacts.")
        artifacts = str(Path(url.removeprefix("sqlite:///")).parent / "artifacts")
    return open_store(url, artifacts, create=create)


def _backup(options: argparse.Namespace) -> tuple[Any, str]:
    from .store.upkeep import back_up

    with closing(_open()) as store:
        made = back_up(store, options.folder.absolute())
    return (
        made,
        f"{made.runs} runs and {made.artifacts} files are in {made.path}.{_missing(made.missing_artifacts)}",
    )


def _restore(options: argparse.Namespace) -> tuple[Any, str]:
    from .store.upkeep import restore

    with closing(_open(create=True)) as store:
        return _copied(restore(store, options.folder.absolute()))


def _merge(options: argparse.Namespace) -> tuple[Any, str]:
    from .store.upkeep import merge

    with closing(_open(create=True)) as store, closing(_open(options.source, options.artifacts)) as source:
        return _copied(merge(store, source))


def _move(options: argparse.Namespace) -> tuple[Any, str]:
    from .store import redacted
    from .store.upkeep import move

    with closing(_open()) as store, closing(_open(options.target, options.artifacts, create=True)) as target:
        copied, text = _copied(move(store, target))
        place = redacted(target.url)
    return copied, f"{text} Set JUPYTER_MLOPS_STORE to {place}; the old store is as it was."


def _size(options: argparse.Namespace) -> tuple[Any, str]:
    from .store.upkeep import sizes

    with closing(_open()) as store:
        rooms = sizes(store)
    lines = [f"{'experiment':<30} {'runs':>7} {'deleted':>7} {'records':>10} {'curves':>10} {'files':>10}"]
    lines += [
        f"{room.experiment[:30]:<30} {room.runs:>7} {room.deleted_runs:>7} "
        f"{_bytes(room.record_bytes):>10} {_bytes(room.curve_bytes):>10} {_bytes(room.artifact_bytes):>10}"
        for room in rooms
    ]
    return rooms, "\n".join(lines)


def _gc(options: argparse.Namespace) -> tuple[Any, str]:
    from .store.upkeep import collect_garbage

    with closing(_open()) as store:
        freed = collect_garbage(store, older_than=options.days * 86_400, dry_run=options.dry_run)
    text = (
        f"{freed.runs} runs, {freed.executions} cells, {freed.environments} environments and "
        f"{freed.artifacts} files ({_bytes(freed.artifact_bytes)}) "
        f"{'would go' if freed.dry_run else 'are gone'}."
    )
    return freed, " ".join([text, *freed.notes])


def _salvage(options: argparse.Namespace) -> tuple[Any, str]:
    from .store.salvage import salvage

    if options.target.exists():
        raise UsageError(f"{options.target} is there already.", "Name a new file.")
    target = options.target.absolute()
    try:
        with closing(_open(str(target), create=True)) as store:
            saved = salvage(options.damaged.absolute(), store)
    except MlopsError:
        for made in target.parent.glob(f"{glob.escape(target.name)}*"):
            if made.name.removeprefix(target.name) in ("", "-wal", "-shm", "-journal"):
                made.unlink()  # it holds nothing
        raise
    text = (
        f"{saved.runs} runs, {saved.curves} curves, {saved.executions} cells and {saved.versions} versions "
        f"are in {options.target}."
    )
    files = options.damaged.absolute().parent / "artifacts"
    if files.is_dir() and files.parent != target.parent:
        text += f" Their files are still in {files}: copy that folder beside the new store."
    return saved, "\n".join([text, *(f"Damaged: {what}" for what in saved.damaged)])


def _copied(copied: Any) -> tuple[Any, str]:
    text = f"{copied.runs} runs, {copied.versions} versions and {copied.artifacts} files were copied"
    if copied.known_runs:
        text += f", {copied.known_runs} runs were there already"
    text += f".{_missing(copied.missing_artifacts)}"
    if copied.refused_versions:
        refused = ", ".join(copied.refused_versions)
        text += f" Not taken over, since this store has others of that number: {refused}."
    return copied, text


def _missing(count: int) -> str:
    return f" {count} files were missing where they should have been." if count else ""


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def as_builtins(result: Any) -> Any:
    """A result as JSON has it."""
    return msgspec.to_builtins(result)
