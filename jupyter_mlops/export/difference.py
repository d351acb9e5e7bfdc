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

from jupyter_mlops.records import MetricValue, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyter_mlops.records import PipelineVersion

COMPARED_FILES = ("config.yaml", "contracts.py", "pipeline.py", "requirements.lock")
SECTIONS = ("config", "data contract", "code", "metrics", "environment")
_MARK = "# ---- running"
_TABLES = frozenset({"STEPS", "METRICS", "MODEL", "PREDICTIONS", "LINKED", "COPIED", "FOLDERS", "UNKEPT"})


class Change(Record, frozen=True, kw_only=True):
    """One thing that differs: its section, its layer, its name and a unified diff or the two values."""

    section: str
    layer: str
    name: str
    lines: tuple[str, ...]


class MetricChange(Record, frozen=True, kw_only=True):
    """One metric in both versions; None where a version does not have it."""

    name: str
    first: MetricValue | None
    second: MetricValue | None


class FileChange(Record, frozen=True, kw_only=True):
    """A file that differs; `lines` is a unified diff without line ends."""

    path: str
    lines: tuple[str, ...]


class VersionDifference(Record, frozen=True, kw_only=True):
    """From version `first` to version `second` of the pipeline `name`.

    `changes` are in the order of `SECTIONS`; `metrics` are all metrics, equal ones too.
    """

    name: str
    first: int
    second: int
    first_status: str
    second_status: str
    changes: tuple[Change, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    files: tuple[FileChange, ...] = ()


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
) -> Iterator[Change]:
    before, after = _settings(first), _settings(second)
    for name, old, new in _different(before, after):
        layer = "run" if name in before and name in after else "pipeline"
        yield Change(section="config", layer=layer, name=name, lines=_values(name, old, new))
    yield from _contract_changes(_contracts(first), _contracts(second))
    yield from _code_changes(_text(first, "pipeline.py"), _text(second, "pipeline.py"))
    for metric in metrics:
        # By their words, so that NaN is itself.
        if str(metric.first) != str(metric.second):
            lines = _values(metric.name, metric.first, metric.second)
            yield Change(section="metrics", layer="run", name=metric.name, lines=lines)
    for name, old, new in _different(_environment(first), _environment(second)):
        yield Change(section="environment", layer="infrastructure", name=name, lines=_values(name, old, new))


def _contract_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name, old, new in _different(before, after):
        if old is None or new is None:
            lines = ["+a contract of its own" if old is None else "-its contract"]
        else:
            lines = list(_values("rows", old["rows"], new["rows"])) if old["rows"] != new["rows"] else []
            for column, one, two in _different(old["columns"], new["columns"]):
                lines.extend(_values(column, one, two))
        yield Change(section="data contract", layer="pipeline", name=name, lines=tuple(lines))


def _code_changes(before: str, after: str) -> Iterator[Change]:
    old, new = _pieces(before), _pieces(after)
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) == new.get(name):
            continue
        layer = {"": "infrastructure", "STEPS": "pipeline"}.get(name, "component")
        lines = difflib.unified_diff(
            old.get(name, "").splitlines(), new.get(name, "").splitlines(), lineterm="", n=2
        )
        shown = tuple(lines)[2:] if name else ("The part that is the same in every pipeline is another one.",)
        names = {"": "machinery", "STEPS": "order of the steps"}
        yield Change(section="code", layer=layer, name=names.get(name, name), lines=shown)


def _pieces(code: str) -> dict[str, str]:
    """The code by function; imports and other statements together, the machinery under ``""``."""
    own, _, machinery = code.partition(_MARK)
    try:
        body = ast.parse(own).body
    except SyntaxError:
        return {"pipeline.py": code}
    found: dict[str, str] = {}
    for node in body:
        text = ast.get_source_segment(own, node) or ""
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = text
        elif isinstance(node, ast.ClassDef):
            # The defaults of the configuration are compared where its values are.
            if node.name not in ("Config", "PipelineConfig"):
                found[node.name] = text
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found["imports"] = found.get("imports", "") + text + "\n"
        elif isinstance(node, ast.AnnAssign | ast.Assign) and _bound(node) in _TABLES:
            found["STEPS"] = found.get("STEPS", "") + text + "\n"
        else:
            found["constants"] = found.get("constants", "") + text + "\n"
    if machinery:
        found[""] = machinery
    return found


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
    _, _, rest = _text(version, "contracts.py").partition('r"""\n')
    try:
        found = json.loads(rest.partition('\n"""')[0] or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _environment(version: PipelineVersion) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        python = json.loads(_text(version, "manifest.json") or "{}").get("environment", {}).get("python")
    except (ValueError, AttributeError):
        python = None
    if python:
        found["python"] = python
    for line in _text(version, "requirements.lock").splitlines():
        name, pinned, number = line.partition("==")
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
