"""Pins what a script imports to the versions installed where the run ran, with what those need."""

from __future__ import annotations

import ast
import contextlib
import functools
import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

#: Runs in the run's own interpreter, which need not have this package: standard library only.
_PROBE = """
import importlib.metadata as metadata, importlib.util, json, os, re, sys, urllib.parse, urllib.request
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
def origin(found):
    try:
        return json.loads(found.read_text("direct_url.json") or "{}")
    except Exception:
        return {}
def folder(url):
    place = urllib.parse.urlsplit(url)
    return urllib.request.url2pathname(place.path) if place.scheme == "file" else ""
def source(name, found):
    "The line that installs a package from where it came, and what a person has to know of that."
    told = origin(found)
    url = re.sub(r"//[^/@]*:[^/@]*@", "//", told.get("url", ""))
    exact = f"{name}=={found.version}"
    if not url:
        return exact, ""
    extra = [f"subdirectory={told['subdirectory']}"] if told.get("subdirectory") else []
    after = lambda: "#" + "&".join(extra) if extra else ""
    vcs, archive = told.get("vcs_info"), told.get("archive_info")
    place = folder(url)
    if place and not os.path.exists(place):
        return exact, f"{name} was installed from {place}, which is not there any more"
    if vcs:
        return f"{name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}{after()}", ""
    if archive is not None:
        kind, _, digest = archive.get("hash", "").partition("=")
        digest = archive.get("hashes", {kind: digest}).get("sha256")
        extra += [f"sha256={digest}"] if digest else []
        return f"{name} @ {url}{after()}", ""
    return f"{name} @ {url}", f"{name} is installed from the folder {place}, whose files may change"
def in_place(module):
    "The package that was installed in place (editable) and holds a module."
    try:
        spec = importlib.util.find_spec(module)
    except Exception:
        return []
    spots = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
    spots = [os.path.realpath(spot) for spot in spots if spot]
    names = []
    for found in metadata.distributions():
        told = origin(found)
        root = folder(told.get("url", "")) if told.get("dir_info", {}).get("editable") else ""
        if root and any(spot.startswith(os.path.join(os.path.realpath(root), "")) for spot in spots):
            names.append(found.metadata["Name"])
    return names
wanted = json.load(sys.stdin)
owners = metadata.packages_distributions()
standard = set(sys.stdlib_module_names)
unowned = [module for module in wanted["modules"] if module not in owners and module not in standard]
owners.update({module: in_place(module) for module in unowned if module not in wanted["beside"]})
queue = [name for module in wanted["modules"] for name in owners.get(module, [])] + wanted["distributions"]
pins, notes = {}, []
while queue:
    name = queue.pop()
    if key(name) in pins:
        continue
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    pins[key(name)], note = source(key(name), found)
    notes += [note] if note else []
    queue.extend(filter(None, (needed(text) for text in found.requires or [])))
print(json.dumps({"pins": pins, "unowned": unowned, "notes": notes}))
"""
#: How a line begins that says what is not certain of a lock.
_DOUBT = "# Note: "
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
def pin(
    modules: frozenset[str], executable: str, *, python: str = "", beside: frozenset[str] = frozenset()
) -> tuple[str, tuple[str, ...]]:
    """The text of requirements.lock, and the modules that no installed distribution owns.

    What did not come from an index is named by where it came from: a commit, an archive, a folder.
    `beside` are modules that are copied along, so that nothing has to be installed for them.

    Raises:
        OSError: The interpreter cannot be started.
        subprocess.TimeoutExpired: It does not answer.
    """
    question = json.dumps(
        {"modules": sorted(modules), "distributions": list(_ALWAYS), "beside": sorted(beside)}
    )
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
    lines = [f"{_DOUBT}{note}." for note in sorted(set(answer["notes"]))]
    lines += [line for _, line in sorted(answer["pins"].items())]
    return head + "\n".join(lines) + "\n", tuple(answer["unowned"])


def doubts(lock: str) -> list[str]:
    """What a lock says of packages that may not be what they were: whole sentences."""
    return [line.removeprefix(_DOUBT) for line in lock.splitlines() if line.startswith(_DOUBT)]


def imported_by(places: Collection[Path]) -> set[str]:
    """The top-level modules that files of Python, and those in folders, import; unreadable ones none."""
    found: set[str] = set()
    for place in places:
        for file in place.rglob("*.py") if place.is_dir() else [place]:
            with contextlib.suppress(OSError, SyntaxError, ValueError):
                found |= imported(file.read_text(encoding="utf-8"))
    return found


def local_modules(unowned: Collection[str], folders: Collection[Path]) -> dict[str, Path]:
    """Modules that lie beside the notebook, as files or packages, to be copied along."""
    found: dict[str, Path] = {}
    for module in unowned:
        for folder in folders:
            for place in (folder / f"{module}.py", folder / module):
                if module not in found and (place.is_file() or (place / "__init__.py").is_file()):
                    found[module] = place
    return found
