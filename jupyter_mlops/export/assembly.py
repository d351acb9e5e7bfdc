"""One rung of the ladder: from the executions that are kept to the files of a version."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from . import (
    codegen,
    contracts,
    draws,
    edits,
    effects,
    files,
    formatting,
    hoisting,
    leftovers,
    lockfile,
    measuring,
    naming,
    phases,
    shadowing,
    steps,
    trial,
    trimming,
    type_hints,
    validation,
)
from .plan import Cell, ConfigField, Hoisted, Script, Site, Slice, Step, Words
from .purity import Quietness
from .references import last_name, references, root_of
from .sites import find_sites, names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import Dataset, Evaluation, FileUse

    from .session import Session


#: The setting that every pipeline has: where relative inputs begin. Its value is config.yaml's.
BASE = "base_directory"
#: Types of what no model is.
_NO_MODELS = frozenset(
    """
    int float str bool complex list dict tuple set None numpy.ndarray numpy.float64
    pandas.DataFrame pandas.Series
    """.split()
)


def shown_line(code: str) -> str:
    """A statement of a notebook as its author wrote it, in one short line."""
    found = re.match(r"(?:\w+ = )?get_ipython\(\)\.(\w+)\((.*)\)", code, re.DOTALL)
    texts = (
        [part.value for part in ast.walk(ast.parse(code)) if isinstance(part, ast.Constant)] if found else []
    )
    words = " ".join(str(text) for text in texts if text)
    signs = {"system": "!", "getoutput": "!", "run_line_magic": "%", "run_cell_magic": "%%"}
    line = signs.get(found[1], "") + words if found else code
    first = line.strip().split("\n", 1)[0]
    return f"`{first[:77]}…`" if len(first) > 78 else f"`{first}`"


def _binds(cell: Cell, name: str) -> bool:
    """Whether the top level of what is left of a cell binds a name."""
    return any(
        found.name == name and found.context == "store" and not found.deferred
        for found in references(cell.statements)
    )


@dataclass
class Build:
    """One rung of the ladder, written: its files, and what became of its proof."""

    rung: str
    kept: Slice
    script: Script
    inputs: dict[str, FileUse]
    lock: str
    contracts: str
    modules: dict[str, Path]
    code: str = ""
    left_out: tuple[str, ...] = ()
    luck: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    #: What is known of the predictions behind the numbers, in sentences.
    predictions: tuple[str, ...] = ()
    metrics_word: str = "metrics"
    width: int = 120
    code_name: str = "metrics_differ"
    cause: str = ""
    diverging: str = ""
    first: trial.Outcome | None = None
    second: trial.Outcome | None = None
    config: str = ""
    promised: list[Dataset] = field(default_factory=list)
    #: The interpreter of its proof, what new environment that is, and the log of one that failed.
    executable: str = ""
    environment: str = ""
    log: str = ""


class Assembly:
    """One rung from executions to files."""

    def __init__(
        self,
        session: Session,
        kept: Slice,
        *,
        whole: bool = False,
        as_executed: bool = False,
        without_refused: bool = False,
    ) -> None:
        self.session = session
        self.run = session.run
        self.kept = kept
        self.whole = whole
        self.as_executed = as_executed
        self.without_refused = without_refused
        self.cells = steps.prepare_cells(session.executions, kept)
        self.modules = steps.imported_modules(self.cells)
        self.quietness = Quietness(self.modules)
        self.quietness.estimators = draws.estimators_of(session.executions)

    def build(self, rung: str) -> Build:
        """Put the rung's files together."""
        run, cells = self.run, self.cells
        words = steps.choose_words(cells)
        self.quietness.learn(statement for cell in cells for statement in cell.statements)
        sites, _ = find_sites(run.metric_details, cells)
        logs = self._logging_statements()
        forced = {site.cell.source.top_statement(site.node) for site in sites} | set(logs)
        forced |= self._calls_of_scoped(sites, logs)
        model, predictions = self._model(), self._predictions()
        rows = self._rows(predictions)
        final = [name for name in (model, predictions, rows) if name]
        self._drop_our_own()
        left_out = self._leave_out_refused() if self.without_refused else []
        shared = self.as_executed or steps.is_dynamic(cells)
        if not self.whole and not shared:
            self._trim({found for found in forced if found}, sites, final)
        refused = [
            f"Cell [{cell.execution.execution_count or cell.order}]: {reason}."
            for cell in cells
            for statement, reason in cell.refused.items()
            if statement in cell.statements
        ]
        if not shared and not self.whole:
            shadowing.set_apart(cells)
        written, inputs = files.used_files(cells, self.session.inputs_of, self.session.is_foreign)
        hoisted = hoisting.hoist(
            cells,
            params=run.param_details,
            # Whole cells find their files by their own paths, through links.
            inputs={} if self.whole else {path: path for path in inputs if path not in written},
            outputs=() if self.whole else written - inputs.keys(),
            sites=sites,
            logs=logs,
            words=words,
            directory=self.session.directory,
            shared=shared,
        )
        if self.as_executed:
            # Only a module may import a star.
            stars = [found for found in hoisted.imports if hoisting.is_star(found[1])]
            hoisted = Hoisted(imports=stars)
        checks, promised = self._contract_checks()
        lock, modules = self._lock()
        edits.edit_names(cells, hoisted, words, shared=shared)
        needed = {
            found.name for cell in cells for found in references(cell.statements) if found.context != "store"
        }
        recorder = measuring.Recorder(
            words,
            self._is_quiet,
            run.metric_details,
            None if shared or self.whole else {*needed, *final},
            texts=self._texts(),
            pick="pipeline_pick" if "pick" in steps.taken_names(cells) else "pick",
        )
        recorder.record(sites)
        for cell in cells:
            recorder.translate_logging(cell, self.modules)
        own = sorted(self.session.wanted)
        grouped = self._grouped(hoisted, final, words, shared=shared)
        linked, folders = files.loose_files(self.session.directory, hoisted, inputs, written)
        fields = self._fields(hoisted, linked)
        known = type_hints.Annotations(cells, hoisted, self._kinds(), steps.taken_names(cells))
        writer = codegen.Writer(words, hoisted, known.of, steps.taken_names(cells))
        text = writer.script(
            codegen.Plan(
                title=self._docstring(),
                steps=grouped,
                docstrings={step.name: naming.docstring_of(step) for step in grouped},
                comments={
                    cell.statements[0]: self._said_above(step, cell)
                    for step in grouped
                    for cell in step.cells
                },
                fields=[item for item in fields if item.name != BASE],
                checks=checks,
                model=model,
                predictions=predictions,
                rows=rows,
                links=linked,
                copies=[name for name in linked if str(self.session.directory / name) in written],
                folders=folders,
                unkept=self._unkept(grouped, hoisted, linked, shared=shared),
                modules=bool(modules),
                before={own[0]: recorder.at_start} if own and self._may_have_noted(own[0]) else {},
                after={own[-1]: recorder.at_end} if own else {},
                shared=shared,
            ),
            lambda: known.imports,
        )
        width = formatting.width_of(
            ast.get_source_segment(cell.source.code, statement) or ""
            for cell in cells
            for statement in cell.statements
        )
        code = formatting.formatted(text, width)
        for name in validation.unread_settings(code, [item.name for item in hoisted.fields()], words.config):
            hoisted.notes.append(f"The setting {name} is read nowhere: changing it changes nothing.")
        script = Script(
            code=code,
            config=tuple(fields),
            steps=tuple(grouped),
            metrics=tuple(run.metrics),
            imports=tuple(sorted(lockfile.imported(code))),
            notes=tuple(dict.fromkeys(left_out + hoisted.notes + self._timings())),
            refused=tuple(refused),
            promised=tuple(dataset.name for dataset in promised),
        )
        return Build(
            rung=rung,
            kept=self.kept,
            script=script,
            inputs=inputs,
            lock=lock,
            contracts=contracts.write_contracts(promised),
            promised=promised,
            modules=modules,
            code=code,
            config=codegen.config_yaml(fields),
            left_out=tuple(left_out),
            metrics_word=words.metrics,
            width=width,
        )

    # ---- what must stay, what must go

    def _trim(self, forced: set[ast.stmt], sites: Sequence[Site], final: list[str]) -> None:
        """Drop what the run's numbers do without, then what nothing reads any more."""
        seeded = draws.seeded_generators(self.session.executions)
        shown = self._only_shown(sites)
        trimming.trim(self.cells, forced, final, self.quietness, seeded, shown)
        nodes = [site.node for site in sites]
        spoken_of = names_of(self.run.metric_details.values())
        leftovers.drop_inside(self.cells, nodes, self.quietness, {*final, *spoken_of}, seeded)
        trimming.trim(self.cells, forced, final, self.quietness, seeded, shown)

    def _only_shown(self, sites: Sequence[Site]) -> dict[ast.stmt, list[ast.AST]]:
        """Statements that only show metrics, each with what will be recorded in its place."""
        found: dict[ast.stmt, list[Site]] = {}
        for site in sites:
            statement = site.cell.source.top_statement(site.node)
            if isinstance(statement, ast.Expr) and site.origin != "curve":
                found.setdefault(statement, []).append(site)
        recorder = measuring.Recorder(steps.choose_words(self.cells), self._is_quiet, self.run.metric_details)
        shown: dict[ast.stmt, list[ast.AST]] = {}
        for statement, members in found.items():
            assert isinstance(statement, ast.Expr)  # noqa: S101 - see above
            if all(site.origin == "fitted" for site in members):
                if self._is_quiet(statement.value):
                    shown[statement] = [
                        ast.parse(self.run.metric_details[site.metric].expression, mode="eval").body
                        for site in members
                    ]
            elif not any(site.origin == "fitted" for site in members) and recorder.replaceable(
                statement, members
            ):
                shown[statement] = [site.node for site in members]
        return shown

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

    def _texts(self) -> list[str]:
        """The texts in the code, each once."""
        return list(
            dict.fromkeys(
                node.value
                for cell in self.cells
                for node in ast.walk(cell.source.tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )
        )

    def _calls_of_scoped(self, sites: Sequence[Site], logs: Sequence[ast.stmt]) -> set[ast.stmt]:
        """Statements that reach functions of the notebook in which metrics are made: never dropped."""
        if not any(site.scope for site in sites) and not any(
            isinstance(log, ast.FunctionDef) for log in logs
        ):
            return set()
        own = self._own_names()
        return {
            statement
            for cell in self.cells
            if cell.order in self.session.wanted
            for statement in cell.statements
            for node in ast.walk(statement)
            if isinstance(node, ast.Call) and last_name(node.func) in own
        }

    def _own_names(self) -> set[str]:
        """Names of the notebook's functions and classes, wherever they are defined."""
        return {
            node.name
            for cell in self.cells
            for statement in cell.statements
            for node in ast.walk(statement)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }

    def _may_have_noted(self, order: int) -> bool:
        """Whether cells before that of an order call functions in which values may be noted."""
        own = self._own_names()
        return any(
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in own
            for cell in self.cells
            if cell.order < order
            for statement in cell.statements
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            for node in ast.walk(statement)
        )

    def _drop_our_own(self) -> None:
        """Imports of jupyter_mlops, and statements that only talk to it."""
        for cell in self.cells:
            cell.statements = [statement for statement in cell.statements if not self._is_our_own(statement)]

    def _leave_out_refused(self) -> list[str]:
        """Drop what no script can do; the proof says whether anything hung on it."""
        said = []
        for cell in self.cells:
            gone = [statement for statement in cell.statements if statement in cell.refused]
            cell.statements = [statement for statement in cell.statements if statement not in gone]
            for statement in gone:
                line = ast.get_source_segment(cell.execution.code, statement) or ast.unparse(statement)
                said.append(
                    f"Left out of cell [{cell.execution.execution_count or cell.order}], because no script "
                    f"can do it: {shown_line(line)}."
                )
        return said

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

    def _evaluations(self) -> list[Evaluation]:
        return [found.evaluation for found in self.run.metric_details.values() if found.evaluation]

    def _model(self) -> str:
        """The variable of the model: what was scored last, else what was fitted last."""
        for found in reversed(self._evaluations()):
            # The best of a loop has another name than the last that was fitted in it.
            if found.model.isidentifier() and self._still_is_model(found.model):
                return found.model
        for model in reversed(self.run.models):
            if model.name.isidentifier() and self._still_is_model(model.name):
                return model.name
        if self.run.models:
            return ""
        # A model that nobody saw being fitted, as under ``%time``.
        own = [cell for cell in self.cells if cell.order in self.session.wanted]
        return phases.fitted_name(found for cell in own for found in cell.statements)

    def _predictions(self) -> str:
        """The variable of what was predicted: what a score compared, else the result of a ``predict``."""
        predicted = [
            statement.targets[0].id
            for cell in self.cells
            for statement in cell.statements
            if isinstance(statement, ast.Assign)
            and isinstance(statement.targets[0], ast.Name)
            and isinstance(statement.value, ast.Call)
            and isinstance(statement.value.func, ast.Attribute)
            and statement.value.func.attr == "predict"
        ]
        evaluations = self._evaluations()
        # What some score takes for the truth is no prediction, whatever a function is given it; and people
        # give scores their two arguments the wrong way round.
        targets = {found.target_name for found in evaluations}
        for found in reversed(evaluations):
            pair = (found.prediction_name, found.target_name)
            told = [found.prediction_name] if found.prediction_name not in targets else []
            for name in [*(name for name in pair if name in predicted), *told]:
                if name.isidentifier() and self._bound_at_top(name):
                    return name
        return predicted[-1] if predicted else ""

    def _still_is_model(self, name: str) -> bool:
        """Whether a name holds a model at the end, and not what a later statement bound to it."""
        last = next((cell for cell in reversed(self.cells) if _binds(cell, name)), None)
        held = last.execution.types.get(name, "") if last is not None else ""
        kinds = {model.kind for model in self.run.models if model.name == name}
        plain = held.partition("[")[0] in _NO_MODELS
        return last is not None and not (plain and kinds and held not in kinds)

    def _bound_at_top(self, name: str) -> bool:
        return any(_binds(cell, name) for cell in self.cells)

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
                    checks.setdefault(changes[-1], []).append(dataset.name)
                    promised.append(dataset)
        return checks, promised

    def _changes(self, statement: ast.stmt, name: str) -> bool:
        """Whether a statement binds a name or may change what it holds."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
                return True
            stored = isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
            if stored and root_of(node) == name:
                return True
            if isinstance(node, ast.Call):
                called = root_of(node.func)
                on_it = isinstance(node.func, ast.Attribute) and called == name
                if on_it and not self.quietness.quiet(ast.Expr(node)):
                    return True
                given = any(root_of(part) == name for part in node.args if isinstance(part, ast.Name))
                if (
                    given
                    and isinstance(node.func, ast.Name)
                    and called not in self.modules
                    and not self.quietness.quiet(ast.Expr(node))
                ):
                    return True
        return False

    def _fields(self, hoisted: Hoisted, linked: Sequence[str]) -> list[ConfigField]:
        fields = hoisted.fields()
        if any(item.kind == "input" for item in fields) or linked:
            comment = "Relative input paths begin here: the folder of the notebook this was exported from."
            place = str(self.session.directory)
            home = self.session.version_folder
            if home is not None and home.is_relative_to(self.session.directory):
                # The project may be moved as a whole.
                place = os.path.relpath(self.session.directory, home)
                comment += " It is relative to this file's own."
            fields.insert(0, ConfigField(BASE, place, "str", "value", comment))
        return fields

    def _unkept(
        self, grouped: Sequence[Step], hoisted: Hoisted, linked: Sequence[str], *, shared: bool
    ) -> list[str]:
        base = self.session.directory
        places = [str(constant.value) for _, constant, _ in hoisted.paths]
        places += [str(item.value) for item in hoisted.fields() if item.kind != "value"]
        return effects.unkept_steps(
            grouped,
            modules=self.modules,
            at_top=steps.names_at_top(hoisted),
            definitions=[found.node for found in hoisted.definitions.values()],
            known_files={os.path.normpath(base / name) for name in [*places, *linked]},
            shared=shared,
        )

    def _timings(self) -> list[str]:
        timed = [name for name in self.run.metrics if name not in self.session.proved]
        told = "Measured durations, and what a library only wrote, are not part of the proof"
        return [f"{told}: {', '.join(timed)}."] if timed else []

    def _lock(self) -> tuple[str, dict[str, Path]]:
        modules: set[str] = set()
        for cell in self.cells:
            for statement in cell.statements:
                modules |= lockfile.imported(ast.unparse(statement))
        base = self.session.directory
        additions = [*self.session.environment.path_additions, *steps.added_to_path(self.cells)]
        folders = [base, *(base / Path(place).expanduser() for place in additions)]
        local: dict[str, Path] = {}
        try:
            while True:
                text, unowned = lockfile.pin(
                    frozenset(modules),
                    self.session.executable,
                    python=self.session.environment.python,
                    beside=frozenset(local),
                )
                new = lockfile.local_modules(unowned, folders)
                # What is copied along brings what it imports itself.
                needed = lockfile.imported_by([new[name] for name in new.keys() - local.keys()])
                if needed <= modules and new == local:
                    return text, local
                local |= new
                modules |= needed
        except (OSError, ValueError, TimeoutError) as error:
            return f"# The interpreter could not be asked: {error}\n", {}

    def _docstring(self) -> str:
        named = f" ({self.run.name})" if self.run.name else ""
        made = f"Made from run {self.run.reference}{named} of {self.run.experiment}; CARD.md says what it is."
        title = next((found.notebook for found in self.session.words.values() if found.notebook), "")
        end = "" if title.endswith((".", "!", "?", "…")) else "."
        return f"{title}{end}\n{made}" if title else made

    # ---- steps

    def _grouped(self, hoisted: Hoisted, final: Sequence[str], words: Words, *, shared: bool) -> list[Step]:
        grouped = steps.group_cells(
            self.cells, hoisted, final=final, words=words, one=shared, merge=not self.whole
        )
        own = dict.fromkeys(self.session.wanted, self.run.name)
        taken = steps.names_at_top(hoisted) | {words.config, words.metrics}
        naming.name_steps(grouped, taken, own, phases.functions_of(hoisted))
        for step in grouped:
            passages = [self.session.words.get(cell.order) if cell.begins else None for cell in step.cells]
            step.prose = next(
                (found.prose for found in passages if found and found.title == step.title),
                passages[0].prose if passages[0] else "",
            )
        return grouped

    def _said_above(self, step: Step, cell: Cell) -> list[str]:
        """What its author says above a cell, in lines, where the step's docstring does not say it."""
        passage = self.session.words.get(cell.order) if cell.begins else None
        title = phases.heading_of(cell)
        said = [title if title != step.title else "", passage.prose if passage else ""]
        return [line for text in said if text != step.prose for line in naming.wrapped(text)]

    def _kinds(self) -> dict[str, str]:
        kinds = {dataset.name: dataset.kind for dataset in self.run.datasets}
        return kinds | {found.name: found.kind for found in self.run.models}

    def _rows(self, predictions: str) -> str:
        """The variable whose index the predictions have: what they were scored against."""
        for found in self._evaluations() if predictions else ():
            pair = [found.prediction_name, found.target_name]
            other = pair[1 - pair.index(predictions)] if predictions in pair else ""
            if other.isidentifier() and self._bound_at_top(other):
                return other
        return ""
