"""What is installed, where the store is, and whether kernel, server and panel agree on it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from . import __version__
from .config import load_config
from .errors import MlopsError
from .records import Record

PACKAGES = (
    "jupyterlab",
    "jupyter_server",
    "ipykernel",
    "ipython",
    "sqlalchemy",
    "pandas",
    "altair",
    "pandera",
)
LABEXTENSION = "jupyter-mlops"
SERVER_EXTENSION = "jupyter_mlops"
ANSWER_SECONDS = 5
KERNEL_SECONDS = 60
STORE_HINT = "Give yourself write access to that folder, or set JUPYTER_MLOPS_STORE to another store."
# run by a kernel's interpreter, in the folder the doctor was called in
KERNEL_PROGRAM = """\
import json
from jupyter_mlops.config import load_config
from jupyter_mlops.store import redacted
print(json.dumps({"store": redacted(load_config().resolved_store_url())}))
"""


class Check(Record, frozen=True, kw_only=True):
    """One thing looked at. `state` is ``ok``, ``warning`` or ``failed``; `hint` says what to do."""

    name: str
    state: str
    detail: str
    hint: str = ""


def examine() -> list[Check]:
    """Look at everything; a check that cannot be made is itself a finding, never an exception."""
    store, url = _store()
    return [
        _packages(),
        _sqlite(),
        store,
        _labextension(),
        _server_extension(),
        *_kernels(url),
        *_servers(url),
    ]


def _packages() -> Check:
    found = [f"jupyter_mlops {__version__}", f"Python {platform.python_version()}"]
    missing = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check(
            name="packages",
            state="failed",
            detail=f"missing: {', '.join(missing)}",
            hint="pip install jupyter_mlops",
        )
    return Check(name="packages", state="ok", detail=", ".join(found))


def _sqlite() -> Check:
    try:
        from pysqlite3 import dbapi2 as sqlite

        origin = "bundled by pysqlite3"
    except ImportError:
        import sqlite3 as sqlite

        origin = "linked by Python"
    return Check(name="sqlite", state="ok", detail=f"{sqlite.sqlite_version}, {origin}")


def _store() -> tuple[Check, str]:
    """Whether the store of this folder opens, and its URL (masked)."""
    shown = ""
    try:
        from .store import open_store, redacted
        from .store.locations import database_path, parse

        config = load_config()
        url = config.resolved_store_url()
        artifacts = config.resolved_artifacts_url(url)
        shown = redacted(url)
        parsed = parse(url)
        if parsed.get_backend_name() == "sqlite" and not database_path(parsed).exists():
            return _store_to_be(database_path(parsed), shown), shown
        store = open_store(url, artifacts, create=False)
        detail = f"{shown}, {store.count()} runs; artifacts in {redacted(artifacts)}"
        store.close()
        return Check(name="store", state="ok", detail=detail), shown
    except MlopsError as error:
        detail = f"{shown} {error.message}"
        return Check(name="store", state="failed", detail=detail, hint=_own_hint(error.hint)), shown


def _own_hint(hint: str) -> str:
    """An error's hint, unless it sends to the doctor."""
    return STORE_HINT if "mlops doctor" in hint else hint


def _store_to_be(path: Path, shown: str) -> Check:
    """Whether the file of a store, and the folders above it, can be made when they are first needed."""
    folder = next((above for above in path.parents if above.exists()), path.parent)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass  # it never gets a name, so nothing is left behind
    except OSError as error:
        why = error.strerror or str(error)
        return Check(
            name="store",
            state="failed",
            detail=f"{shown} cannot be made: nothing can be written in {folder} ({why})",
            hint=STORE_HINT,
        )
    return Check(name="store", state="ok", detail=f"{shown}, made at the first run")


def _labextension() -> Check:
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("labextensions"):
        package = Path(folder) / LABEXTENSION / "package.json"
        if package.is_file():
            found = json.loads(package.read_text(encoding="utf-8")).get("version", "")
            if "+source" not in __version__ and _plain(found) != _plain(__version__):
                return Check(
                    name="labextension",
                    state="failed",
                    detail=f"{found} in {package.parent}, but the package is {__version__}",
                    hint="Install again: pip install --force-reinstall jupyter_mlops",
                )
            if LABEXTENSION in _disabled_labextensions():
                return Check(
                    name="labextension",
                    state="failed",
                    detail="installed but disabled",
                    hint=f"jupyter labextension enable {LABEXTENSION}",
                )
            return Check(name="labextension", state="ok", detail=f"{found} in {package.parent}")
    return Check(
        name="labextension",
        state="failed",
        detail="the panel is not installed where this Jupyter looks",
        hint="Install with pip install jupyter_mlops in the environment JupyterLab runs in.",
    )


def _plain(text: str) -> str:
    """A version number spelt the same by npm and by Python: ``0.1.0-alpha.1`` is ``0.1.0a1``."""
    for long, short in (("alpha", "a"), ("beta", "b"), ("rc", "rc")):
        text = text.replace(f"-{long}.", short)
    return text


def _disabled_labextensions() -> set[str]:
    from jupyter_core.paths import jupyter_config_path

    disabled: dict[str, bool] = {}
    for folder in reversed(jupyter_config_path()):
        page = Path(folder) / "labconfig" / "page_config.json"
        if page.is_file():
            value: Any = json.loads(page.read_text(encoding="utf-8")).get("disabledExtensions", {})
            disabled.update(value if isinstance(value, dict) else dict.fromkeys(value, True))
    return {name for name, off in disabled.items() if off}


def _server_extension() -> Check:
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    manager = ExtensionConfigManager(read_config_path=jupyter_config_path())
    enabled = manager.get_jpserver_extensions().get(  # type: ignore[no-untyped-call]
        SERVER_EXTENSION
    )
    if enabled:
        return Check(name="server extension", state="ok", detail="enabled")
    return Check(
        name="server extension",
        state="failed",
        detail="disabled" if enabled is False else "not enabled in any configuration this Jupyter reads",
        hint=f"jupyter server extension enable {SERVER_EXTENSION}",
    )


def _kernels(store: str) -> list[Check]:
    """Each Python kernel: can it load us, and which store would it use from here?"""
    from jupyter_client.kernelspec import KernelSpecManager

    checks = []
    for name, found in sorted(KernelSpecManager().get_all_specs().items()):
        spec = found["spec"]
        if spec.get("language", "").lower() == "python" and spec.get("argv"):
            checks.append(_kernel(name, spec["argv"][0], spec.get("env") or {}, store))
    return checks or [
        Check(name="kernel", state="failed", detail="no Python kernel", hint="pip install ipykernel")
    ]


def _kernel(name: str, executable: str, variables: dict[str, str], store: str) -> Check:
    label = f"kernel {name}"
    program = sys.executable if executable in ("python", "python3") else executable
    try:
        done = subprocess.run(
            [program, "-c", KERNEL_PROGRAM],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=KERNEL_SECONDS,
            check=False,
        )
        theirs = json.loads(done.stdout.splitlines()[-1])["store"]
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError, KeyError) as error:
        detail = f"{program} cannot import jupyter_mlops"
        if isinstance(error, (OSError, subprocess.TimeoutExpired)):
            detail = f"{program} does not start: {error}"
        return Check(
            name=label,
            state="warning",
            detail=detail,
            hint=f"To track in this kernel: {program} -m pip install jupyter_mlops",
        )
    if theirs != store:
        return Check(
            name=label,
            state="warning",
            detail=f"would use the store {theirs}",
            hint="Set JUPYTER_MLOPS_STORE to one store for both.",
        )
    return Check(name=label, state="ok", detail=f"{program}, same store")


def _servers(store: str) -> list[Check]:
    """Each running Jupyter server of this user: does it serve this store?"""
    from jupyter_server.serverapp import list_running_servers

    checks = [_server(info, store) for info in list_running_servers()]
    return checks or [Check(name="server", state="ok", detail="none is running")]


def _server(info: dict[str, Any], store: str) -> Check:
    name = f"server {info['url']}"
    request = urllib.request.Request(  # noqa: S310 the address is one the server itself wrote down
        f"{info['url']}jupyter-mlops/api/status", headers={"Authorization": f"token {info.get('token', '')}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            status = json.load(answer)
    except urllib.error.HTTPError as error:
        detail = "has no jupyter_mlops" if error.code == 404 else f"answers {error.code}"
        return Check(
            name=name, state="warning", detail=detail, hint="Install jupyter_mlops there and restart it."
        )
    except (OSError, ValueError) as error:
        return Check(name=name, state="warning", detail=f"does not answer: {error}")
    if not status["ok"]:
        return Check(name=name, state="failed", detail=status["error"], hint=_own_hint(status["hint"]))
    if status["store"] != store:
        return Check(
            name=name,
            state="warning",
            detail=f"uses the store {status['store']}",
            hint=f"Its notebooks keep their runs there; this folder's are in {store}.",
        )
    return Check(name=name, state="ok", detail=f"{status['version']}, same store")
