"""The proof and its ladder: where the smallest slice does not give the run's numbers, more is kept."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ExportError, InstallationError
from jupyter_mlops.records import Attempt, Run, ValidationReport

from . import (
    chance,
    confirmation,
    contracts,
    formatting,
    lockfile,
    predicted,
    slicing,
    surroundings,
    trial,
    validation,
)
from .assembly import Assembly, Build
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from .plan import Script, Slice

#: Causes that more cells cannot mend.
_FINAL = frozenset({"data_changed", "missing_input", "contract_failed", "environment_failed"})

#: The seconds an export may take: so many times what its cells took, and so many more; of these the last for
#: writing the version down.
_TIMES, _SECONDS, _WRITING = 2.5, 3.0, 0.5


@dataclass
class Outcome:
    """How an export ended: the proof, the script it is about and the cells that are in it."""

    report: ValidationReport
    script: Script
    kept: Slice


class Ladder:
    """One export under way."""

    def __init__(
        self,
        run: Run,
        pin: Collection[int],
        exclude: Collection[int],
        progress: Callable[[str], None],
        *,
        environment: bool = False,
        read: Callable[[str], bytes] | None = None,
    ) -> None:
        self.run = run
        self.environment = environment
        #: When the export began, without what an installation took (seconds, monotonic).
        self.begun = time.monotonic()
        self.session = Session(run, exclude)
        self.pin = set(pin)
        self.exclude = set(exclude)
        self.progress = progress
        #: What the run kept of its predictions, and where it lies for the proof's processes.
        self.predicted = predicted.Predicted(run, self.session.proved, read) if read is not None else None
        self.tables: Path | None = None

    def prove(self, folder: Path) -> Outcome:
        """Climb the ladder until a proof holds; leave the files of the best rung in `folder`."""
        if self.predicted is None:
            return self._prove(folder)
        with tempfile.TemporaryDirectory(prefix="pipeline-tables-") as tables:
            self.tables = Path(tables) if self.predicted.lay_out(Path(tables)) else None
            return self._prove(folder)

    def _prove(self, folder: Path) -> Outcome:
        self.session.version_folder = folder
        attempts: list[Attempt] = []
        builds: list[Build] = []
        proved: Build | None = None
        for rung, kept, options in self._rungs():
            if self._is_as_unseeded(kept, builds):
                continue
            build = self._build(rung, kept, **options)
            if build is None:
                attempts.append(
                    Attempt(rung=rung, orders=kept.orders, verdict="unprovable", cause=self._unbuildable)
                )
                continue
            if any(build.code == other.code for other in builds):
                continue
            write_files(folder, build)
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
            raise ExportError(f"Run {self.run.reference} cannot be written as a script. {self._unbuildable}")
        if proved is None:
            best = self._most_telling(folder, builds)
            write_files(folder, best)
            return Outcome(self._report(best, attempts, "rejected"), best.script, best.kept)
        return Outcome(self._report(proved, attempts, "validated"), proved.script, proved.kept)

    def _rungs(self) -> Iterator[tuple[str, Slice, dict[str, bool]]]:
        """The rungs from the smallest: a name, the cells, and how `Assembly` is to treat them."""
        last = max(self.session.wanted, default=max(self.session.by_order))
        given: dict[str, Any] = {"wanted": self.session.wanted, "pin": self.pin, "exclude": self.exclude}
        minimal = slicing.slice_cells(self.session.executions, **given)
        wide = slicing.slice_cells(self.session.executions, widen=True, **given)
        everything = slicing.all_successful(self.session.executions, last=last, exclude=self.exclude)
        whole = {"whole": True}
        for rung, kept, options in (
            ("the minimal slice", minimal, {}),
            ("the minimal slice with whole cells", minimal, whole),
            ("the slice with cells that touch what cannot be watched", wide, whole),
            ("all cells that ended well, in order", everything, whole),
            ("all cells that ended well, nothing moved", everything, {"whole": True, "as_executed": True}),
        ):
            self._refused = False
            yield rung, kept, options
            if self._refused:
                yield f"{rung}, without what no script can do", kept, {**options, "without_refused": True}

    def _most_telling(self, folder: Path, builds: list[Build]) -> Build:
        """Of failed rungs the one whose cause says most; finds out whether chance was at work."""
        ran = [build for build in builds if build.first is not None and build.first.exit_code == 0]
        if ran and ran[-1].code_name == "metrics_differ":
            widest = ran[-1]
            if widest.second is None:
                self.progress("Running once more, to see whether the numbers change by chance.")
                write_files(folder, widest)
                widest.second = self._run(folder, widest)
            for _ in range(2 if self._is_left_to_chance(widest) else 0):
                if not self._agree(widest):
                    break
                # Coarse scores can be equal by luck, here as where a proof holds.
                widest.second = self._run(folder, widest)
            self._judge(widest)
        ranking = (
            "environment_failed",
            "data_changed",
            "missing_input",
            "contract_failed",
            "non_deterministic",
            "predictions_differ",
            "metrics_differ",
            "unprovable",
        )
        return min(
            builds,
            key=lambda build: ranking.index(build.code_name) if build.code_name in ranking else len(ranking),
        )

    @staticmethod
    def _agree(build: Build) -> bool:
        """Whether both processes of a failed proof gave the same numbers."""
        if build.first is None or build.second is None or build.second.exit_code != 0:
            return False
        checks = validation.compare(build.first.metrics, build.second.metrics, None)
        return all(check.equal for check in checks)

    # ---- one rung

    _unbuildable = ""
    _refused = False

    def _build(self, rung: str, kept: Slice, **options: bool) -> Build | None:
        try:
            build = Assembly(self.session, kept, **options).build(rung)
            self._refused = bool(build.script.refused)
            return build
        except (SyntaxError, ValueError, KeyError, AssertionError, RecursionError) as error:
            self._unbuildable = f"The code could not be put together ({type(error).__name__}: {error})."
            return None

    def _prove_one(self, folder: Path, build: Build) -> bool:
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
        if not self._surround(build):
            return False
        count = f"{len(build.kept.kept)} cell{'s' if len(build.kept.kept) != 1 else ''}"
        self.progress(f"Proving {build.rung} ({count}) in two fresh processes.")
        texts: list[str] = []

        def promise(described: dict[str, Any]) -> str:
            texts.append(contracts.write_contracts(build.promised, described))
            return texts[0]

        build.first, build.second = self._run_twice(folder, build, promise)
        if not self._judge(build) or build.second is None:
            return False
        if texts and not (build.first.promise or build.second.promise):
            # Predictions that do not look alike twice can promise nothing.
            build.contracts, build.held = texts[0], (f"{contracts.PREDICTIONS}: held",)
            (folder / "contracts.py").write_text(build.contracts, encoding="utf-8")
        return not self._is_luck(folder, build) and self._are_the_notebooks(build)

    def _are_the_notebooks(self, build: Build) -> bool:
        """Whether the predictions behind equal numbers are those that the run kept; sets the cause."""
        if self.predicted is None or build.first is None or build.second is None:
            return True
        found = self.predicted.judge(
            build.first.observed.predictions, build.second.observed.predictions, near=bool(build.luck)
        )
        build.predictions = found.said
        if not found.cause:
            return True
        build.code_name = "non_deterministic" if found.by_chance else "predictions_differ"
        build.cause, build.diverging = found.cause, found.metric
        return False

    def _surround(self, build: Build) -> bool:
        """Choose a proof's interpreter: the kernel's, or that of a new environment; False if it fails."""
        build.executable = self.session.executable
        if not self.environment:
            return True
        begun = time.monotonic()
        doubts = lockfile.doubts(build.lock)
        for doubt in doubts:
            self.progress(doubt)
        try:
            made = surroundings.make_surroundings(build.lock, self.session.executable, self.progress)
        except InstallationError as error:
            build.code_name, build.log = "environment_failed", error.log
            build.cause = " ".join([error.message, *doubts])
            return False
        self.begun += time.monotonic() - begun
        build.executable = made.executable
        packages = f"{made.packages} package{'s' if made.packages != 1 else ''}"
        build.environment = f"a new environment made from requirements.lock ({packages})"
        return True

    def _run_twice(
        self, folder: Path, build: Build, promise: Callable[[dict[str, Any]], str] | None = None
    ) -> tuple[trial.Outcome, trial.Outcome | None]:
        return trial.run_twice(
            folder,
            build.executable,
            timeout=self._allowed(build),
            memory=self.run.peak_memory or 0,
            kept=self.tables,
            promise=promise,
            wishes=self._wishes(build) if promise is not None else None,
        )

    def _wishes(self, build: Build) -> trial.Wishes | None:
        """Other values of settings, to be tried while the export has time left."""
        cells = sum(self.session.by_order[order].duration for order in build.kept.orders)
        left = self.begun + _TIMES * cells + _SECONDS - _WRITING - time.monotonic()
        values = confirmation.other_values(build.script.config)
        return trial.Wishes(deadline=time.time() + left, values=values) if left > 0 and values else None

    def _is_luck(self, folder: Path, build: Build) -> bool:
        """Whether equal numbers were made of random ones that nothing fixed; sets the cause."""
        first, second = build.first, build.second
        assert first is not None  # noqa: S101 - both have run, or there were no equal numbers
        assert second is not None  # noqa: S101
        generators = chance.unseeded(first.observed, second.observed)
        if not generators:
            return False
        found = chance.differing(build.code, build.metrics_word, first.observed, second.observed)
        if not found:
            self.progress("Random numbers were drawn without a seed: running twice more.")
            for outcome in filter(None, self._run_twice(folder, build)):
                build.second = outcome
                if not self._judge(build):
                    return True
                found = chance.differing(build.code, build.metrics_word, first.observed, outcome.observed)
                if found:
                    break
        if not found:
            drawn = f"Random numbers were drawn without a seed ({_listed(generators)})"
            other = build.second or second
            near = chance.nearly_equal(build.code, build.metrics_word, first.observed, other.observed)
            said = "computed the same all the way"
            if near:
                where, by = max(near.items(), key=lambda item: item[1])
                said = (
                    f"agree but for the last places (`{where.partition('.')[2]}` by {by:.1g} of its size), "
                    "as a solver does that stops when it is near enough"
                )
            build.luck = (f"{drawn}; four processes {said}, so no number seems to hang on them.",)
            return False
        build.code_name, build.diverging = "non_deterministic", found[0].partition(".")[2]
        build.cause = (
            f"The numbers are equal by chance: random numbers without a seed ({_listed(generators)}) reach "
            f"`{build.diverging}`, which is another in each process."
        )
        return True

    def _is_as_unseeded(self, kept: Slice, builds: list[Build]) -> bool:
        """Whether a rung adds nothing to one that chance decided: no cell that sets a seed."""
        for build in builds:
            if build.code_name == "non_deterministic":
                more = [self.session.by_order[order] for order in set(kept.orders) - set(build.kept.orders)]
                if not any(
                    cell.from_history or any(state.startswith("rng:") for state in cell.ambient_writes)
                    for cell in more
                ):
                    return True
        return False

    def _is_left_to_chance(self, build: Build) -> bool:
        """Whether random numbers reach the kept cells without a seed among them."""
        seeded: set[str] = set()
        for order in build.kept.orders:
            cell = self.session.by_order[order]
            if any(state.startswith("rng:") and state not in seeded for state in cell.ambient_reads):
                return True
            seeded.update(state for state in cell.ambient_writes if state.startswith("rng:"))
        return any(warning.code == "unseeded_randomness" for warning in self.run.warnings)

    def _run(self, folder: Path, build: Build) -> trial.Outcome:
        return trial.run_script(folder, build.executable, timeout=self._allowed(build))

    def _allowed(self, build: Build) -> float:
        """The seconds one process may take."""
        return 120 + 20 * sum(self.session.by_order[order].duration for order in build.kept.orders)

    def _judge(self, build: Build) -> bool:
        """Read a proof's outcomes: sets the build's cause, and says whether it held."""
        build.cause = build.diverging = ""
        for outcome in (build.first, build.second):
            if outcome is not None and outcome.exit_code != 0:
                build.code_name = {2: "missing_input", 3: "contract_failed"}.get(
                    outcome.exit_code or 0, "step_failed"
                )
                if outcome.failed or (outcome.exit_code == 2 and "does not exist" not in outcome.cause):
                    build.code_name = "step_failed"
                build.cause, build.diverging = self._explained(outcome, build)
                return False
        first = build.first.metrics if build.first else {}
        second = build.second.metrics if build.second else None
        checks = validation.compare(self.session.proved, first, second)
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

    def _explained(self, outcome: trial.Outcome, build: Build) -> tuple[str, str]:
        cause = outcome.cause.rstrip(".") + "."
        for name, order in build.kept.scratch.items():
            if repr(name) in cause:
                count = self.session.by_order[order].execution_count or order
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
            if build.environment:
                return f"The module {module!r} is not among what requirements.lock pins.", module
            return f"The module {module!r} cannot be imported by {build.executable}.", module
        return cause, outcome.failed

    def _report(self, build: Build, attempts: list[Attempt], verdict: str) -> ValidationReport:
        first = build.first.metrics if build.first else {}
        second = build.second.metrics if build.second else None
        checks = validation.compare(self.session.proved, first, second) if build.first else ()
        hints = {
            "non_deterministic": "Set a seed (random_state=…, np.random.seed(…)), sort what a set gives, and "
            "run the notebook again.",
            "data_changed": "Restore the file, or run the notebook with the new data and export that run.",
            "missing_input": "Put the file back where the notebook read it, and export again.",
            "contract_failed": "Look at contracts.py: the data does not look as it did in the run.",
            "metrics_differ": "Restart the kernel, run the notebook from the top and export the new run.",
            "predictions_differ": "Something that they hang on is not in the script. Pin the cells you miss, "
            "or restart the kernel, run the notebook from the top and export the new run.",
            "step_failed": "Restart the kernel, run the notebook from the top and export the new run.",
            "environment_failed": "The report holds the end of the installer's log. Mend the index or the "
            "version that it does not find, or export without a new environment.",
            "unprovable": "Do this step outside the notebook's tracked cells, and export a new run.",
        }
        rejected = verdict == "rejected"
        outcome = build.second or build.first
        settings = _confirmed(build)
        idle = [found.name for found in settings if found.idle]
        return ValidationReport(
            verdict=verdict,
            cause=build.cause if rejected else "",
            code=build.code_name if rejected else "",
            diverging=build.diverging if rejected else "",
            hint=hints.get(build.code_name, "") if rejected else "",
            metrics=checks,
            contracts=(*(outcome.contracts if outcome else ()), *build.held),
            attempts=tuple(attempts),
            deterministic=not (rejected and build.code_name == "non_deterministic"),
            log=outcome.log[-5000:] if outcome else build.log,
            notes=(*build.left_out, *build.luck, *_said_of_idle(idle)),
            settings=tuple(found.said for found in settings),
            environment=build.environment,
            predictions=build.predictions,
        )


def _confirmed(build: Build) -> list[confirmation.Found]:
    """What the proof knows of each setting: which steps read it, what another value of it changed."""
    first, second = build.first, build.second
    if first is None:
        return []
    other = second.observed.content if second is not None else {}
    steady = {
        name: digest for name, digest in first.observed.content.items() if other.get(name, digest) == digest
    }
    return confirmation.what_settings_do(
        build.script.config, first.observed.settings, first.tried, steady, first.metrics
    )


def _said_of_idle(names: Sequence[str]) -> list[str]:
    """What a reader has to know of settings that change nothing."""
    if not names:
        return []
    which = f"setting{'s' if len(names) > 1 else ''} " + ", ".join(f"`{name}`" for name in names)
    return [f"The proof tried other values of the {which}: no number, model or prediction changed."]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def write_files(folder: Path, build: Build) -> None:
    """Put the files of a rung into `folder`, and nothing else."""
    for place in folder.iterdir():
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    (folder / "pipeline.py").write_text(build.code, encoding="utf-8")
    (folder / "config.yaml").write_text(build.config, encoding="utf-8")
    (folder / "contracts.py").write_text(build.contracts, encoding="utf-8")
    (folder / "requirements.lock").write_text(build.lock, encoding="utf-8")
    (folder / "ruff.toml").write_text(formatting.configuration(build.width), encoding="utf-8")
    templates = Path(__file__).parent / "script"
    for template, name in (
        ("pipeline_runner.py", "pipeline_runner.py"),
        ("step_cache.py", "step_cache.py"),
        ("pipeline_test.py", "test_pipeline.py"),
    ):
        text = (templates / template).read_text(encoding="utf-8")
        # What our own rules are told is no business of the exported file.
        text = text.partition("\n")[2] if text.startswith("# ruff: noqa") else text
        (folder / name).write_text(text, encoding="utf-8")
    for name, place in build.modules.items():
        target = folder / "modules" / place.name
        target.parent.mkdir(exist_ok=True)
        if place.is_dir():
            shutil.copytree(place, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copyfile(place, target.parent / f"{name}.py")
