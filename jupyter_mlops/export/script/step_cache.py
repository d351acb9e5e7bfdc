# ruff: noqa: S301
"""Keeps what stands between two steps, so that one step can run on results that are there already.

After a step everything the later ones can see is kept in one file: named results, metrics, the states
of the random generators, hashes of the files written so far. It is used again only while all of this
is as it was: the code of the steps so far and what they share, the settings they read, the content
of their input files, Python and its packages. What cannot be kept faithfully (an open connection, two
arrays that share their memory) is not kept at all, and the steps run again. The folder may be
deleted at any time.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import hashlib
import io
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_BYTES = 500_000_000
MOST_FILES = 10_000
KEY_BYTES = 64
RESULTS = frozenset({"metrics.json", "model.joblib", "model.pt", "predictions.csv"})
CLOCK_SLACK = 50_000_000


class StepCache:
    """The kept states of one pipeline in one output folder.

    Args:
        script: The file of the pipeline.
        output: The folder the results go to; kept states lie in its ``.cache``.
        config: The configuration, its paths absolute.
        steps: Names of the steps, in order.
        unkept: Steps that do what cannot be kept; they and those after them always run.
        inputs: Files that any step may read, beside those the configuration names.
    """

    def __init__(
        self,
        script: Path,
        output: Path,
        config: Any,
        steps: Sequence[str],
        *,
        unkept: Sequence[str] = (),
        inputs: Iterable[Path] = (),
    ) -> None:
        self.script = script
        self.output = output
        self.folder = output / ".cache"
        self.config = config
        self.steps = list(steps)
        self.keepable = next((i for i, name in enumerate(steps) if name in unkept), len(steps))
        self.inputs = [Path(place) for place in inputs]
        self.begun = time.time_ns() - CLOCK_SLACK
        self.files: dict[str, str] = {}
        self._keys: list[str] = []

    def resume(self, state: dict[str, Any], target: int, *, reuse: bool = True) -> int:
        """Fill `state` with the newest kept results before step `target`; give the step to begin with."""
        self._keys = self._make_keys(state, target)
        if not reuse:
            return 0
        for position in range(min(target, self.keepable) - 1, -1, -1):
            kept = self._read(position)
            if kept is not None and self._files_are_there(kept["files"]):
                for name, value in kept["state"].items():
                    if isinstance(state.get(name), dict) and type(value) is type(state[name]):
                        state[name].update(value)
                        state[name].__dict__.update(value.__dict__)
                    else:
                        state[name] = value
                self.files = kept["files"]
                _restore_random(kept["random"])
                return position + 1
        return 0

    def keep(self, state: dict[str, Any], position: int) -> str:
        """Keep `state` as it is after the step at `position`; give the reason where that cannot be done."""
        if position >= self.keepable or position >= len(self._keys):
            return "it, or a step before it, does more than bind names and write files"
        try:
            self.files = {**self.files, **self._files_written()}
            results = {name: value for name, value in state.items() if value is not self.config}
            content = {"state": results, "random": _random_states(), "files": self.files}
            buffer = _Limited()
            _Faithful(buffer, protocol=5).dump(content)
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".keeping-")
            with os.fdopen(handle, "wb") as file:
                file.write(self._keys[position].encode() + buffer.getvalue())
            Path(name).replace(self._place(position))
        except Exception as error:  # noqa: BLE001 - whatever cannot be kept is made again
            self._place(position).unlink(missing_ok=True)
            return f"{type(error).__name__}: {error}"
        return ""

    def _place(self, position: int) -> Path:
        return self.folder / f"{position + 1:02d}-{self.steps[position]}.pickle"

    def _read(self, position: int) -> Any:
        try:
            data = self._place(position).read_bytes()
            if data[:KEY_BYTES].decode("ascii") != self._keys[position]:
                return None
            return pickle.loads(data[KEY_BYTES:])  # written here by this pipeline
        except Exception:  # noqa: BLE001 - damaged, or of another Python: the steps run again
            return None

    # ---- what has to be as it was

    def _is_table(self, node: ast.stmt) -> bool:
        """Whether a statement is prose or the class of the settings, whose values count and not its text."""
        return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (
            isinstance(node, ast.ClassDef) and node.name == type(self.config).__name__
        )

    def _make_keys(self, state: dict[str, Any], count: int) -> list[str]:
        text = self.script.read_text(encoding="utf-8")
        tree = ast.parse(text)
        functions = {
            node.name: node
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in self.steps
        }
        shared = [node for node in tree.body if node not in functions.values()]
        parts = [sys.version, *(ast.dump(node) for node in shared if not self._is_table(node)), *_packages()]
        here = self.script.parent
        ours = [here / name for name in ("contracts.py", "pipeline_runner.py", "modules")]
        beside = [*ours, *self.inputs]
        parts.extend(f"{place.name}={content_of(place)}" for place in beside)
        word = next((name for name, value in state.items() if value is self.config), "")
        hashes: dict[str, str] = {}
        key, keys = _digest(parts), []
        for name in self.steps[: min(count, self.keepable)]:
            parts = [key, name, ast.dump(functions[name])]
            for field in dataclasses.fields(self.config):
                if field.name not in _settings_read(functions[name], word, self.config):
                    continue
                value = getattr(self.config, field.name)
                parts.append(f"{field.name}={value!r}")
                if field.metadata.get("path") == "input":
                    parts.append(hashes.setdefault(str(value), content_of(Path(value))))
            key = _digest(parts)
            keys.append(key)
        return keys

    def _files_written(self) -> dict[str, str]:
        """Files of the output folder that were made or changed since the pipeline began."""
        found: dict[str, str] = {}
        seen = 0
        for folder, folders, files in os.walk(self.output):
            folders[:] = [name for name in folders if name != ".cache"]
            for name in files:
                seen += 1
                if seen > MOST_FILES:
                    raise ValueError(f"{self.output} holds too many files to watch")
                place = Path(folder, name)
                if place.is_symlink() or (folder == str(self.output) and name in RESULTS):
                    continue
                if place.stat().st_ctime_ns >= self.begun:
                    found[str(place.relative_to(self.output))] = content_of(place)
        return found

    def _files_are_there(self, files: dict[str, str]) -> bool:
        return all(content_of(self.output / name) == found for name, found in files.items())


class _Limited(io.BytesIO):
    """A buffer that will not grow without end."""

    def write(self, data: Any) -> int:
        if self.tell() + len(memoryview(data).cast("B")) > MOST_BYTES:
            raise ValueError("the results are too large to keep")
        return super().write(data)


class _Faithful(pickle.Pickler):
    """Refuses what would come back as something else: memory or generators that are shared."""

    def __init__(self, file: Any, protocol: int) -> None:
        super().__init__(file, protocol)
        self.owners: dict[Any, Any] = {}
        self.copied_on_write: dict[int, Any] = {}

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        package = str(kind.__module__).partition(".")[0]
        if kind is object:
            raise pickle.PicklingError("a bare object is known by its identity alone")
        if package == "pandas" and int(sys.modules["pandas"].__version__.partition(".")[0]) >= 3:
            # Copied when written to (tables), or never written to (indices): nobody sees what they share.
            arrays = [getattr(value, "_data", None), *getattr(getattr(value, "_mgr", None), "arrays", ())]
            self.copied_on_write.update({id(array): array for array in arrays})
        elif package == "numpy" and kind.__name__ == "RandomState":
            if value is sys.modules["numpy"].random.mtrand._rand:
                raise pickle.PicklingError("numpy's own random generator is shared")
        elif package == "numpy" and kind.__name__ in ("ndarray", "memmap"):
            if value.flags.writeable and id(value) not in self.copied_on_write:
                owner = value
                while getattr(owner, "base", None) is not None:
                    owner = owner.base
                self._claim(id(owner), value)
        elif package == "torch" and hasattr(value, "untyped_storage"):
            self._claim(value.untyped_storage().data_ptr() or id(value), value)
        return NotImplemented

    def _claim(self, owner: Any, value: Any) -> None:
        if self.owners.setdefault(owner, value) is not value:
            raise pickle.PicklingError("two arrays share their memory")


def content_of(place: Path) -> str:
    """A hash of a file's content, or of all files of a folder; ``absent`` where there is nothing."""
    if place.is_dir():
        inside = sorted(found for found in place.rglob("*") if found.is_file() and found.suffix != ".pyc")
        return _digest([f"{found.relative_to(place)}={content_of(found)}" for found in inside])
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "absent"


def _digest(parts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", errors="surrogatepass")
        whole.update(f"{len(data)}:".encode() + data)
    return whole.hexdigest()


def _packages() -> Iterator[str]:
    for name, module in sorted(sys.modules.items()):
        version = getattr(module, "__version__", None) if "." not in name else None
        if isinstance(version, str):
            yield f"{name}=={version}"


def _settings_read(function: ast.AST, word: str, config: Any) -> set[str]:
    """The settings a step reads; all of them where it hands the configuration on as a whole."""
    named = sum(isinstance(node, ast.Name) and node.id == word for node in ast.walk(function))
    read = [
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == word
    ]
    return set(read) if len(read) == named else {field.name for field in dataclasses.fields(config)}


def _random_states() -> dict[str, Any]:
    import random

    states: dict[str, Any] = {"random": random.getstate()}
    if "numpy" in sys.modules:
        states["numpy"] = sys.modules["numpy"].random.get_state()
    if "torch" in sys.modules:
        torch: Any = sys.modules["torch"]
        states["torch"] = torch.get_rng_state()
        if torch.cuda.is_initialized():
            states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def _restore_random(states: dict[str, Any]) -> None:
    import random

    random.setstate(states["random"])
    with contextlib.suppress(ImportError):
        if "numpy" in states:
            import numpy as np

            np.random.set_state(states["numpy"])
        if "torch" in states:
            import torch

            torch.set_rng_state(states["torch"])
            if "cuda" in states:
                torch.cuda.set_rng_state_all(states["cuda"])
