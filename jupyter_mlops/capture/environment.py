"""Where a run ran: interpreter, packages the notebook uses, git, hardware, seeds its code sets.

What does not change is found once. The state of the working tree is asked of git in the background,
so that no cell waits for it: `dirty` is at most a few seconds old, and absent until first known.
"""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import os
import platform
import re
import site
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

GIT_SECONDS = 5.0
FRESH_SECONDS = 3.0
FIRST_WAIT = 0.3
_MODULE: Any = type.__dict__["__module__"]
_MODULE_DICT: Any = vars(ModuleType)["__dict__"]
#: Types by identity, since hashing a foreign type may run its metaclass. The shell keeps many texts.
_BUILT_IN = frozenset(map(id, (str, int, float, bool, bytes, list, tuple, dict, set, type(None))))
_OWN = frozenset({"__main__", "builtins", "jupyter_mlops", "IPython", "ipykernel", "__mp_main__"})
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "PyYAML",
    "bs4": "beautifulsoup4",
    "mpl_toolkits": "matplotlib",
    "dateutil": "python-dateutil",
    "imblearn": "imbalanced-learn",
    "umap": "umap-learn",
}


def describe_environment(namespace: Mapping[str, Any], *, directory: str) -> Environment:
    """The environment of a run whose notebook's names are `namespace` and whose folder is `directory`."""
    return Environment(
        python=platform.python_version(),
        executable=sys.executable,
        platform=_platform(),
        directory=directory,
        packages=used_packages(namespace),
        git=git_state(directory),
        hardware=dict(_hardware()),
        path_additions=path_additions(directory),
    )


# ---- packages


def used_packages(namespace: Mapping[str, Any]) -> dict[str, str]:
    """Distribution → version of what stands behind the names: modules, classes, functions, instances."""
    roots: set[str] = set()
    # Texts first: the shell keeps two of every cell.
    others = [value for value in list(namespace.values()) if type(value) is not str]
    for value in [value for value in others if id(type(value)) not in _BUILT_IN]:
        kind = type(value)
        if kind is ModuleType:
            name = _MODULE_DICT.__get__(value).get("__name__")
        elif kind is FunctionType or kind is BuiltinFunctionType:
            name = value.__module__
        elif issubclass(kind, type):
            name = _MODULE.__get__(value)
        else:
            name = _MODULE.__get__(kind)
        if type(name) is str:
            roots.add(name.partition(".")[0])
    found = (_distribution(root) for root in roots - _OWN - sys.stdlib_module_names)
    return dict(sorted(item for item in found if item is not None))


@functools.lru_cache(maxsize=1000)
def _distribution(root: str) -> tuple[str, str] | None:
    """(distribution, version) of a top-level module, None for what nobody installed."""
    for name in (_DISTRIBUTIONS.get(root), root):
        if name is not None:
            try:
                return importlib.metadata.metadata(name)["Name"] or name, importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
    file = (
        _MODULE_DICT.__get__(sys.modules[root]).get("__file__")
        if type(sys.modules.get(root)) is ModuleType
        else None
    )
    if type(file) is str and "-packages" not in file:
        return None  # the user's own module
    names = _all_distributions().get(root)
    return (names[0], importlib.metadata.version(names[0])) if names else None


@functools.lru_cache(maxsize=1)
def _all_distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


# ---- git


class _Git:
    """What is known of one repository's working tree, refreshed in the background."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.dirty: bool | None = None
        self.asked = 0.0
        self.known = threading.Event()

    def refresh(self) -> None:
        if time.monotonic() - self.asked < FRESH_SECONDS and self.asked:
            return
        self.asked = time.monotonic()
        threading.Thread(target=self._ask, name="jupyter_mlops git", daemon=True).start()

    def _ask(self) -> None:
        try:
            done = subprocess.run(
                ["git", "-C", str(self.root), "status", "--porcelain", "--untracked-files=no"],
                capture_output=True,
                timeout=GIT_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            )
            if done.returncode == 0:
                self.dirty = bool(done.stdout.strip())
        except (OSError, subprocess.SubprocessError):
            pass  # no git here, or too slow: the commit is known without it
        self.known.set()


_repositories: dict[Path, _Git] = {}


def git_state(directory: str) -> dict[str, Any]:
    """``commit``, ``branch``, ``dirty`` and ``remote`` (no credentials), as far as known."""
    try:
        root = _repository(Path(directory))
        if root is None:
            return {}
        found = _read_head(root)
        git = _repositories.setdefault(root, _Git(root))
        git.refresh()
        git.known.wait(FIRST_WAIT)
        git.known.set()  # waited for once; from now on the last answer has to do
        if git.dirty is not None:
            found["dirty"] = git.dirty
    except OSError:
        return {}
    return found


def _repository(directory: Path) -> Path | None:
    folder = str(directory)
    while not os.path.exists(os.path.join(folder, ".git")):  # noqa: PTH110, PTH118 — asked at every run
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120
        if folder == below:
            return None
    return Path(folder)


def _read_head(root: Path) -> dict[str, Any]:
    folder = root / ".git"
    if folder.is_file():  # a worktree or submodule: "gitdir: …"
        folder = (root / folder.read_text(encoding="utf-8").partition(":")[2].strip()).resolve()
    shared = folder
    if (folder / "commondir").exists():
        shared = (folder / (folder / "commondir").read_text(encoding="utf-8").strip()).resolve()
    found: dict[str, Any] = {}
    head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    if head.startswith("ref: "):
        reference = head.removeprefix("ref: ")
        found["branch"] = reference.removeprefix("refs/heads/")
        commit = _resolve(shared, reference)
    else:
        commit = head
    if commit:
        found["commit"] = commit
    remote = _remote(shared / "config")
    if remote:
        found["remote"] = remote
    return found


def _resolve(folder: Path, reference: str) -> str:
    loose = folder / reference
    if loose.exists():
        return loose.read_text(encoding="utf-8").strip()
    packed = folder / "packed-refs"
    if packed.exists():
        for line in packed.read_text(encoding="utf-8").splitlines():
            commit, _, name = line.partition(" ")
            if name == reference:
                return commit
    return ""


def _remote(config: Path) -> str:
    if not config.exists():
        return ""
    text = config.read_text(encoding="utf-8", errors="replace")
    found = re.search(r'\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)', text, re.MULTILINE)
    return re.sub(r"(?<=://)[^/@\s]+@", "", found[1]) if found else ""


# ---- machine and interpreter


@functools.lru_cache(maxsize=1)
def _platform() -> str:
    return platform.platform()


@functools.lru_cache(maxsize=1)
def _hardware() -> Mapping[str, Any]:
    import psutil

    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu(), "cores": count, "memory": psutil.virtual_memory().total}


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def path_additions(directory: str) -> tuple[str, ...]:
    """Entries of ``sys.path`` that a fresh interpreter in `directory` would not have."""
    own = _interpreter_paths()
    found = []
    for entry in list(sys.path):
        if type(entry) is not str or entry in ("", directory) or entry in own or entry.startswith(own):
            continue
        found.append(entry)
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=1)
def _interpreter_paths() -> tuple[str, ...]:
    """Folders every start of this interpreter puts on the path: its library, packages, ``.pth`` files."""
    packages = [*site.getsitepackages(), site.getusersitepackages()]
    paths = {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        *packages,
        str(Path.home() / ".ipython"),
    }
    zipped = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    paths.update(str(Path(prefix) / sys.platlibdir / zipped) for prefix in (sys.prefix, sys.base_prefix))
    paths.update(str(Path(prefix) / "lib" / zipped) for prefix in (sys.prefix, sys.base_prefix))
    for folder in packages:
        for file in Path(folder).glob("*.pth"):
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            paths.update(
                str(Path(folder, line))
                for line in lines
                if line and not line.startswith(("#", "import ", "import\t"))
            )
    return tuple(sorted(path for path in paths if path))


# ---- seeds

_GLOBAL_SEEDS = {
    "numpy.random.seed": "numpy",
    "np.random.seed": "numpy",
    "random.seed": "random",
    "torch.manual_seed": "torch",
    "torch.cuda.manual_seed": "torch.cuda",
    "torch.cuda.manual_seed_all": "torch.cuda",
    "tf.random.set_seed": "tensorflow",
    "tensorflow.random.set_seed": "tensorflow",
}
_SEED_EVERYTHING = frozenset({"set_random_seed", "seed_everything", "set_seed"})
_GENERATORS = frozenset({"default_rng", "RandomState", "Random", "SeedSequence", "PRNGKey", "PCG64"})
_ARGUMENTS = frozenset({"random_state", "seed", "random_seed"})


def seeds_in(code: str) -> dict[str, Any]:
    """The seeds that `code` sets, as its syntax shows.

    Keys are ``numpy``, ``random``, ``torch`` … for global generators, and the call's name for others
    (``default_rng``, ``train_test_split.random_state``). Values are numbers where they are literal
    or bound to a literal in `code`, else the expression's text.
    """
    try:
        tree = ast.parse(code)
        literals = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        found: dict[str, Any] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found.update(_seeds_of(node, literals))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return found


def _seeds_of(node: ast.Call, literals: dict[str, Any]) -> dict[str, Any]:
    name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
    last = name.rpartition(".")[2]
    found: dict[str, Any] = {}
    if node.args and not isinstance(node.args[0], ast.Starred):
        seed = _seed_value(node.args[0], literals)
        if name in _GLOBAL_SEEDS:
            found[_GLOBAL_SEEDS[name]] = seed
        elif last in _SEED_EVERYTHING:
            found.update(dict.fromkeys(("random", "numpy", "torch"), seed))
        elif last in _GENERATORS or (last == "seed" and "." not in name):
            found[last] = seed
    for keyword in node.keywords:
        if keyword.arg in _ARGUMENTS and last:
            seed = _seed_value(keyword.value, literals)
            if seed is not None:
                key = _GLOBAL_SEEDS.get(name) or (last if last in _GENERATORS else f"{last}.{keyword.arg}")
                found[key] = seed
    return found


def _seed_value(node: ast.expr, literals: dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) in (int, float, str, type(None)) else str(node.value)
    if isinstance(node, ast.Name):
        return literals.get(node.id, node.id)
    return ast.unparse(node)[:100]
