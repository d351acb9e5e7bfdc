"""W&B's offline folders (``wandb/offline-run-…/run-….wandb``), read without W&B.

The file is a log in LevelDB's format (blocks of 32 KiB, each piece with its check sum, length and type) of
Protocol Buffers messages; the few fields read here are those of ``wandb_internal.proto``.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Status

from .foreign import ForeignFile, ForeignRun, Point, in_order, time_of
from .places import files_below

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 32_768
_HEADER = b":W&B"
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# Fields of `Record`.
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT = 2, 3, 5, 17, 18
_OWN = ("_", "wandb")
"""What W&B keeps for itself begins so."""


def offline_runs(folder: Path) -> list[Path]:
    """The logs of offline runs in a folder, be it W&B's own, the one around it or that of one run."""
    found: set[Path] = set()
    for pattern in ("run-*.wandb", "*run-*/run-*.wandb", "wandb/*run-*/run-*.wandb"):
        found.update(folder.glob(pattern))
    return sorted(found)


def read_wandb(folder: Path) -> Iterator[ForeignRun]:
    """Its offline runs, oldest first."""
    read = [run for file in offline_runs(folder) if (run := _read(file)) is not None]
    yield from sorted(read, key=lambda run: run.start_time)


def _read(file: Path) -> ForeignRun | None:
    run: dict[int, list[Any]] = {}
    config: dict[str, Any] = {}
    points: dict[str, list[Point]] = defaultdict(list)
    summary: dict[str, Any] = {}
    code: int | None = None
    step = 0
    for message in _messages(file.read_bytes()):
        record = _fields(message)
        for told in record.get(_RUN, []):
            run = _fields(told)
            config |= _items(run.get(4, [b""])[0], 1)
        for told in record.get(_CONFIG, []):
            config |= _items(told, 1)
        for told in record.get(_SUMMARY, []):
            summary |= _items(told, 1)
        for told in record.get(_HISTORY, []):
            items = _items(told, 1)
            step = int(items.get("_step", step))
            logged = round(1000 * float(items.get("_timestamp", 0)))
            for key, value in items.items():
                if not key.startswith(_OWN) and _is_number(value):
                    points[key].append(Point(step, float(value), logged))
        for told in record.get(_EXIT, []):
            code = int(_fields(told).get(1, [0])[0])
    if not run:
        return None
    began = _fields(run[17][0]).get(1, [0])[0] if 17 in run else 0
    start = time_of(1000 * began)
    assert start is not None  # noqa: S101 — a number is given
    last = max((point.milliseconds for values in points.values() for point in values), default=None)
    for key, value in summary.items():
        if not key.startswith(_OWN) and key not in points and _is_number(value):
            points[key].append(Point(step, float(value), last or 1000 * began))
    tags = {str(tag, "utf-8", "replace"): "" for tag in run.get(10, [])}
    return ForeignRun(
        tracker="wandb",
        run_id=_text(run, 1),
        experiment=_text(run, 3) or "uncategorized",
        name=_text(run, 8),
        note=_text(run, 9),
        # A log without an end is that of a process that was killed.
        status=Status.KILLED if code is None else Status.FINISHED if code == 0 else Status.FAILED,
        start_time=start,
        end_time=time_of(last),
        params={key: value for key, value in _unwrapped(config).items() if not key.startswith(_OWN)},
        points={key: in_order(values) for key, values in points.items()},
        tags=tags,
        files=_kept(file.parent / "files"),
    )


def _kept(folder: Path) -> list[ForeignFile]:
    """What the user kept: not W&B's own records of the machine."""
    own = ("config.yaml", "wandb-", "output.log", "requirements.txt", "conda-environment")
    return (
        [file for file in files_below(str(folder)) if not file.path.startswith(own)]
        if folder.is_dir()
        else []
    )


def _unwrapped(config: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value["value"]
        if isinstance(value, dict) and {"value"} <= set(value) <= {"value", "desc"}
        else value
        for key, value in config.items()
    }


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(fields: dict[int, list[Any]], number: int) -> str:
    return str(fields.get(number, [b""])[0], "utf-8", "replace")


def _items(message: bytes, number: int) -> dict[str, Any]:
    """Items ``key = 1, nested_key = 2, value_json = 16`` of a message's repeated field."""
    found: dict[str, Any] = {}
    for item in _fields(message).get(number, []):
        fields = _fields(item)
        key = _text(fields, 1) or ".".join(str(part, "utf-8", "replace") for part in fields.get(2, []))
        try:
            found[key] = json.loads(fields[16][0])
        except (KeyError, ValueError):
            continue
    return found


def _messages(data: bytes) -> Iterator[bytes]:
    """The messages of a log; what a killed process left half written at its end is passed over."""
    if not data.startswith(_HEADER):
        return
    place, parts = 7, b""
    while place + 7 <= len(data):
        left = _BLOCK - place % _BLOCK
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        piece = data[place + 7 : place + 7 + length]
        if len(piece) < length:
            return
        place += 7 + length
        if kind == _WHOLE:
            yield piece
        elif kind == _FIRST:
            parts = piece
        elif kind in (_MIDDLE, _LAST):
            parts += piece
            if kind == _LAST:
                yield parts


def _fields(message: bytes) -> dict[int, list[Any]]:
    """The fields of a Protocol Buffers message by number: integers, and bytes for all that has a length."""
    found: dict[int, list[Any]] = defaultdict(list)
    place = 0
    try:
        while place < len(message):
            tag, place = _varint(message, place)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                value, place = _varint(message, place)
                found[number].append(value)
            elif wire == 2:
                length, place = _varint(message, place)
                found[number].append(message[place : place + length])
                place += length
            elif wire in (1, 5):
                place += 8 if wire == 1 else 4
            else:
                break
    except IndexError:
        pass  # cut short: what was read stands
    return dict(found)


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
