"""What a cell showed: its text, bounded, and its figures, as the kernel sent them.

Nothing is put between the cell and its output. The kernel's display publisher, display hook and
streams let hooks see each message before it is sent, and send what the hook returns: ours returns
it untouched, whatever happens. A stream's hooks are those of the thread that sends, the kernel's
input-output thread, so ours is registered there, and stays: to have that thread do something costs
a cell more than all that it prints. A shell without such hooks (a terminal) shows its outputs
unobserved.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import json
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_FIGURES = 50
#: How long the end of a cell waits for what it printed, as the kernel's streams do by themselves.
_FLUSH_SECONDS = 10.0
# In order of preference: which representation of a figure is kept, and its file's ending.
_FIGURES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/svg+xml": "svg",
    "application/vnd.plotly.v1+json": "plotly.json",
}
_VEGA = "application/vnd.vega"


class Output(msgspec.Struct, frozen=True):
    """Something a cell showed. `kind` is ``text`` or ``figure``; `name` a path for its artifact."""

    kind: str
    data: bytes
    media_type: str
    name: str


class OutputWatch:
    """Notes the outputs published between `start` and `stop`.

    Args:
        shell: The IPython shell, or None outside of one.
        text_bytes: Text beyond this is cut in the middle.
    """

    def __init__(self, shell: Any, *, text_bytes: int = 100_000) -> None:
        self._shell = shell
        self._text = _Text(text_bytes)
        self._figures: dict[str, Output] = {}
        #: The streams, each with the buffer it had: once written to it has text in it, or another one.
        self._streams: list[tuple[Any, Any]] = []
        self._hooked: list[Any] = []
        self._parent = ""

    def start(self) -> None:
        """Begin to note what is published."""
        shell = self._shell
        self._parent = _message_id(getattr(shell, "parent_header", None) or {})
        publishers: tuple[Any, ...] = (
            getattr(shell, "display_pub", None),
            getattr(shell, "displayhook", None),
        )
        for publisher in publishers:
            if hasattr(publisher, "register_hook"):
                publisher.register_hook(self._see)
                self._hooked.append(publisher)
        streams: list[Any] = [stream for stream in (sys.stdout, sys.stderr) if _has_hooks(stream)]
        _listener.watch = self
        for thread, theirs in _by_thread(stream for stream in streams if stream not in _heard):
            _heard.update(dict.fromkeys(theirs))
            _in_thread(thread, [functools.partial(stream.register_hook, _listener) for stream in theirs])
        self._streams = [(stream, getattr(stream, "_buffers", None)) for stream in streams]

    def stop(self) -> list[Output]:
        """The outputs since `start`: the text, if there was any, then the figures in order."""
        written = (stream for stream, buffers in self._streams if not _is_untouched(stream, buffers))
        for thread, theirs in _by_thread(written):
            # One visit for all: each costs the cell a change of threads.
            sent = threading.Event()
            _in_thread(thread, [*(stream.flush for stream in theirs), sent.set])
            sent.wait(_FLUSH_SECONDS)
        _listener.watch = None
        for publisher in self._hooked:
            with contextlib.suppress(Exception):  # someone cleared the hooks: ours is gone as well
                publisher.unregister_hook(self._see)
        self._streams, self._hooked = [], []
        outputs = list(self._figures.values())
        text = self._text.value()
        if text:
            data = text.encode("utf-8", "replace")
            outputs.insert(0, Output(kind="text", data=data, media_type="text/plain", name="output.txt"))
        return outputs

    def _see(self, message: Any) -> Any:
        """The hook: looks at a message on its way and lets it pass."""
        with contextlib.suppress(Exception):  # an output we cannot read is still the user's to see
            self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        if self._parent and _message_id(message.get("parent_header") or {}) != self._parent:
            return
        content = message["content"]
        if message["msg_type"] == "stream":
            self._text.add(content["text"])
            return
        data = content.get("data") or {}
        figure = _figure(data)
        if figure is None:
            text = data.get("text/plain")
            if type(text) is str and message["msg_type"] != "update_display_data":
                self._text.add(text if text.endswith("\n") else f"{text}\n")
            return
        media_type, payload, ending = figure
        shown_as = (content.get("transient") or {}).get("display_id") or f"#{len(self._figures)}"
        known = self._figures.get(shown_as)
        if known is None and len(self._figures) >= MAX_FIGURES:
            return
        number = int(known.name.partition("-")[2].partition(".")[0]) if known else len(self._figures) + 1
        name = f"figures/figure-{number}.{ending}"
        self._figures[shown_as] = Output(kind="figure", data=payload, media_type=media_type, name=name)


class _Listener:
    """The hook in the streams: tells the watch of the cell that runs, if there is one."""

    watch: OutputWatch | None = None

    def __call__(self, message: Any) -> Any:
        watch = self.watch
        return message if watch is None else watch._see(message)


_listener = _Listener()
#: The streams it listens to.
_heard: weakref.WeakKeyDictionary[Any, None] = weakref.WeakKeyDictionary()


def leave_streams() -> None:
    """Take the hook out of all streams."""
    for thread, theirs in _by_thread(list(_heard)):
        _in_thread(thread, [functools.partial(stream.unregister_hook, _listener) for stream in theirs])
    _heard.clear()


def _is_untouched(stream: Any, buffers: Any) -> bool:
    """Whether a stream has neither text to send nor sent any since it had `buffers`."""
    return buffers is not None and getattr(stream, "_buffers", None) is buffers and not buffers


def _message_id(header: dict[str, Any]) -> str:
    return str((header.get("header") or header).get("msg_id") or "")


def _figure(data: dict[str, Any]) -> tuple[str, bytes, str] | None:
    """(media type, bytes, file ending) of a MIME bundle that is a figure."""
    for media_type, ending in _FIGURES.items():
        if media_type in data:
            return media_type, _payload(data[media_type], media_type), ending
    for media_type, value in data.items():
        if media_type.startswith(_VEGA):
            return media_type, _payload(value, media_type), "vl.json"
    return None


def _payload(value: Any, media_type: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if media_type.endswith("json"):
        return json.dumps(value).encode()
    if media_type == "image/svg+xml":
        return str(value).encode()
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):
        return b""


def _has_hooks(stream: Any) -> bool:
    return hasattr(type(stream), "register_hook") and getattr(stream, "pub_thread", None) is not None


def _by_thread(streams: Iterable[Any]) -> list[tuple[Any, list[Any]]]:
    """The streams with the thread that sends their messages; in a kernel they share one."""
    found: dict[int, tuple[Any, list[Any]]] = {}
    for stream in streams:
        thread = stream.pub_thread
        found.setdefault(id(thread), (thread, []))[1].append(stream)
    return list(found.values())


def _in_thread(thread: Any, actions: Sequence[Callable[[], Any]]) -> None:
    """Have a thread that sends messages run `actions`, in the order of what is written."""

    def act() -> None:
        for action in actions:
            with contextlib.suppress(Exception):  # nothing may be raised in the kernel's own thread
                action()

    thread.schedule(act)


class _Text:
    """Text of which the beginning and the end are kept."""

    def __init__(self, limit: int) -> None:
        self.half = max(1, limit // 2)
        self.head: list[str] = []
        self.room = self.half
        self.tail = ""
        self.dropped = 0

    def add(self, text: str) -> None:
        if self.room > 0:
            taken = text[: self.room]
            self.head.append(taken)
            self.room -= len(taken)
            text = text[len(taken) :]
        if text:
            self.tail += text
            if len(self.tail) > 2 * self.half:
                self._trim()

    def _trim(self) -> None:
        excess = len(self.tail) - self.half
        if excess > 0:
            self.dropped += excess
            self.tail = self.tail[excess:]

    def value(self) -> str:
        """What is kept; a line a progress bar drew over and over is what stood there last."""
        self._trim()
        middle = f"\n… {self.dropped} characters left out …\n" if self.dropped else ""
        text = "".join(self.head) + middle + self.tail
        if "\r" not in text:
            return text
        lines = text.replace("\r\n", "\n").split("\n")
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
