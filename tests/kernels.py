"""Real kernels, driven as a front end drives them."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_client.blocking import BlockingKernelClient

    from jupyter_mlops.records import Run

_SOCKETS = tempfile.TemporaryDirectory(prefix="kernels")


@dataclass
class Outcome:
    """What one cell gave: its messages in order."""

    status: str = ""
    error: dict[str, Any] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def stdout(self) -> str:
        return "".join(output["text"] for output in self.outputs if output["type"] == "stream")

    @property
    def result(self) -> str:
        """The text of the cell's value, or ``""``."""
        found = [
            output["data"]["text/plain"] for output in self.outputs if output["type"] == "execute_result"
        ]
        return found[-1] if found else ""

    @property
    def displays(self) -> list[dict[str, str]]:
        kinds = ("display_data", "update_display_data")
        return [output["data"] for output in self.outputs if output["type"] in kinds]

    @property
    def traceback(self) -> str:
        return "\n".join(self.error.get("traceback", []))


def start_kernel(python: str = sys.executable, **options: Any) -> tuple[KernelManager, BlockingKernelClient]:
    """A kernel of the interpreter `python` that answers; the caller shuts it down."""
    manager = KernelManager(kernel_name="python3")
    if sys.platform == "linux":
        # A TCP port may be taken between its choice and the kernel's start, a socket's file may not.
        manager.transport, manager.ip = "ipc", f"{_SOCKETS.name}/{uuid.uuid4().hex[:8]}"
    manager.kernel_spec.argv[0] = python
    manager.start_kernel(**options)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    return manager, client


class Kernel:
    """A kernel in a folder of its own, whose store lies in that folder; of the interpreter `python`."""

    def __init__(self, folder: Path, *, python: str = sys.executable, **environment: str) -> None:
        self.folder = folder
        self.python = python
        self.store_url = f"sqlite:///{folder / 'store' / 'runs.db'}"
        self.environment = {
            **os.environ,
            "JUPYTER_MLOPS_STORE": self.store_url,
            "IPYTHONDIR": str(folder / "ipython"),
            **environment,
        }
        self._begin()

    def _begin(self) -> None:
        self.manager, self.client = start_kernel(self.python, env=self.environment, cwd=str(self.folder))

    def start(self, code: str, **options: Any) -> str:
        """Send a cell without waiting for it; `cell_id` is what a front end calls it."""
        cell_id = options.pop("cell_id", "")
        if not cell_id:
            return self.client.execute(code, **options)
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, **options}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def finish(self, message_id: str, timeout: float = 60) -> Outcome:
        """Wait until a sent cell has ended."""
        outcome = Outcome()
        deadline = time.monotonic() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind in ("stream", "display_data", "update_display_data", "execute_result", "error"):
                outcome.outputs.append({"type": kind, **content})
            if kind == "error":
                outcome.error = content
        reply = self.client.get_shell_msg(timeout=10)
        while reply["parent_header"].get("msg_id") != message_id:
            reply = self.client.get_shell_msg(timeout=10)
        outcome.status = reply["content"]["status"]
        return outcome

    def run(self, code: str, timeout: float = 60, **options: Any) -> Outcome:
        """Run a cell to its end."""
        return self.finish(self.start(code, **options), timeout)

    def load(self) -> Outcome:
        return self.run("%load_ext jupyter_mlops")

    def restart(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)
        self._begin()

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    # -- what the store holds -------------------------------------------------------------------

    @contextlib.contextmanager
    def store(self) -> Iterator[Store]:
        opened = open_store(self.store_url, str(self.folder / "store" / "artifacts"))
        try:
            yield opened
        finally:
            opened.close()

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        with self.store() as store:
            return [store.get_run(summary.run_id) for summary in reversed(store.search())]

    def last_run(self) -> Run:
        return self.runs()[-1]
