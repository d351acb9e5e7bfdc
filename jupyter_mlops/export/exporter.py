"""The order of an export: slice, shape, write, prove, widen, publish."""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.errors import ExportError
from jupyter_mlops.records import (
    Attempt,
    Dataset,
    Environment,
    Execution,
    FileUse,
    MetricValue,
    PipelineVersion,
    Run,
    Status,
    ValidationReport,
    now,
)

from . import card, codegen, contracts, hoisting, lockfile, measuring, registry, slicing, steps, validation
from .plan import ConfigField, Hoisted, Script, Slice
from .purity import Quietness
from .references import references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jupyter_mlops.store import Store

_SILENT: Callable[[str], None] = lambda text: None  # noqa: E731
_SYSTEM_FOLDERS = ("/proc/", "/sys/", "/dev/", "/usr/", "/etc/", "/lib/", "/opt/conda/")
_HIDDEN = (
    ".cache",
    ".jupyter_mlops",
    ".ipython",
    ".jupyter",
    ".matplotlib",
    "site-packages",
    "dist-packages",
    ".config",
)
#: Causes that more cells cannot mend.
_FINAL = frozenset({"data_changed", "missing_input", "contract_failed"})


def export_run(
    store: Store,
    run_id: str,
    name: str,
    directory: Path,
    *,
    pin: Sequence[int] = (),
    exclude: Sequence[int] = (),
    progress: Callable[[str], None] = _SILENT,
) -> PipelineVersion:
    """Turn a run into the next version of pipeline `name` and prove it.

    Args:
        store: Where the run is, and where the version is registered.
        run_id: The run.
        name: The pipeline, a Python identifier.
        directory: Where pipelines live; the version goes to ``directory/name/vN``.
        pin: Orders of executions to keep in any case.
        exclude: Orders of executions to leave out in any case.
        progress: Hears one sentence at a time.

    Returns:
        The version, ``validated`` or ``rejected``; its report says why.

    Raises:
        PipelineNameError: `name` cannot name a pipeline.
        RunNotFoundError: There is no such run.
        ExportError: The run is still running, or holds no cells.
    """
    store.next_version(name)
    run = store.get_run(run_id)
    _check_exportable(run)
    begun = time.monotonic()
    export = _Export(run, set(pin), set(exclude), progress)
    with registry.staging(Path(directory).absolute(), name) as folder:
        outcome = export.prove(folder)
        report = msgspec.structs.replace(outcome.report, duration=round(time.monotonic() - begun, 3))
        previous = next(iter(store.versions(name)), None)

        def finish(number: int, target: Path) -> PipelineVersion:
            version = PipelineVersion(
                name=name,
                version=number,
                path=str(target),
                status=report.verdict,
                run_id=run.run_id,
                created_at=now(),
                report=report,
                run_number=run.number,
                experiment=run.experiment,
                metrics=dict(run.metrics),
            )
            text = card.write_card(version, run, outcome.script, outcome.kept, run.cells, previous)
            (folder / "CARD.md").write_text(text, encoding="utf-8")
            _write_json(folder / "validation.json", msgspec.to_builtins(report))
            _write_json(folder / "manifest.json", export.manifest(version, outcome, folder))
            return version

        version = registry.publish(store, folder, Path(directory).absolute(), name, finish)
    progress(
        f"{name} v{version.version} is {version.status}" + (f": {report.cause}" if report.cause else ".")
    )
    return version


def open_as_notebook(store: Store, run_id: str) -> dict[str, Any]:
    """The cells a run stands on as a clean notebook (nbformat 4), as executed, in order."""
    from nbformat import v4

    make: Any = v4
    run = store.get_run(run_id)
    if not run.cells:
        raise ExportError(f"The run {run_id} holds no cells.")
    executions = [slicing.with_static_names(cell) for cell in run.cells]
    kept = slicing.slice_cells(executions, wanted=_own_orders(run))
    cells: list[Any] = []
    heading = ""
    for cell in run.cells:
        if cell.order in kept.orders:
            if cell.heading and cell.heading != heading:
                heading = cell.heading
                cells.append(make.new_markdown_cell(heading if heading.startswith("#") else f"## {heading}"))
            cells.append(make.new_code_cell(cell.source))
    notebook = make.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}
    return dict(notebook)


def _check_exportable(run: Run) -> None:
    if run.status == Status.RUNNING:
        raise ExportError(f"Run #{run.number} is still running.", "Export it when its cell has ended.")
    if not run.cells:
        raise ExportError(f"Run #{run.number} holds no cells, so there is nothing to export.")
    if not run.metrics:
        raise ExportError(
            f"Run #{run.number} has no metrics, so nothing could prove an export of it.",
            "Score something in the tracked cell, or log a metric, and export that run.",
        )


def _own_orders(run: Run) -> set[int]:
    known = {cell.order for cell in run.cells}
    return (set(run.orders) & known) or {max(known)}


@dataclass
class _Outcome:
    report: ValidationReport
    script: Script
    kept: Slice


@dataclass
class _Build:
    """One rung, written: its script and what is needed to prove and describe it."""

    rung: str
    kept: Slice
    script: Script
    inputs: dict[str, FileUse]
    lock: str
    contracts: str
    modules: dict[str, Path]
    code: str = ""
    code_name: str = "metrics_differ"
    cause: str = ""
    diverging: str = ""
    first: validation.Outcome | None = None
    second: validation.Outcome | None = None
    config: str = field(default="")


class _Export:
    """One export under way."""

    def __init__(self, run: Run, pin: set[int], exclude: set[int], progress: Callable[[str], None]) -> None:
        self.run = run
        self.pin = pin
        self.exclude = exclude
        self.progress = progress
        self.executions = [slicing.with_static_names(cell) for cell in run.cells]
        self.by_order = {cell.order: cell for cell in self.executions}
        self.wanted = _own_orders(run) - exclude
        self.environment = run.environment or Environment(
            python="", executable=sys.executable, platform="", directory=str(Path.cwd())
        )
        self.directory = Path(self.environment.directory or ".").absolute()
        self.executable = self.environment.executable or sys.executable

    # ---- the ladder

    def prove(self, folder: Path) -> _Outcome:
        """Climb the ladder until a proof holds; leave the files of the best rung in `folder`."""
        attempts: list[Attempt] = []
        builds: list[_Build] = []
        proved: _Build | None = None
        for rung, kept, whole in self._rungs():
            build = self._build(rung, kept, whole=whole)
            if build is None:
                attempts.append(
                    Attempt(rung=rung, orders=kept.orders, verdict="unprovable", cause=self._unbuildable)
                )
                continue
            if any(build.code == other.code for other in builds):
                continue
            self._write(folder, build)
            self.progress(f"Proving {rung} ({len(kept.kept)} cells) in a fresh process.")
            held = self._prove_one(folder, build)
            verdict = "validated" if held else build.code_name
            attempts.append(Attempt(rung=rung, orders=kept.orders, verdict=verdict, cause=build.cause))
            builds.append(build)
            if held:
                proved = build
                break
            if build.code_name in _FINAL:
                break
        if not builds:
            raise ExportError(f"Run #{self.run.number} cannot be written as a script. {self._unbuildable}")
        if proved is None:
            best = self._most_telling(folder, builds)
            self._write(folder, best)
            return _Outcome(self._report(best, attempts, "rejected"), best.script, best.kept)
        return _Outcome(self._report(proved, attempts, "validated"), proved.script, proved.kept)

    def _rungs(self) -> list[tuple[str, Slice, bool]]:
        last = max(self.wanted, default=max(self.by_order))
        options: dict[str, Any] = {"wanted": self.wanted, "pin": self.pin, "exclude": self.exclude}
        minimal = slicing.slice_cells(self.executions, **options)
        wide = slicing.slice_cells(self.executions, widen=True, **options)
        everything = slicing.all_successful(self.executions, last=last, exclude=self.exclude)
        return [
            ("the minimal slice", minimal, False),
            ("the minimal slice with whole cells", minimal, True),
            ("the slice with cells that touch what cannot be watched", wide, True),
            ("all cells that ended well, in order", everything, True),
        ]

    def _most_telling(self, folder: Path, builds: list[_Build]) -> _Build:
        """Of failed rungs the one whose cause says most; finds out whether chance was at work."""
        ran = [build for build in builds if build.first is not None and build.first.exit_code == 0]
        if ran and ran[-1].code_name == "metrics_differ":
            widest = ran[-1]
            if widest.second is None:
                self.progress("Running once more, to see whether the numbers change by chance.")
                self._write(folder, widest)
                widest.second = self._run(folder, widest)
            self._judge(widest)
        ranking = (
            "data_changed",
            "missing_input",
            "contract_failed",
            "non_deterministic",
            "metrics_differ",
            "unprovable",
        )
        return min(
            builds,
            key=lambda build: ranking.index(build.code_name) if build.code_name in ranking else len(ranking),
        )

    # ---- one rung

    _unbuildable = ""

    def _build(self, rung: str, kept: Slice, *, whole: bool) -> _Build | None:
        try:
            return _Assembly(self, kept, whole=whole).build(rung)
        except (SyntaxError, ValueError, KeyError, AssertionError, RecursionError) as error:
            self._unbuildable = f"The code could not be put together ({type(error).__name__}: {error})."
            return None

    def _prove_one(self, folder: Path, build: _Build) -> bool:
        missing, changed = validation.changed_inputs(build.inputs)
        if missing:
            build.code_name, build.diverging = "missing_input", missing[0]
            build.cause = f"The data file {missing[0]} is missing."
            return False
        if changed:
            build.code_name, build.diverging = "data_changed", changed[0]
            build.cause = f"The data file {changed[0]} has changed since the run."
            return False
        if build.script.refused:
            build.code_name, build.cause = "unprovable", build.script.refused[0]
            return False
        build.first = self._run(folder, build)
        if build.first.exit_code == 0 and all(
            validation.same(value, build.first.metrics.get(name)) for name, value in self.run.metrics.items()
        ):
            self.progress("The numbers are the run's own; running once more.")
            build.second = self._run(folder, build)
        return self._judge(build)

    def _run(self, folder: Path, build: _Build) -> validation.Outcome:
        spent = sum(self.by_order[order].duration for order in build.kept.orders)
        return validation.run_script(folder, self.executable, timeout=120 + 20 * spent)

    def _judge(self, build: _Build) -> bool:
        """Read a proof's outcomes: sets the build's cause, and says whether it held."""
        build.cause = build.diverging = ""
        for outcome in (build.first, build.second):
            if outcome is not None and outcome.exit_code != 0:
                build.code_name = {2: "missing_input", 3: "contract_failed"}.get(
                    outcome.exit_code or 0, "step_failed"
                )
                if outcome.exit_code == 2 and "does not exist" not in outcome.cause:
                    build.code_name = "step_failed"
                build.cause, build.diverging = self._explained(outcome, build)
                return False
        first = build.first.metrics if build.first else {}
        second = build.second.metrics if build.second else None
        checks = validation.compare(self.run.metrics, first, second)
        wrong = [check for check in checks if not check.equal]
        if not wrong:
            return second is not None
        check = wrong[0]
        build.diverging = check.name
        if (
            check.second is not None
            and check.first is not None
            and not validation.same(check.first, check.second)
        ):
            build.code_name = "non_deterministic"
            build.cause = (
                f"The metric {check.name!r} changes by chance: the run had {check.expected!r}, "
                f"two fresh processes gave {check.first!r} and {check.second!r}."
            )
        elif check.first is None:
            build.code_name = "unprovable"
            build.cause = f"The metric {check.name!r} is not computed by the code that could be kept."
        else:
            build.code_name = "metrics_differ"
            build.cause = f"The metric {check.name!r} is {check.first!r}, the run had {check.expected!r}."
        return False

    def _explained(self, outcome: validation.Outcome, build: _Build) -> tuple[str, str]:
        cause = outcome.cause.rstrip(".") + "."
        for name, order in build.kept.scratch.items():
            if repr(name) in cause:
                count = self.by_order[order].execution_count or order
                return (
                    f"`{name}` was made by a %%scratch cell ([{count}]), which is never part of a run.",
                    name,
                )
        for name in build.kept.missing:
            if repr(name) in cause:
                return f"`{name}` is bound by no cell that was recorded. {cause}", name
        if "ModuleNotFoundError" in outcome.log or "No module named" in cause:
            lines = [line for line in outcome.log.splitlines() if "No module named" in line]
            found = lines[-1].rpartition("No module named")[2].strip(" \\\"'n.},") if lines else ""
            module = found.split("'")[0].split("\\")[0] or "?"
            return f"The module {module!r} cannot be imported by {self.executable}.", module
        return cause, outcome.failed

    def _report(self, build: _Build, attempts: list[Attempt], verdict: str) -> ValidationReport:
        first = build.first.metrics if build.first else {}
        second = build.second.metrics if build.second else None
        checks = validation.compare(self.run.metrics, first, second) if build.first else ()
        hints = {
            "non_deterministic": "Set a seed (random_state=…, np.random.seed(…)) and run the notebook again.",
            "data_changed": "Restore the file, or run the notebook with the new data and export that run.",
            "missing_input": "Put the file back where the notebook read it, and export again.",
            "contract_failed": "Look at contracts.py: the data does not look as it did in the run.",
            "metrics_differ": "Restart the kernel, run the notebook from the top and export the new run.",
            "step_failed": "Restart the kernel, run the notebook from the top and export the new run.",
            "unprovable": "Do this step outside the notebook's tracked cells, and export a new run.",
        }
        rejected = verdict == "rejected"
        outcome = build.second or build.first
        return ValidationReport(
            verdict=verdict,
            cause=build.cause if rejected else "",
            code=build.code_name if rejected else "",
            diverging=build.diverging if rejected else "",
            hint=hints.get(build.code_name, "") if rejected else "",
            metrics=checks,
            contracts=outcome.contracts if outcome else (),
            attempts=tuple(attempts),
            deterministic=build.code_name != "non_deterministic" or not rejected,
            log=outcome.log[-5000:] if outcome else "",
        )

    # ---- files

    def _write(self, folder: Path, build: _Build) -> None:
        for place in folder.iterdir():
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        (folder / "pipeline.py").write_text(build.code, encoding="utf-8")
        (folder / "config.yaml").write_text(build.config, encoding="utf-8")
        (folder / "contracts.py").write_text(build.contracts, encoding="utf-8")
        (folder / "requirements.lock").write_text(build.lock, encoding="utf-8")
        template = Path(__file__).parent / "script" / "pipeline_test.py"
        text = template.read_text(encoding="utf-8").removeprefix("# ruff: noqa: S101, D103\n")
        (folder / "test_pipeline.py").write_text(text, encoding="utf-8")
        for name, place in build.modules.items():
            target = folder / "modules" / place.name
            target.parent.mkdir(exist_ok=True)
            if place.is_dir():
                shutil.copytree(place, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copyfile(place, target.parent / f"{name}.py")

    def manifest(self, version: PipelineVersion, outcome: _Outcome, folder: Path) -> dict[str, Any]:
        """What manifest.json says."""
        cells = [
            {
                "order": cell.order,
                "execution_count": self.by_order[cell.order].execution_count,
                "reason": cell.reason,
            }
            for cell in outcome.kept.kept
        ]
        hashes = {
            place.relative_to(folder).as_posix(): registry.hash_of(place)
            for place in sorted(folder.rglob("*"))
            if place.is_file() and place.name != "manifest.json"
        }
        return {
            "pipeline": version.name,
            "version": version.version,
            "status": version.status,
            "created_at": version.created_at.isoformat(),
            "run": {
                "run_id": self.run.run_id,
                "number": self.run.number,
                "name": self.run.name,
                "experiment": self.run.experiment,
                "notebook": self.run.notebook,
            },
            "cells": cells,
            "steps": [step.name for step in outcome.script.steps],
            "metrics": {name: _number(value) for name, value in self.run.metrics.items()},
            "gates": {
                name: {
                    "value": _number(value),
                    "relative": 0.0 if isinstance(value, int) else validation.RELATIVE,
                    "absolute": 0.0 if isinstance(value, int) else 1e-12,
                }
                for name, value in self.run.metrics.items()
            },
            "input_settings": [item.name for item in outcome.script.config if item.kind == "input"],
            "inputs": {
                use.path: use.hash
                for order in outcome.kept.orders
                for use in self.inputs_of(self.by_order[order])
            },
            "environment": {
                "python": self.environment.python,
                "executable": self.environment.executable,
                "directory": str(self.directory),
                "packages": self.environment.packages,
                "git": self.environment.git,
            },
            "notes": list(outcome.script.notes),
            "files": hashes,
        }

    def inputs_of(self, execution: Execution) -> list[FileUse]:
        """The data files an execution read; those of Python and its libraries are not the user's."""
        prefixes = (sys.prefix, sys.base_prefix, str(Path(self.executable).parent.parent))
        found = []
        for use in execution.files:
            parts = Path(use.path).parts
            if not use.mode.startswith("r") or use.path.startswith(
                (*_SYSTEM_FOLDERS, *(f"{p}/" for p in prefixes))
            ):
                continue
            if any(part in _HIDDEN for part in parts) or use.path.endswith((".py", ".pyc", ".so", ".ipynb")):
                continue
            found.append(use)
        seen = {use.path for use in found}
        for dataset in self.run.datasets:
            if dataset.location and dataset.order == execution.order and "://" not in dataset.location:
                path = os.path.normpath(self.directory / Path(dataset.location).expanduser())
                if path not in seen and Path(path).is_absolute():
                    found.append(FileUse(path=path, mode="r", hash=dataset.file_hash))
        return found


class _Assembly:
    """One rung from executions to files."""

    def __init__(self, export: _Export, kept: Slice, *, whole: bool) -> None:
        self.export = export
        self.run = export.run
        self.kept = kept
        self.whole = whole
        self.cells = steps.prepare_cells(export.executions, kept)
        self.modules = steps.imported_modules(self.cells)
        self.quietness = Quietness(self.modules)

    def build(self, rung: str) -> _Build:
        """Put the rung's files together."""
        run, cells = self.run, self.cells
        words = steps.choose_words(cells)
        self.quietness.learn(statement for cell in cells for statement in cell.statements)
        sites, _ = measuring.find_sites(run.metric_details, cells)
        logs = self._logging_statements()
        forced = {site.cell.source.top_statement(site.node) for site in sites} | set(logs)
        forced |= self._calls_of_scoped(sites, logs)
        model, predictions = self._model(), self._predictions()
        final = [name for name in (model, predictions) if name]
        self._drop_our_own()
        shared = steps.is_dynamic(cells)
        if not self.whole and not shared:
            steps.trim(cells, {found for found in forced if found}, final, self.quietness)
            steps.drop_inside(cells, [site.node for site in sites], self.quietness)
        refused = [
            f"Cell [{cell.execution.execution_count or cell.order}]: {reason}."
            for cell in cells
            for statement, reason in cell.refused.items()
            if statement in cell.statements
        ]
        written = {use.path for cell in cells for use in cell.execution.files if not use.mode.startswith("r")}
        inputs = {
            use.path: use
            for cell in cells
            for use in self.export.inputs_of(cell.execution)
            if use.path not in written
        }
        hoisted = hoisting.hoist(
            cells,
            params=run.param_details,
            inputs={path: path for path in inputs},
            outputs=written,
            sites=sites,
            logs=logs,
            words=words,
            directory=self.export.directory,
            shared=shared,
        )
        checks, promised = self._contract_checks()
        lock, modules = self._lock()
        codegen.edit_names(cells, hoisted, words, shared=shared)
        recorder = measuring.Recorder(words, self._is_quiet, run.metric_details)
        recorder.record(sites)
        for cell in cells:
            recorder.translate_logging(cell, self.modules)
        own = sorted(self.export.wanted)
        grouped = steps.group_cells(
            cells, hoisted, final=final, words=words, labels=dict.fromkeys(own, run.name), one=shared
        )
        fields = self._fields(hoisted, inputs, written)
        kinds = {dataset.name: dataset.kind for dataset in run.datasets}
        kinds.update({found.name: found.kind for found in run.models})
        at_top = {found.name for _, statement in hoisted.imports for found in references(statement)}
        modules_at_top = {name: path for name, path in self.modules.items() if name in at_top}
        writer = codegen.Writer(words, hoisted, steps.known_types(cells, kinds, modules_at_top))
        code = writer.script(
            title=self._docstring(grouped),
            steps=grouped,
            checks=checks,
            metrics=list(run.metrics),
            model=model,
            predictions=predictions,
            fields=fields,
            in_base_directory=self._needs_directory(inputs, written, hoisted),
            modules=bool(modules),
            picks=recorder.picks,
            before={own[0]: recorder.at_start} if own else {},
            after={own[-1]: recorder.at_end} if own else {},
            shared=shared,
        )
        script = Script(
            code=code,
            config=tuple(fields),
            steps=tuple(grouped),
            metrics=tuple(run.metrics),
            imports=tuple(sorted(lockfile.imported(code))),
            notes=tuple(dict.fromkeys(hoisted.notes)),
            refused=tuple(refused),
        )
        return _Build(
            rung=rung,
            kept=self.kept,
            script=script,
            inputs=inputs,
            lock=lock,
            contracts=contracts.write_contracts(promised),
            modules=modules,
            code=code,
            config=codegen.config_yaml(fields),
        )

    # ---- what must stay, what must go

    def _logging_statements(self) -> list[ast.stmt]:
        return [
            statement
            for cell in self.cells
            for statement in cell.statements
            if any(
                isinstance(node, ast.Call)
                and measuring.logging_function(node, self.modules).startswith("log_metric")
                for node in ast.walk(statement)
            )
        ]

    def _calls_of_scoped(self, sites: Sequence[Any], logs: Sequence[ast.stmt]) -> set[ast.stmt | None]:
        """Statements that reach a notebook function in which a metric is made: never dropped."""
        names = {site.scope.split(".")[0] for site in sites if site.scope}
        names |= {statement.name for statement in logs if isinstance(statement, ast.FunctionDef)}
        if not names:
            return set()
        return {
            statement
            for cell in self.cells
            if cell.order in self.export.wanted
            for statement in cell.statements
            if any(isinstance(node, ast.Call) for node in ast.walk(statement))
        }

    def _drop_our_own(self) -> None:
        """Imports of jupyter_mlops, and statements that only talk to it."""
        for cell in self.cells:
            cell.statements = [statement for statement in cell.statements if not self._is_our_own(statement)]

    def _is_our_own(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Import):
            return all(alias.name.partition(".")[0] == "jupyter_mlops" for alias in statement.names)
        if isinstance(statement, ast.ImportFrom):
            return (statement.module or "").partition(".")[0] in ("jupyter_mlops", "__future__")
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            function = measuring.logging_function(statement.value, self.modules)
            return bool(function) and not function.startswith("log_metric")
        return False

    def _is_quiet(self, node: ast.expr) -> bool:
        return self.quietness.quiet(ast.Expr(node))

    # ---- results

    def _model(self) -> str:
        for model in reversed(self.run.models):
            if model.name.isidentifier() and self._bound_at_top(model.name):
                return model.name
        return ""

    def _predictions(self) -> str:
        found = ""
        for cell in self.cells:
            for statement in cell.statements:
                if (
                    isinstance(statement, ast.Assign)
                    and isinstance(statement.targets[0], ast.Name)
                    and isinstance(statement.value, ast.Call)
                    and isinstance(statement.value.func, ast.Attribute)
                    and statement.value.func.attr == "predict"
                ):
                    found = statement.targets[0].id
        return found

    def _bound_at_top(self, name: str) -> bool:
        return any(
            reference.name == name and reference.context == "store" and not reference.deferred
            for cell in self.cells
            for reference in references(cell.statements)
        )

    # ---- data

    def _contract_checks(self) -> tuple[dict[ast.stmt, list[str]], list[Dataset]]:
        """After which statement each input is held against its contract."""
        checks: dict[ast.stmt, list[str]] = {}
        promised = []
        for dataset in self.run.datasets:
            if (
                dataset.role != "input"
                or not contracts.can_be_checked(dataset)
                or not dataset.name.isidentifier()
            ):
                continue
            for cell in self.cells:
                if cell.order != dataset.order:
                    continue
                changes = [
                    statement for statement in cell.statements if self._changes(statement, dataset.name)
                ]
                if changes and any(
                    found.name == dataset.name and found.context == "store" and not found.deferred
                    for found in references(changes)
                ):
                    line = f"check_contract({dataset.name!r}, {dataset.name})"
                    checks.setdefault(changes[-1], []).append(line)
                    promised.append(dataset)
        return checks, promised

    def _changes(self, statement: ast.stmt, name: str) -> bool:
        """Whether a statement binds a name or may change what it holds."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
                return True
            stored = isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
            if stored and _root(node) == name:
                return True
            if isinstance(node, ast.Call):
                called = _root(node.func)
                on_it = isinstance(node.func, ast.Attribute) and called == name
                if on_it and not self.quietness.quiet(ast.Expr(node)):
                    return True
                given = any(_root(part) == name for part in node.args if isinstance(part, ast.Name))
                if (
                    given
                    and isinstance(node.func, ast.Name)
                    and called not in self.modules
                    and not self.quietness.quiet(ast.Expr(node))
                ):
                    return True
        return False

    def _fields(
        self, hoisted: Hoisted, inputs: Mapping[str, FileUse], written: set[str]
    ) -> list[ConfigField]:
        fields = hoisted.fields()
        if any(item.kind == "input" for item in fields) or self._needs_directory(inputs, written, hoisted):
            comment = "Relative input paths begin here: the folder of the notebook this was exported from."
            fields.insert(
                0, ConfigField("base_directory", str(self.export.directory), "str", "value", comment)
            )
        return fields

    def _needs_directory(self, inputs: Mapping[str, FileUse], written: set[str], hoisted: Hoisted) -> bool:
        """Whether files are reached by paths that could not be hoisted, relative to the notebook."""
        known = set()
        for item in hoisted.fields():
            if item.kind != "value":
                known.add(os.path.normpath(self.export.directory / str(item.value)))
        names = {Path(str(item.value)).name for item in hoisted.fields() if item.kind == "output"}
        loose = [path for path in inputs if path not in known]
        loose += [path for path in written if Path(path).name not in names and not self.whole]
        return any(path.startswith(f"{self.export.directory}{os.sep}") for path in loose)

    def _lock(self) -> tuple[str, dict[str, Path]]:
        modules: set[str] = set()
        for cell in self.cells:
            for statement in cell.statements:
                modules |= lockfile.imported(ast.unparse(statement))
        try:
            text, unowned = lockfile.pin(
                frozenset(modules), self.export.executable, python=self.export.environment.python
            )
        except (OSError, ValueError, TimeoutError) as error:
            return f"# The interpreter could not be asked: {error}\n", {}
        folders = [self.export.directory, *map(Path, self.export.environment.path_additions)]
        local = lockfile.local_modules(unowned, folders)
        return text, local

    def _docstring(self, grouped: Sequence[Any]) -> str:
        run = self.run
        first = f"Pipeline made from run #{run.number} of {run.experiment}."
        listed = "\n".join(f"    {step.name}" for step in grouped)
        command = "Run it with ``python pipeline.py run --output-dir output``."
        return f"{first}\n\nSteps, in order:\n\n{listed}\n\n{command}\n"


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _number(value: MetricValue) -> MetricValue | str:
    finite = value == value and value not in (float("inf"), float("-inf"))  # noqa: PLR0124 - NaN is not itself
    return value if finite else str(value)


def _write_json(place: Path, content: object) -> None:
    place.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
