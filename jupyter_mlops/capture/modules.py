"""What a cell changed inside modules: their state is no name of the notebook's.

The user's own modules are read before and after a cell, as the notebook's names are. Of a library only what
the cell's syntax says is known: ``math.pi = 3``, ``Series.twice = …``, ``getcontext().prec = 3``,
``register_…(…)``. Either way the state goes by the name ``module:`` and the package, and what uses the
package afterwards reads it.
"""

from __future__ import annotations

import ast
import sys
import time
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_hexdigest

from .syntax import last_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_BYTES = 20_000_000
_SECONDS = 0.05
#: What of a library's changes is seen by a state of its own (see `ambient`).
_COVERED = {
    "environ": ("os",),
    "sys.path": ("sys",),
    "options:pandas": ("pandas",),
    "options:numpy": ("numpy",),
    "options:sklearn": ("sklearn",),
    "options:torch": ("torch",),
    "options:display": ("matplotlib", "pandas", "numpy"),
}
_OURS = __name__.partition(".")[0]
_DICT: Any = vars(ModuleType)["__dict__"]
_CLASS_DICT: Any = type.__dict__["__dict__"]
_CLASS_MODULE: Any = type.__dict__["__module__"]


class ModuleWatch:
    """The state of modules over a session.

    Args:
        fingerprint: Gives a value's fingerprint, within a budget of bytes and seconds.
        is_users: Whether a file at a path is the user's own.
    """

    def __init__(self, fingerprint: Callable[..., str], is_users: Callable[[str], bool]) -> None:
        self._fingerprint, self._is_users = fingerprint, is_users
        #: Packages whose state some cell changed, and the user's own modules by name.
        self.changed: set[str] = set()
        self._prints: dict[str, str] = {}
        self._users: dict[str, ModuleType] = {}
        self._loaded = 0
        self._set_on: list[ast.AST] = []

    def begin(self, tree: ast.Module | None) -> bool:
        """Before a cell: modules of the user's that were loaded since the last one are read.

        Tells whether the cell's syntax sets anything on what may be a library's.
        """
        self._set_on = list(_set_on(tree)) if tree is not None else []
        self._read_new()
        return bool(self._set_on)

    def _read_new(self) -> None:
        if len(sys.modules) == self._loaded:
            return
        self._loaded = len(sys.modules)
        known = list(sys.modules.items())
        self._users = {name: module for name, module in known if self._is_own(module)}
        new = self._users.keys() - self._prints.keys()
        self._prints |= self._read(new)

    def end(
        self,
        used: Iterable[str],
        imported: Iterable[str],
        namespace: Mapping[str, Any],
        changed_states: Iterable[str],
    ) -> tuple[set[str], set[str]]:
        """(states read, states set) by a cell that used these names and imported these modules."""
        roots = {name.partition(".")[0] for name in imported}
        roots |= {_root_of(namespace[name]) for name in used if name in namespace}
        users = {name.partition(".")[0] for name in self._users}
        written: set[str] = set()
        if roots & users:
            roots |= users  # they may import one another
            before, now = self._prints, self._read(self._users)
            self._prints = {**before, **now}
            both = before.keys() & now.keys()
            differ = (name for name in both if before[name] and now[name] and before[name] != now[name])
            written = {name.partition(".")[0] for name in differ}
        if self._set_on:
            covered = {package for state in changed_states for package in _COVERED.get(state, ())}
            patched = {_library_of(part, namespace) for part in self._set_on}
            written |= patched - covered - {"", namespace.get("__name__", "__main__")}
        reads = {f"module:{name}" for name in self.changed & (roots | {"builtins"})}
        self.changed |= written
        return reads, {f"module:{name}" for name in written}

    def _read(self, names: Iterable[str]) -> dict[str, str]:
        """A hash of what each of these modules holds, ``""`` where there was no time."""
        deadline = time.monotonic() + _SECONDS
        return {name: self._print_of(self._users[name], deadline) for name in names}

    def _is_own(self, module: Any) -> bool:
        """Whether a module was written by the user, and is no library's."""
        if type(module) is not ModuleType:
            return False
        attributes = _DICT.__get__(module)
        file, name = attributes.get("__file__"), attributes.get("__name__")
        if type(file) is not str or type(name) is not str or not file.endswith(".py"):
            return False
        return name != "__main__" and name.partition(".")[0] != _OURS and self._is_users(file)

    def _print_of(self, module: ModuleType, deadline: float) -> str:
        """A hash of what a module holds: its data, its functions and the attributes of its classes."""
        attributes = _DICT.__get__(module)
        name = attributes.get("__name__")
        parts = []
        for word, value in list(attributes.items()):
            kind = type(value)
            if (word.startswith("__") and word.endswith("__")) or kind is ModuleType:
                continue
            if time.monotonic() > deadline:
                return ""
            if issubclass(kind, type) and _CLASS_MODULE.__get__(value) == name:
                held = [
                    f"{inner}={self._hash_of(part)}"
                    for inner, part in list(_CLASS_DICT.__get__(value).items())
                    if not inner.startswith("__")
                ]
                parts.append(f"{word}:{held}")
            else:
                parts.append(f"{word}:{self._hash_of(value)}")
        return xxh3_64_hexdigest("\n".join(parts).encode("utf-8", "replace"))

    def _hash_of(self, value: Any) -> str:
        if type(value) is FunctionType:
            # Where the code stands tells a function from another, and what it holds may change.
            return f"{id(value.__code__)} {self._fingerprint(value.__dict__) if value.__dict__ else ''}"
        return self._fingerprint(value, byte_budget=_BYTES, seconds=_SECONDS) or f"at {id(value)}"


def _root_of(value: Any) -> str:
    """The package a value belongs to."""
    kind = type(value)
    if kind is ModuleType:
        name = _DICT.__get__(value).get("__name__")
    elif issubclass(kind, type):
        name = _CLASS_MODULE.__get__(value)
    elif kind is FunctionType:
        name = value.__module__
    else:
        name = _CLASS_MODULE.__get__(kind)
        if name == "builtins":
            name = getattr(value, "__module__", "") if kind.__name__ == "builtin_function_or_method" else ""
    return name.partition(".")[0] if type(name) is str else ""


def _set_on(tree: ast.Module) -> Iterator[ast.AST]:
    """What a cell sets, deletes or registers something on, where that is more than a name."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call):
            word = last_name(node.func)
            if word in ("setattr", "delattr") and node.args:
                yield node.args[0]
            elif word.startswith("register"):
                yield node.func
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (part for part in node.decorator_list if "register" in getattr(part, "attr", ""))
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                if isinstance(part, ast.Attribute | ast.Subscript):
                    yield part.value


def _library_of(node: ast.AST, namespace: Mapping[str, Any]) -> str:
    """The package whose module, class or function stands at the root of an expression; else empty."""
    called = False
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        called = called or isinstance(node, ast.Call)
        node = node.func if isinstance(node, ast.Call) else node.value
    if not isinstance(node, ast.Name) or node.id not in namespace:
        return ""
    value = namespace[node.id]
    kind = type(value)
    if not (kind is ModuleType or issubclass(kind, type) or called):
        return ""
    if kind is FunctionType or kind is ModuleType or issubclass(kind, type):
        return _root_of(value)
    return _root_of(value) if kind.__name__ == "builtin_function_or_method" else ""
