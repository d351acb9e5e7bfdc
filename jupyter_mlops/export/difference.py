"""What changed from one version of a pipeline to another, in the order in which causes are looked for.

Configuration, data contract, code, metrics, environment; each change with the layer it belongs to: a
*run* (its settings and numbers), the *pipeline* (which steps there are, what goes between them), a
*component* (what one step does), or the *infrastructure* (Python, packages, the common machinery).
"""

from __future__ import annotations

import ast
import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import FileChange, MetricChange, VersionChange, VersionDifference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_mlops.records import PipelineVersion

COMPARED_FILES = ("config.yaml", "contracts.py", "pipeline.py", "requirements.lock")
_RUNNER = "pipeline_runner.py"
#: Functions with so large a share of their lines in common are one under two names.
_ALIKE = 0.5
#: What `_pieces` calls all that is no function or class.
_TOGETHER = frozenset({"STEPS", "imports", "constants", "pipeline.py"})
SECTIONS = ("config", "data contract", "code", "metrics", "environment")
#: Where the machinery begins in scripts of before it had a file of its own.
_MARK = "# ---- running"
#: What listed the steps before the end of the script did.
_TABLES = frozenset(
    {
        "STEPS",
        "pipeline_STEPS",
        "PipelineSTEPS",
        "METRICS",
        "MODEL",
        "PREDICTIONS",
        "LINKED",
        "COPIED",
        "FOLDERS",
        "UNKEPT",
    }
)


def difference_of_versions(first: PipelineVersion, second: PipelineVersion) -> VersionDifference:
    """Compare two versions of one pipeline; what is equal in both is not mentioned."""
    names = dict.fromkeys([*first.metrics, *second.metrics])
    metrics = tuple(
        MetricChange(name=name, first=first.metrics.get(name), second=second.metrics.get(name))
        for name in names
    )
    return VersionDifference(
        name=first.name,
        first=first.version,
        second=second.version,
        first_status=first.status,
        second_status=second.status,
        changes=tuple(_changes(first, second, metrics)),
        metrics=metrics,
        files=tuple(_files(first, second)),
    )


def _files(first: PipelineVersion, second: PipelineVersion) -> Iterator[FileChange]:
    for file in COMPARED_FILES:
        lines = difflib.unified_diff(
            _text(first, file).splitlines(),
            _text(second, file).splitlines(),
            f"v{first.version}/{file}",
            f"v{second.version}/{file}",
            lineterm="",
        )
        if changed := tuple(lines):
            yield FileChange(path=file, lines=changed)


def _changes(
    first: PipelineVersion, second: PipelineVersion, metrics: tuple[MetricChange, ...]
) -> Iterator[VersionChange]:
    before, after = _settings(first), _settings(second)
    for name, old, new in _different(before, after):
        layer = "run" if name in before and name in after else "pipeline"
        yield VersionChange(section="config", layer=layer, name=name, lines=_values(name, old, new))
    yield from _contract_changes(_contracts(first), _contracts(second))
    yield from _code_changes(_text(first, "pipeline.py"), _text(second, "pipeline.py"))
    if _text(first, _RUNNER) != _text(second, _RUNNER):
        said = ("The part that is the same in every pipeline is another one.",)
        yield VersionChange(section="code", layer="infrastructure", name="machinery", lines=said)
    for metric in metrics:
        # By their words, so that NaN is itself.
        if str(metric.first) != str(metric.second):
            lines = _values(metric.name, metric.first, metric.second)
            yield VersionChange(section="metrics", layer="run", name=metric.name, lines=lines)
    for name, old, new in _different(_environment(first), _environment(second)):
        yield VersionChange(
            section="environment", layer="infrastructure", name=name, lines=_values(name, old, new)
        )


def _contract_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[VersionChange]:
    for name, old, new in _different(before, after):
        if old is None or new is None:
            lines = ["+a contract of its own" if old is None else "-its contract"]
        else:
            lines = list(_values("rows", old["rows"], new["rows"])) if old["rows"] != new["rows"] else []
            for column, one, two in _different(old["columns"], new["columns"]):
                lines.extend(_values(column, one, two))
        yield VersionChange(section="data contract", layer="pipeline", name=name, lines=tuple(lines))


def _code_changes(before: str, after: str) -> Iterator[VersionChange]:
    old, new = _pieces(before), _pieces(after)
    renamed = _renamed(old, new)
    for name in dict.fromkeys([*old, *(name for name in new if name not in renamed.values())]):
        later = renamed.get(name, name)
        if old.get(name) == new.get(later):
            continue
        layer = {"STEPS": "pipeline"}.get(name, "component")
        lines = difflib.unified_diff(
            old.get(name, "").splitlines(), new.get(later, "").splitlines(), lineterm="", n=2
        )
        title = "order of the steps" if name == "STEPS" else name if later == name else f"{name} → {later}"
        yield VersionChange(section="code", layer=layer, name=title, lines=tuple(lines)[2:])


def _renamed(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Functions and classes that have another name in the later version, and much the same text."""
    found: dict[str, str] = {}
    for name in [name for name in old if name not in new and name not in _TOGETHER]:
        lines = old[name].splitlines()
        likeness = {
            other: difflib.SequenceMatcher(
                None, lines, text.replace(other, name).splitlines(), autojunk=False
            ).ratio()
            for other, text in new.items()
            if other not in old and other not in _TOGETHER and other not in found.values()
        }
        best = max(likeness, key=lambda other: likeness[other], default="")
        if best and likeness[best] >= _ALIKE:
            found[name] = best
    return found


def _pieces(code: str) -> dict[str, str]:
    """The code by function; imports, the order of the steps and other statements together."""
    own = code.partition(_MARK)[0]
    try:
        body = ast.parse(own).body
    except SyntaxError:
        return {"pipeline.py": code}
    found: dict[str, str] = {}
    settings = _settings_class(body)
    for node in body:
        text = ast.get_source_segment(own, node) or ""
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            key = "STEPS" if node.name in ("main", "pipeline_main") else node.name
            found[key] = found.get(key, "") + text + "\n" if key == "STEPS" else text
        elif isinstance(node, ast.ClassDef):
            # The defaults of the configuration are compared where its values are.
            if node.name != settings:
                found[node.name] = text
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found["imports"] = found.get("imports", "") + text + "\n"
        elif isinstance(node, ast.If) or (
            isinstance(node, ast.AnnAssign | ast.Assign) and _bound(node) in _TABLES
        ):
            found["STEPS"] = found.get("STEPS", "") + text + "\n"
        else:
            found["constants"] = found.get("constants", "") + text + "\n"
    return found


def _settings_class(body: list[ast.stmt]) -> str:
    """The class of the settings, which `main` hands over first: the notebook may have a Config, too."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name in ("main", "pipeline_main"):
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and len(call.args) > 1 and isinstance(call.args[0], ast.Name):
                    return call.args[0].id
    return "Config"


def _bound(node: ast.AnnAssign | ast.Assign) -> str:
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


# ---- what a version's files say; nothing, when it has been moved away or never had them


def _settings(version: PipelineVersion) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(_text(version, "config.yaml"))
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _contracts(version: PipelineVersion) -> dict[str, Any]:
    """The contracts in a contracts.py, whose text may be of any release."""
    try:
        for node in ast.parse(_text(version, "contracts.py")).body:
            if isinstance(node, ast.AnnAssign) and _bound(node) == "CONTRACTS" and node.value:
                value = node.value
                if isinstance(value, ast.Call):  # written as JSON at first
                    return dict(json.loads(ast.literal_eval(value.args[0])))
                return dict(ast.literal_eval(value))
    except (SyntaxError, ValueError, TypeError, IndexError, RecursionError):
        pass
    return {}


def _environment(version: PipelineVersion) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        python = json.loads(_text(version, "manifest.json") or "{}").get("environment", {}).get("python")
    except (ValueError, AttributeError):
        python = None
    if python:
        found["python"] = python
    for line in _text(version, "requirements.lock").splitlines():
        name, pinned, number = line.partition(" @ " if " @ " in line else "==")
        if pinned and not line.startswith("#"):
            found[name] = number
    return found


def _text(version: PipelineVersion, file: str) -> str:
    try:
        return (Path(version.path) / file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    names = dict.fromkeys([*before, *after])
    return [
        (str(name), before.get(name), after.get(name))
        for name in names
        if (name in before) != (name in after) or before[name] != after[name]
    ]


def _values(name: str, old: object, new: object) -> tuple[str, ...]:
    return tuple(
        f"{sign}{name}: {json.dumps(value) if isinstance(value, dict | list) else value}"
        for sign, value in (("-", old), ("+", new))
        if value is not None
    )
