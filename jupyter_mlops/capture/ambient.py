"""State outside the namespace that a cell's result may hang on: random numbers, folder, options.

`snapshot` hashes it in well under a tenth of a millisecond; `ambient_use` compares two snapshots and
says, with what the cell's syntax shows, which states the cell read and which it set. Reads are
reported only where they can matter: a random state that was drawn from, an option that no longer
is what it was when its library was loaded.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from _random import Random as _RandomState
from ctypes import string_at
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

Snapshot: TypeAlias = dict[str, str]


class UsedNames(Protocol):
    """What `ambient_use` needs to know of a cell's names (`names.CellNames` has it)."""

    @property
    def calls(self) -> tuple[str, ...]:
        """Dotted names called, in source order."""

    @property
    def attributes(self) -> frozenset[str]:
        """Chains of attributes that occur."""

    @property
    def modules(self) -> frozenset[str]:
        """Modules imported."""

    @property
    def strings(self) -> tuple[str, ...]:
        """String constants."""

    @property
    def touched(self) -> frozenset[str]:
        """Names whose objects may have been changed."""


_RNG = ("rng:random", "rng:numpy", "rng:torch")
_SEED_ALL = frozenset({"set_seed", "seed_everything", "set_random_seed", "seed_all"})
_TORCH_SEEDS = frozenset({"manual_seed", "manual_seed_all", "set_rng_state"})
_SET_STATE = frozenset({"seed", "set_state", "setstate"})
_FOLDER_CALLS = frozenset(
    {"os.getcwd", "Path.cwd", "pathlib.Path.cwd", "os.listdir", "os.scandir", "glob.glob"}
)
_OPTION_CALLS: dict[str, frozenset[str]] = {
    "options:pandas": frozenset({"set_option", "option_context", "reset_option"}),
    "options:numpy": frozenset({"seterr", "errstate"}),
    "options:sklearn": frozenset({"set_config", "config_context"}),
    "options:decimal": frozenset({"setcontext", "localcontext"}),
    "options:locale": frozenset({"setlocale"}),
    "options:python": frozenset({"setrecursionlimit"}),
    "options:torch": frozenset({"set_default_dtype", "use_deterministic_algorithms", "set_num_threads"}),
}
_READ_OPTIONS = frozenset(_OPTION_CALLS)
_DISPLAY = frozenset({"display", "plotting", "styler"})

# What each state was when it was first seen: an option that still stands there is nobody's doing.
_first: Snapshot = {}


def snapshot(*, appearance: bool = True) -> Snapshot:
    """Hashes of the ambient state, by name; a library that is not loaded has none. Never raises.

    Without `appearance` the many options of how things look are not read.
    """
    state: Snapshot = {}
    for name, read in _STATES.items():
        if name == "options:display" and not appearance:
            continue
        try:
            value = read()
        except Exception:  # noqa: BLE001, S112 - a library that is half loaded or broken has no state to compare
            continue
        if value is not None:
            state[name] = value
            _first.setdefault(name, value)
    return state


def changes(before: Snapshot, after: Snapshot) -> frozenset[str]:
    """The states that differ; one that only appeared, because its library was loaded, does not."""
    return frozenset(name for name, value in after.items() if name in before and before[name] != value)


def ambient_use(
    names: UsedNames, before: Snapshot, after: Snapshot, namespace: Mapping[str, Any] | None = None
) -> tuple[frozenset[str], frozenset[str]]:
    """(states the cell read, states it set), from snapshots around it and what its syntax shows.

    A random state that moved without the cell setting its seed first was read and set; setting the
    seed only sets it. With `namespace`, seeds set inside the notebook's own functions are seen too.
    """
    changed = set(changes(before, after))
    reads: set[str] = set()
    writes: set[str] = set()
    calls = [*names.calls, *_calls_inside(names.calls, namespace)]
    seeded = _seeded(calls, namespace)
    drawn = _drawn_first(names.calls, namespace)
    reads |= _kept_states(calls, namespace)
    for name in _RNG:
        if name not in after:
            continue
        moved = name in changed or (name not in before and name in drawn)
        if name in seeded:
            writes.add(name)
            if name in drawn and name in before:
                reads.add(name)
        elif moved:
            reads.add(name)
            writes.add(name)
    _note_folder(names, before, changed, reads, writes)
    if "environ" in changed or ("os.environ" in names.attributes and "os" in names.touched):
        writes.add("environ")
    if "os.environ" in names.attributes or "os.getenv" in names.calls:
        reads.add("environ")
    if "sys.path" in changed:
        writes.add("sys.path")
    if names.modules and before.get("sys.path", "") != _first.get("sys.path", ""):
        reads.add("sys.path")
    _note_options(names, before, after, changed, reads, writes)
    return frozenset(reads), frozenset(writes)


def static_use(names: UsedNames) -> tuple[frozenset[str], frozenset[str]]:
    """(states read, states set) of a cell that nobody watched, as far as its syntax alone shows them."""
    calls = list(names.calls)
    seeded, drawn = _seeded(calls, None), _drawn_first(names.calls, None)
    reads, writes = drawn | _kept_states(calls, None), seeded | drawn
    last = {call.rpartition(".")[2] for call in calls}
    if "os.chdir" in names.calls:
        reads.add("cwd")
        writes.add("cwd")
    if "os.environ" in names.attributes or "os.getenv" in names.calls:
        reads.add("environ")
    for chain, root in (("os.environ", "os"), ("sys.path", "sys")):
        if chain in names.attributes and root in names.touched:
            writes.add(chain.removeprefix("os."))
    writes.update(state for state, setters in _OPTION_CALLS.items() if not setters.isdisjoint(last))
    return frozenset(reads), frozenset(writes)


def _note_folder(
    names: UsedNames, before: Snapshot, changed: Collection[str], reads: set[str], writes: set[str]
) -> None:
    moves = "os.chdir" in names.calls
    if "cwd" in changed or moves:
        writes.add("cwd")
    if before.get("cwd") == _first.get("cwd") and not moves:
        return
    relative = any(_is_relative_file(text) for text in names.strings)
    absolute = any(text.startswith(("/", "~")) for text in names.strings)
    if relative or (moves and not absolute) or not _FOLDER_CALLS.isdisjoint(names.calls):
        reads.add("cwd")


def _is_relative_file(text: str) -> bool:
    if not 0 < len(text) < 300 or "\n" in text or text.startswith(("/", "~")) or "://" in text:
        return False
    try:
        return os.path.exists(text)  # noqa: PTH110 - a path object costs more than the answer
    except (OSError, ValueError):
        return False


def _note_options(
    names: UsedNames,
    before: Snapshot,
    after: Snapshot,
    changed: Collection[str],
    reads: set[str],
    writes: set[str],
) -> None:
    last = {call.rpartition(".")[2] for call in names.calls}
    for name in after:
        if not name.startswith("options:"):
            continue
        if name not in before and not _OPTION_CALLS.get(name, frozenset()).isdisjoint(last):
            # Loaded and set in one cell: what it was before is not known, so any later use may differ.
            _first[name] = ""
            writes.add(name)
        elif name in changed:
            writes.add(name)
        if name in before and name in _READ_OPTIONS and before[name] != _first.get(name):
            reads.add(name)


# ---- seeds in the syntax


def _seeded(calls: list[str], namespace: Mapping[str, Any] | None) -> set[str]:
    found: set[str] = set()
    for call in calls:
        owner, _, last = call.rpartition(".")
        if last in _SEED_ALL:
            found.update(_RNG)
        elif last in _TORCH_SEEDS:
            found.add("rng:torch")
        elif last in _SET_STATE:
            found.update(_generators(owner, namespace))
    return found


def _kept_states(calls: list[str], namespace: Mapping[str, Any] | None) -> set[str]:
    """The random states that calls take a copy of, to go back to it later."""
    found: set[str] = set()
    for call in calls:
        owner, _, last = call.rpartition(".")
        if last in ("getstate", "get_state"):
            found |= _generators(owner, namespace)
        elif last in ("get_rng_state", "initial_seed"):
            found.add("rng:torch")
    return found


def _drawn_first(calls: tuple[str, ...], namespace: Mapping[str, Any] | None) -> set[str]:
    """The random states that calls on their module draw from before one sets the seed."""
    drawn: set[str] = set()
    seeded: set[str] = set()
    for call in calls:
        owner, _, last = call.rpartition(".")
        if last in _SEED_ALL or last in _TORCH_SEEDS or last in _SET_STATE:
            seeded |= _seeded([call], namespace)
        elif (owner == "random" or owner.endswith(".random")) and last not in _MAKERS:
            drawn |= _generators(owner, namespace) - seeded
    return drawn


_MAKERS = frozenset(
    {
        "default_rng", "RandomState", "Generator", "SeedSequence", "Random", "SystemRandom", "PCG64",
        "MT19937",
        "get_state", "getstate",
    }
)  # fmt: skip


def _generators(owner: str, namespace: Mapping[str, Any] | None) -> set[str]:
    """Which random states ``owner.seed(…)`` sets: by the module's name, or what the name stands for."""
    if owner.endswith(".random"):
        return {"rng:torch"} if owner.startswith("torch") else {"rng:numpy"}
    module = namespace.get(owner) if namespace is not None else None
    if type(module) is ModuleType:
        home = vars(module).get("__name__")
        return {"numpy.random": {"rng:numpy"}, "random": {"rng:random"}}.get(str(home), set())
    if owner == "random":
        return {"rng:random"}
    return {"rng:random", "rng:numpy"} if owner == "" else set()


def _calls_inside(calls: tuple[str, ...], namespace: Mapping[str, Any] | None) -> list[str]:
    """Calls that set a seed inside the notebook's functions that `calls` name, as dotted names."""
    if namespace is None:
        return []
    found: list[str] = []
    seen: set[int] = set()
    queue = [namespace.get(call) for call in calls if "." not in call]
    while queue and len(seen) < 50:
        value = queue.pop()
        if type(value) is not FunctionType or value.__globals__ is not namespace or id(value) in seen:
            continue
        seen.add(id(value))
        for code in _codes(value.__code__):
            used = code.co_names
            queue.extend(namespace.get(name) for name in used)
            found.extend(name for name in used if name in _SEED_ALL or name in _TORCH_SEEDS)
            if "seed" in used:
                found.extend(_seed_calls(used, namespace))
    return found


def _seed_calls(used: tuple[str, ...], namespace: Mapping[str, Any]) -> list[str]:
    """Which modules' ``seed`` code with these names calls: bytecode keeps names in order of first use."""
    found = []
    for name in used:
        module = namespace.get(name)
        home = vars(module).get("__name__") if type(module) is ModuleType else None
        if (home == "numpy" and "random" in used) or home == "numpy.random":
            found.append("numpy.random.seed")
        elif home == "random":
            found.append(f"{name}.seed")
    return found


def _codes(code: CodeType) -> list[CodeType]:
    return [
        code,
        *(inner for constant in code.co_consts if type(constant) is CodeType for inner in _codes(constant)),
    ]


# ---- the states


def _memory(value: Any, kind: type) -> bytes:
    """What lies in the memory of an object itself, as far as `kind`, which it is an instance of, lays it out.

    For generators whose whole state lies there, which to ask for it costs twenty times as much.
    """
    head = object.__basicsize__
    return string_at(id(value) + head, kind.__basicsize__ - head)


_CPYTHON = sys.implementation.name == "cpython"


def _random() -> str:
    generator: Any = vars(random)["_inst"]
    if not _CPYTHON or type(generator) is not random.Random:
        return str(hash(random.getstate()))
    return str(hash((_memory(generator, _RandomState), vars(generator)["gauss_next"])))


def _numpy_random() -> str | None:
    module: Any = sys.modules.get("numpy.random")
    if module is None:
        return None
    owner: Any = getattr(module.get_state, "__self__", None)
    generator = module.get_bit_generator() if hasattr(module, "get_bit_generator") else None
    if type(owner) is module.RandomState and type(generator) is module.MT19937 and _CPYTHON:
        # The owner holds the half of a pair of normal numbers that is left over.
        return str(hash((_memory(generator, module.MT19937), _memory(owner, module.RandomState))))
    _, keys, position, has_gauss, cached = module.get_state()
    return str(hash((keys.tobytes(), position, has_gauss, cached)))


def _torch_random() -> str | None:
    torch: Any = sys.modules.get("torch")
    return None if torch is None else str(hash(torch.get_rng_state().numpy().tobytes()))


def _environ() -> str:
    data: dict[Any, Any] = vars(os.environ)["_data"]
    return str(hash(frozenset(data.items())))


def _path() -> str:
    return str(hash(tuple(entry for entry in sys.path if type(entry) is str)))


def _leaves(options: dict[str, Any], skip: frozenset[str] = frozenset()) -> list[Any]:
    """The values of nested option dictionaries: the plain ones as they are, others by identity."""
    found: list[Any] = []
    for name, value in options.items():
        if type(value) is dict:
            if name not in skip:
                found.extend(_leaves(value))
        else:
            found.append(value if type(value) in (int, float, bool, str, type(None)) else id(value))
    return found


def _pandas_options() -> str | None:
    module: Any = sys.modules.get("pandas._config.config")
    return None if module is None else str(hash(tuple(_leaves(module._global_config, _DISPLAY))))


def _numpy_options() -> str | None:
    numpy: Any = sys.modules.get("numpy")
    return None if numpy is None else str(hash(tuple(numpy.geterr().values())))


def _sklearn_options() -> str | None:
    sklearn: Any = sys.modules.get("sklearn")
    return None if sklearn is None else str(hash(tuple(_leaves(sklearn.get_config()))))


def _torch_options() -> str | None:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    strict = torch.are_deterministic_algorithms_enabled()
    return f"{torch.get_default_dtype()} {torch.get_num_threads()} {strict}"


def _decimal_options() -> str | None:
    decimal: Any = sys.modules.get("decimal")
    if decimal is None:
        return None
    context = decimal.getcontext()
    return f"{context.prec} {context.rounding} {context.Emin} {context.Emax} {[*context.traps.values()]}"


def _locale_options() -> str | None:
    locale: Any = sys.modules.get("locale")
    return None if locale is None else str(locale.setlocale(locale.LC_ALL))


def _python_options() -> str:
    """What makes Python itself raise where it did not: the depth of calls, warnings that are errors."""
    errors = [entry[1:] for entry in warnings.filters if entry[0] == "error"]
    return f"{sys.getrecursionlimit()} {errors}"


def _display_options() -> str | None:
    pandas: Any = sys.modules.get("pandas._config.config")
    matplotlib: Any = sys.modules.get("matplotlib")
    numpy: Any = sys.modules.get("numpy")
    found: list[Any] = []
    if pandas is not None:
        for part in _DISPLAY:
            found.extend(_leaves(pandas._global_config.get(part, {})))
    if matplotlib is not None and hasattr(matplotlib, "rcParams"):
        found.extend(map(id, dict.values(matplotlib.rcParams)))
    if numpy is not None:
        found.extend(_leaves(numpy.get_printoptions()))
    return str(hash(tuple(found))) if found else None


_STATES: dict[str, Callable[[], str | None]] = {
    "rng:random": _random,
    "rng:numpy": _numpy_random,
    "rng:torch": _torch_random,
    "cwd": os.getcwd,
    "environ": _environ,
    "sys.path": _path,
    "options:pandas": _pandas_options,
    "options:numpy": _numpy_options,
    "options:sklearn": _sklearn_options,
    "options:torch": _torch_options,
    "options:decimal": _decimal_options,
    "options:locale": _locale_options,
    "options:python": _python_options,
    "options:display": _display_options,
}
