"""The house rules: who may import whom, and what importing the package costs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_mlops

PACKAGE = Path(jupyter_mlops.__file__).parent
EVERYTHING = {
    "records", "errors", "config", "capture", "store", "compare", "widgets", "export", "notebook", "server", "cli",
    "exchange", "api", "tracking", "logged", "script_run", "mlflow_script", "rescoring", "doctor", "demo", "terminal",
    "upkeep",
}  # fmt: skip
OUTSIDE = {"notebook", "server", "cli", "doctor", "demo", "terminal", "upkeep"}
MAY_IMPORT = {
    "records": set(),
    "errors": set(),
    "config": {"errors"},
    "capture": {"records", "config"},
    "store": {"records", "errors", "config"},
    "compare": {"records", "errors"},
    "widgets": {"compare", "records", "errors"},
    "export": {"records", "errors", "store", "capture.names"},
    "exchange": {"records", "errors", "store"},
    "api": EVERYTHING - OUTSIDE,
    "tracking": EVERYTHING - OUTSIDE,
    "logged": {"records", "errors"},
    "mlflow_script": EVERYTHING - OUTSIDE,
    "rescoring": EVERYTHING - OUTSIDE,
    "script_run": EVERYTHING - OUTSIDE,
    "notebook": EVERYTHING - OUTSIDE,
    "server": {"records", "errors", "config", "store", "compare", "export"},
    "cli": {"records", "errors", "config", "store", "compare", "export", "exchange", "api", *OUTSIDE},
    "doctor": {"records", "errors", "config", "store", "compare", "export"},
    "demo": {"records", "errors", "config", "store", "compare", "export", "terminal"},
    "upkeep": {"errors", "config", "store"},
    "terminal": {"records", "compare", "doctor", "export.difference"},
}
#: Inside `capture`, every room may lean on what merely names, describes or reads things.
FOUNDATIONS = {
    "names", "sites", "numbers", "vocabulary", "metric_names", "members", "assignments", "evaluation", "settings",
    "evidence", "lines", "drawn", "arms", "syntax", "printing", "watching", "models", "notebook_file", "scorings",
    "profiles", "missing",
}  # fmt: skip
#: These put the rooms of `capture` in order, so they know them all.
COMPOSERS = {"recorder", "draft", "ledger", "metrics"}
#: Inside `export`, the same: nouns, syntax, and what a statement does; and those that put it in order.
EXPORT_FOUNDATIONS = {
    "gathering",
    "harmless",
    "plan",
    "references",
    "sections",
    "source",
    "purity",
    "translation",
    "phases",
    "tables",
    "script",
    "appearance",
    "draws",
    "figures",
    "filling",
    "unread",
    "sites",
}
EXPORT_COMPOSERS = {"exporter", "ladder", "assembly", "session", "reopening"}
HEAVY = {
    "pandas",
    "sqlalchemy",
    "altair",
    "ipywidgets",
    "numpy",
    "sklearn",
    "matplotlib",
    "pandera",
    "alembic",
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "labextension" not in path.parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Dotted names below jupyter_mlops that a file imports, relative imports resolved."""
    package = ["jupyter_mlops", *path.relative_to(PACKAGE).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("jupyter_mlops.") for name in found if name.startswith("jupyter_mlops.")}


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    allowed = MAY_IMPORT[room] | {room}
    for name in imports_of(path):
        first = name.partition(".")[0]
        if first == "__version__":
            continue
        granted = first in allowed or any(name == more or name.startswith(f"{more}.") for more in allowed)
        assert granted, (
            f"{path.relative_to(PACKAGE)} imports {name}; `{room}` may import only {sorted(allowed)}"
        )


@pytest.mark.parametrize("path", sorted((PACKAGE / "capture").glob("*.py")), ids=lambda path: path.stem)
def test_the_rooms_of_capture_are_leaves(path: Path) -> None:
    if path.stem in COMPOSERS:
        return
    siblings = {name.split(".")[1] for name in imports_of(path) if name.startswith("capture.")}
    assert siblings <= FOUNDATIONS, (
        f"capture/{path.name} imports its siblings {sorted(siblings - FOUNDATIONS)}"
    )


@pytest.mark.parametrize("path", sorted((PACKAGE / "export").glob("*.py")), ids=lambda path: path.stem)
def test_the_rooms_of_export_are_leaves(path: Path) -> None:
    if path.stem in EXPORT_COMPOSERS | {"__init__"}:
        return
    siblings = {name.split(".")[1] for name in imports_of(path) if name.startswith("export.")}
    assert siblings <= EXPORT_FOUNDATIONS, (
        f"export/{path.name} imports its siblings {sorted(siblings - EXPORT_FOUNDATIONS)}"
    )


def test_only_the_notebook_room_imports_ipython_and_only_the_store_sqlalchemy() -> None:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import)
                else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            )  # fmt: skip
            roots = {name.partition(".")[0] for name in names}
            if roots & {"sqlalchemy", "alembic"}:
                assert room_of(path) == "store", path
            if "IPython" in roots and room_of(path) != "notebook":
                assert room_of(path) in ("__init__", "widgets", "tracking"), path


def test_importing_the_package_pulls_in_nothing_heavy() -> None:
    code = "import sys, json, jupyter_mlops; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    loaded = {name.partition(".")[0] for name in json.loads(printed)}
    assert not HEAVY & loaded


def test_public_functions_stay_callable_after_the_rooms_of_their_name_are_imported() -> None:
    code = (
        "import jupyter_mlops as mlops, jupyter_mlops.compare, jupyter_mlops.export\n"
        "assert callable(mlops.compare) and callable(mlops.export)\n"
        "from jupyter_mlops.compare import compare_runs\n"
        "try: mlops.export('nothing', 'not an identifier')\n"
        "except mlops.errors.MlopsError: print('called')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"JUPYTER_MLOPS_STORE": "sqlite://", "PATH": ""},
        check=False,
    )
    assert result.stdout.strip() == "called", result.stderr
