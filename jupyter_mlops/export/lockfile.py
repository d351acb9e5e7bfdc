"""Pins what a script imports to the versions installed where the run ran, with what those need."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

#: Runs in the run's own interpreter, which need not have this package: standard library only.
_PROBE = """
import importlib.metadata as metadata, json, re, sys
def key(name):
    return re.sub(r"[-_.]+", "-", name).lower()
def needed(text):
    marker = text.partition(";")[2]
    if "extra" in marker:
        return ""
    if marker.strip():
        try:
            try:
                from packaging.markers import Marker
            except ImportError:
                from pip._vendor.packaging.markers import Marker
            if not Marker(marker.strip()).evaluate():
                return ""
        except Exception:
            pass
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text.strip())
    return found.group(0) if found else ""
wanted = json.load(sys.stdin)
owners = metadata.packages_distributions()
queue = [name for module in wanted["modules"] for name in owners.get(module, [])] + wanted["distributions"]
pins, missing = {}, []
while queue:
    name = queue.pop()
    if key(name) in pins:
        continue
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    pins[key(name)] = found.version
    queue.extend(filter(None, (needed(text) for text in found.requires or [])))
standard = set(sys.stdlib_module_names)
unowned = [module for module in wanted["modules"] if module not in owners and module not in standard]
print(json.dumps({"pins": pins, "unowned": unowned}))
"""
_ALWAYS = ("pandas", "pandera", "pyyaml", "joblib", "pytest")


def imported(code: str) -> set[str]:
    """The top-level modules that `code` imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@functools.lru_cache(maxsize=64)
def pin(modules: frozenset[str], executable: str, *, python: str = "") -> tuple[str, tuple[str, ...]]:
    """The text of requirements.lock, and the modules that no installed distribution owns.

    Raises:
        OSError: The interpreter cannot be started.
        subprocess.TimeoutExpired: It does not answer.
    """
    question = json.dumps({"modules": sorted(modules), "distributions": list(_ALWAYS)})
    done = subprocess.run(
        [executable, "-I", "-c", _PROBE],
        input=question,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    head = f"# Pinned from what was installed where the run ran{f' (Python {python})' if python else ''}.\n"
    if done.returncode != 0:
        return head + "# The interpreter could not be asked; pin by hand.\n", ()
    answer = json.loads(done.stdout)
    lines = [f"{name}=={version}" for name, version in sorted(answer["pins"].items())]
    return head + "\n".join(lines) + "\n", tuple(answer["unowned"])


def local_modules(unowned: Collection[str], folders: Collection[Path]) -> dict[str, Path]:
    """Modules that lie beside the notebook, as files or packages, to be copied along."""
    found: dict[str, Path] = {}
    for module in unowned:
        for folder in folders:
            for place in (folder / f"{module}.py", folder / module):
                if module not in found and (place.is_file() or (place / "__init__.py").is_file()):
                    found[module] = place
    return found
