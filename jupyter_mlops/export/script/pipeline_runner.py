"""Runs the steps of the pipeline beside it; the same file in every exported version.

A step is a plain function. It is given what earlier steps gave, by the names of its parameters; a
parameter of the type `Metrics` is given the numbers of this run, one of the configuration's type the
configuration. What it gives itself goes by the names after its ``return``. ``pipeline.py`` hands its
steps to `run_pipeline`, which is its command line.

Exit codes: 0 done, 2 configuration, 3 contract, 4 metric gate, 5 step. The log is JSON lines on
standard error; metrics are printed on standard output.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import dataclasses
import functools
import importlib.util
import inspect
import itertools
import json
import math
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar, dataclass_transform

PIPELINE_FOLDER = Path(__file__).resolve().parent

Value = TypeVar("Value")


class Metrics(dict[str, Any]):
    """The run's numbers by name.

    `keep` keeps a value inside an expression, `note` every value it takes, of which `tell` says the names.
    """

    def __init__(self) -> None:
        super().__init__()
        self.noted: dict[str, list[Any]] = {}

    def keep(self, name: str, value: Value) -> Value:
        """Keep `value` as the metric `name` and give it back; of many the last one counts."""
        self[name] = value
        return value

    def note(self, key: str, value: Value) -> Value:
        """Remember `value` under `key` and give it back."""
        self.noted.setdefault(key, []).append(value)
        return value

    def take(self, name: str, value: Any, *levels: Iterable[Any]) -> None:
        """Keep many numbers of one value: for every key of each level, ``name.key`` or ``name.key.key``."""
        for path in itertools.product(*levels):
            words = [re.sub(r"\W+", "_", str(key)).strip("_") for key in path]
            self[".".join([name, *words] if name else words)] = pick(value, *path)

    def take_report(self, name: str, report: Mapping[str, Any]) -> None:
        """Keep the scores of a classification report, as ``name.class.score``."""
        for label, scores in report.items():
            if isinstance(scores, Mapping):
                self.take(name, report, [label], [key for key in scores if key != "support"])
            else:
                self.take(name, report, [label])

    def take_rows(
        self,
        names: str | Sequence[str],
        table: Any,
        rows: Sequence[str] | Mapping[int, str] = (),
        columns: Sequence[str] = (),
        *,
        by: Sequence[str] = (),
    ) -> None:
        """Keep a table's numbers as ``name.row.column``, under one name or several.

        `rows` says what its rows are called, in order or by position; with `by` it is their own values in
        these columns, or levels of their index: ``depth_3_rate_0.1``.
        """
        if by:
            told = [[f"{key}_{value}" for value in told_by(table, key)] for key in by]
            rows = ["_".join(parts)[:40] for parts in zip(*told, strict=True)]
        places = rows if isinstance(rows, Mapping) else dict(enumerate(rows))
        several = [names] if isinstance(names, str) else names
        for name, (place, row), column in itertools.product(several, places.items(), columns):
            self[joined(name, row, column)] = pick(table, column, place)

    def tell(self, key: str, names: Sequence[str] | Mapping[str, int], *, last: str = "") -> None:
        """Keep the values that were noted under `key` by their names in order, or each by its place."""
        places = dict(names if isinstance(names, Mapping) else zip(names, itertools.count(), strict=False))
        places |= {last: -1} if last else {}
        for name, place in places.items():
            self[name] = self.noted[key][place]


def told_by(table: Any, key: str) -> list[Any]:
    """The values of a table's column, or else of the level of its index that is called so."""
    index = getattr(table, "index", None)
    if key not in getattr(table, "columns", ()) and key in getattr(index, "names", ()):
        return list(table.index.get_level_values(key))
    return list(table[key])


def joined(*words: str) -> str:
    """A metric's name from what holds it, its row and its column, as the notebook's run was told it."""
    text = ".".join(word.replace(" ", "_") for word in words if word).replace("²", "2")
    parts = [part for part in re.split(r"[^\w.@]+", text) if part.strip("._")]
    cased = [
        part.lower() if part.istitle() or (len(parts) > 1 and not part.isupper()) else part for part in parts
    ]
    return "_".join(part.strip("._") for part in cased)[:60]


def pick(value: Any, *path: Any) -> Any:
    """Follow keys, columns, row positions, attributes (``.name``) and the words mean and std into a value."""
    for key in path:
        if isinstance(key, str) and key.startswith(".") and hasattr(value, key[1:]):
            value = getattr(value, key[1:])
        elif isinstance(key, int) and hasattr(value, "iloc"):
            value = value.iloc[key]
        elif key in ("mean", "std") and hasattr(value, "shape") and not hasattr(value, "iloc"):
            value = getattr(value, key)()
        elif isinstance(value, dict) and key not in value:
            value = next(held for name, held in value.items() if str(name) == key)
        else:
            value = value[key]
    return value


class Step:
    """One step: its function and the names of what it gives, in this order.

    Results of a step that must not be kept (``keep=False``) are made again each time.
    """

    def __init__(self, call: Callable[..., Any], *, keep: bool = True) -> None:
        self.call = call
        self.name: str = call.__name__
        self.gives = _returned(call.__code__.co_filename).get(self.name, ())
        self.keep = keep
        self.takes = inspect.signature(call).parameters

    def checks(self) -> set[str]:
        """The names whose contracts the step holds."""
        code = self.call.__code__
        held = load_beside("contracts").CONTRACTS if "check_contract" in str(code.co_names) else {}
        return {name for name in held if name in code.co_consts}


@functools.cache
def _returned(file: str) -> dict[str, tuple[str, ...]]:
    """What every function of a script gives: the names after its ``return``."""
    found = {}
    for node in ast.parse(Path(file).read_text(encoding="utf-8"), file).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.body[-1]
            value = last.value if isinstance(last, ast.Return) else None
            parts = value.elts if isinstance(value, ast.Tuple) else [value] if value else []
            found[node.name] = tuple(map(_name_of, parts))
    return found


def _name_of(result: ast.expr) -> str:
    """The name of a result: its own, or that of the contract it is held against."""
    if isinstance(result, ast.Call) and result.args and isinstance(result.args[0], ast.Constant):
        return str(result.args[0].value)
    return result.id if isinstance(result, ast.Name) else ast.unparse(result)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
@dataclass(frozen=True)
class Settings:
    """The configuration of a pipeline: a subclass says the names, types and values of its settings.

    Relative input paths begin at `base_directory`; config.yaml says where that is.
    """

    base_directory: str = ""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)


def input_path(default: str) -> Any:
    """A setting that names a file to read; a relative one begins at ``base_directory``."""
    return field(default=default, metadata={"path": "input"})


def output_path(default: str) -> Any:
    """A setting that names a file the steps write; a relative one begins at the output folder."""
    return field(default=default, metadata={"path": "output"})


@dataclass(frozen=True)
class Pipeline:
    """What ``pipeline.py`` says of itself.

    `model`, `predictions` and `rows` are names that steps give; `rows` is the table whose index the
    predictions have. `links` are files that the code reads by relative paths of its own, `copies`
    those of them that it changes, `folders` where it writes.
    """

    config: type[Any]
    steps: tuple[Step, ...]
    model: str = ""
    predictions: str = ""
    rows: str = ""
    links: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def names_of(self, kind: type[Any]) -> list[str]:
        """What the steps call a parameter of this type."""
        found = [
            name for step in self.steps for name, taken in step.takes.items() if taken.annotation is kind
        ]
        return list(dict.fromkeys(found))


class PipelineError(Exception):
    """Ends the pipeline with an exit code: 2 config, 3 contract, 4 metric gate, 5 step."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def log_event(event: str, **details: Any) -> None:
    """Write one JSON line to standard error."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"time": stamp, "event": event, **details}, default=str)
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def log_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Write a warning of Python's as a line of the log."""
    log_event("warning", category=category.__name__, message=str(message))


#: The names whose contracts this process has held.
HELD: set[str] = set()
#: How often each kind of finding that stops nothing was made.
DOUBTS = {"contract_warning": 0, "contract_drift": 0}


def check_contract(name: str, value: Value) -> Value:
    """Hold `value` against its contract and give it back.

    Errors end the pipeline (exit code 3) before anything is written. Values outside what was seen
    are warnings, and a distribution that has moved is drift: both are logged, and the run goes on.
    """
    errors = []
    for finding in load_beside("contracts").check(name, value):
        if finding.severity == "error":
            errors.append(finding.message)
        else:
            event = f"contract_{finding.severity}"
            DOUBTS[event] += 1
            log_event(event, data=name, message=finding.message)
    if errors:
        raise PipelineError(3, f"{name} breaks its contract: {'; '.join(errors)}.")
    HELD.add(name)
    log_event("contract_held", data=name)
    return value


def load_beside(name: str) -> Any:
    """A module that lies beside this script, such as contracts.py."""
    known = f"pipeline_{name}"
    if known not in sys.modules:
        place = PIPELINE_FOLDER / f"{name}.py"
        found = importlib.util.spec_from_file_location(known, place)
        if found is None or found.loader is None or not place.exists():
            raise PipelineError(2, f"{place} is missing: it belongs beside the script.")
        module = importlib.util.module_from_spec(found)
        sys.dont_write_bytecode = True  # a version's folder never changes
        sys.modules[known] = module
        try:
            found.loader.exec_module(module)
        except ImportError as error:
            del sys.modules[known]
            raise PipelineError(2, f"{place.name} needs {error.name}: install requirements.lock.") from error
    return sys.modules[known]


def load_config(kind: type[Any], path: Path, changes: list[str], output: Path) -> Any:
    """Read the configuration, apply ``key=value`` changes, check types and make paths absolute."""
    try:
        import yaml
    except ImportError as error:
        raise PipelineError(2, "PyYAML is missing: install requirements.lock.") from error
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise PipelineError(2, f"The configuration {path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise PipelineError(2, f"The configuration {path} must map names to values.")
    fields = {found.name: found for found in dataclasses.fields(kind)}
    if isinstance(values.get("base_directory"), str):
        values["base_directory"] = str((path.resolve().parent / values["base_directory"]).resolve())
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise PipelineError(2, f"--set needs key=value, not {change!r}.")
        try:
            plain = key in fields and type_of(fields[key]) == "str"
            values[key] = text if plain else yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise PipelineError(2, f"--set {key}: {text!r} is no value.") from error
    for key in values:
        if key not in fields:
            raise PipelineError(
                2, f"Unknown setting {key!r} in the configuration; known: {', '.join(fields)}."
            )
    for key, value in values.items():
        values[key] = checked_value(key, type_of(fields[key]), value)
    config = kind(**values)
    roots = {"input": Path(config.base_directory), "output": output}
    paths = {
        key: str(roots[field.metadata["path"]] / getattr(config, key))
        for key, field in fields.items()
        if "path" in field.metadata
    }
    for key, place in paths.items():
        if fields[key].metadata["path"] == "input" and not Path(place).exists():
            raise PipelineError(
                2, f"The input {key} = {place} does not exist; set it in {path.name} or with --set."
            )
    return dataclasses.replace(config, **paths)


def type_of(setting: dataclasses.Field[Any]) -> str:
    """The name of a setting's type."""
    return setting.type if isinstance(setting.type, str) else str(setting.type.__name__)


def checked_value(key: str, expected: str, value: Any) -> Any:
    """`value`, if it has the type the setting asks for; whole numbers may stand for floats."""
    if expected == "float" and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    elif type(value).__name__ == expected:
        return value
    raise PipelineError(2, f"The setting {key!r} must be {expected}, not {value!r} ({type(value).__name__}).")


def run_steps(
    pipeline: Pipeline, config: Any, last: str | None, cache: Any
) -> tuple[dict[str, Any], Metrics]:
    """Run the steps in order; give every named result and the metrics.

    With `last` only that one, on results that `cache` has kept of those before it, as far as it has.
    """
    metrics = Metrics()
    state: dict[str, Any] = dict.fromkeys(pipeline.names_of(pipeline.config) or ["config"], config)
    state |= dict.fromkeys(pipeline.names_of(Metrics) or ["metrics"], metrics)
    names = [step.name for step in pipeline.steps]
    target = len(names) - 1 if last is None else names.index(last)
    first = cache.resume(state, target, reuse=last is not None) if cache is not None else 0
    with asyncio.Runner() as runner:
        for position, step in enumerate(pipeline.steps):
            if position < first:
                log_event("step_reused", step=step.name)
                continue
            begun = time.perf_counter()
            result = call_step(step, state, runner.get_loop())
            results = (result,) if len(step.gives) == 1 else result or ()
            state.update(zip(step.gives, results, strict=True))
            log_event("step_done", step=step.name, seconds=round(time.perf_counter() - begun, 3))
            if step.name == last:
                break
            if cache is not None and position < target:
                why_not = cache.keep(state, position)
                if why_not:
                    log_event("step_not_kept", step=step.name, reason=why_not)
    return state, metrics


def call_step(step: Step, state: dict[str, Any], loop: asyncio.AbstractEventLoop) -> Any:
    """What one step gives. A failure is exit code 5; on data whose contract is not held yet, 3."""
    try:
        result = step.call(*(state[name] for name in step.takes))
        return loop.run_until_complete(result) if inspect.isawaitable(result) else result
    except PipelineError:
        raise
    except Exception as error:
        kind, trace = type(error).__name__, traceback.format_exc()
        log_event("step_failed", step=step.name, error=kind, traceback=trace)
        unheld = sorted(step.checks() - HELD)
        if unheld and not isinstance(error, ImportError | NameError | MemoryError):
            message = f"{', '.join(unheld)} cannot be read as in the run: step {step.name} failed with"
            raise PipelineError(3, f"{message} {kind}: {error}") from error
        raise PipelineError(5, f"Step {step.name} failed: {kind}: {error}") from error


def open_cache(pipeline: Pipeline, config: Any, output: Path) -> Any:
    """Keeps the results of steps for `step`, in the output folder; see step_cache.py."""
    base = Path(config.base_directory)
    return load_beside("step_cache").StepCache(
        PIPELINE_FOLDER / "pipeline.py",
        output,
        config,
        [step.name for step in pipeline.steps],
        unkept=[step.name for step in pipeline.steps if not step.keep],
        inputs=[base / name for name in pipeline.links],
    )


def enter_working_folder(pipeline: Pipeline, base: Path, work: Path) -> None:
    """Go where the code's own relative paths lead to links to its inputs, and what it writes stays."""
    for name in pipeline.folders:
        (work / name).mkdir(parents=True, exist_ok=True)
    for name in pipeline.links:
        target = work / name
        if not (base / name).exists():
            raise PipelineError(2, f"The input {base / name} does not exist; set base_directory with --set.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if name in pipeline.copies:
            shutil.copyfile(base / name, target)
        else:
            target.symlink_to((base / name).resolve())
    os.chdir(work)


def plain_number(name: str, value: Any) -> int | float:
    """A metric as a plain int or float, whatever library it comes from."""
    value = getattr(value, "detach", lambda: value)()
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else value
    try:
        return float(value)
    except (TypeError, ValueError):
        raise PipelineError(5, f"The metric {name!r} is no number but {type(value).__name__}.") from None


def write_outputs(
    pipeline: Pipeline, output: Path, numbers: dict[str, int | float], state: dict[str, Any]
) -> None:
    """Write metrics.json, the model and the predictions; each whole or not at all.

    Predictions that break their contract end the pipeline before anything is written.
    """
    model = state.get(pipeline.model)
    table = predictions_of(pipeline, state)
    if table is not None and "predictions.csv" in load_beside("contracts").CONTRACTS:
        check_contract("predictions.csv", table)
    output.mkdir(parents=True, exist_ok=True)
    if model is not None:
        write_model(pipeline.model, model, output)
    if table is not None:
        write_atomically(output / "predictions.csv", table.to_csv)
        log_event("predictions_written", **described(table, getattr(model, "classes_", None)))
    write_atomically(
        output / "metrics.json", lambda place: place.write_text(json.dumps(numbers, indent=2) + "\n")
    )


def write_model(name: str, model: Any, output: Path) -> None:
    """Write a fitted model: parameters of a PyTorch module as model.pt, all else as model.joblib."""
    torch = sys.modules.get("torch")
    try:
        if torch is not None and isinstance(model, torch.nn.Module):
            write_atomically(output / "model.pt", lambda place: torch.save(model.state_dict(), place))
            return
        import joblib

        write_atomically(output / "model.joblib", lambda place: joblib.dump(model, place))
    except Exception as error:  # noqa: BLE001 - some models cannot be written; the numbers still count
        log_event("model_not_written", model=name, error=f"{type(error).__name__}: {error}")


def predictions_of(pipeline: Pipeline, state: dict[str, Any]) -> Any:
    """What was predicted as a table with the index of its rows; None where no table can hold it."""
    if pipeline.predictions not in state:
        return None
    import pandas as pd

    value = state[pipeline.predictions]
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    try:
        table = pd.DataFrame(value)
    except Exception as error:  # noqa: BLE001 - not everything a model predicts is a table
        log_event("predictions_not_written", error=f"{type(error).__name__}: {error}")
        return None
    if len(table.columns) == 1:
        table.columns = pd.Index(["prediction"])
    index = getattr(state.get(pipeline.rows), "index", None)
    if isinstance(index, pd.Index) and not isinstance(value, pd.DataFrame | pd.Series):
        table.index = index if len(index) == len(table) else table.index
    if table.index.nlevels == 1 and table.index.name is None:
        table.index.name = "index"
    return table.rename(columns=str)


def described(table: Any, classes: Any) -> dict[str, Any]:
    """Rows and columns of a table of predictions: type, missing values, extremes, possible classes."""
    columns = {}
    for name in list(table.columns)[:50]:
        values = table[name]
        columns[name] = found = {"dtype": str(values.dtype), "nullable": bool(values.isna().any())}
        known: list[Any] = getattr(classes, "tolist", list)() if getattr(classes, "ndim", 0) == 1 else []
        if 0 < len(known) <= 100 and bool(values.isin(known).all()):
            found["categories"] = known
        elif getattr(values.dtype, "kind", "") in "iuf" and len(values.dropna()):
            found["minimum"], found["maximum"] = float(values.min()), float(values.max())
    return {"rows": len(table), "columns": columns}


def write_atomically(target: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a file beside `target`, then put it in its place."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    place = Path(name)
    try:
        write(place)
        place.chmod(0o644)
        place.replace(target)
    finally:
        place.unlink(missing_ok=True)


def hold_gates(numbers: dict[str, int | float]) -> None:
    """Compare the metrics with the baseline in manifest.json; a difference is exit code 4."""
    try:
        manifest = json.loads((PIPELINE_FOLDER / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PipelineError(2, f"manifest.json, which holds the gates, cannot be read: {error}") from error
    broken = []
    for name, gate in manifest["gates"].items():
        value, expected = numbers.get(name), float(gate["value"])
        held = value is not None and (
            math.isclose(value, expected, rel_tol=gate["relative"], abs_tol=gate["absolute"])
            or (math.isnan(value) and math.isnan(expected))
        )
        log_event("gate", metric=name, expected=expected, value=value, held=held)
        if not held:
            broken.append(f"{name} is {value}, expected {expected}")
    if broken:
        raise PipelineError(4, "Metric gates are not held: " + "; ".join(broken))


def run_command(pipeline: Pipeline, options: argparse.Namespace) -> None:
    """Do what the command line asks for."""
    output = Path(options.output_dir).resolve()
    config = load_config(pipeline.config, Path(options.config), options.set, output)
    names = [step.name for step in pipeline.steps]
    last = getattr(options, "name", None)
    if last is not None and last not in names:
        raise PipelineError(2, f"There is no step {last!r}; steps: {', '.join(names)}.")
    if options.dry_run:
        settings = dataclasses.asdict(config)
        if not config.base_directory:
            del settings["base_directory"]
        plan = {"steps": names, "config": settings}
        sys.stdout.write(json.dumps(plan, indent=2, default=str) + "\n")
        return
    output.mkdir(parents=True, exist_ok=True)
    cache = open_cache(pipeline, config, output) if getattr(options, "keep", False) else None
    if pipeline.links or pipeline.folders:
        base = Path(config.base_directory)
        enter_working_folder(pipeline, base, output / "work")
    state, metrics = run_steps(pipeline, config, last, cache)
    numbers = {name: plain_number(name, value) for name, value in metrics.items()}
    if options.command == "validate":
        hold_gates(numbers)
    write_outputs(pipeline, output, numbers, state)
    sys.stdout.write(json.dumps(numbers, indent=2) + "\n")


def parsed(arguments: Sequence[str] | None, description: str) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="pipeline.py", description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, text in (
        ("run", "run all steps and write the results"),
        ("step", "run one step, on kept results of those before it"),
        ("validate", "run all steps and compare the metrics with the baseline"),
    ):
        sub = commands.add_parser(command, help=text)
        if command == "step":
            sub.add_argument("name", help="name of the step")
            sub.add_argument(
                "--no-cache", dest="keep", action="store_false", help="run the steps before it, too"
            )
        elif command == "run":
            sub.add_argument("--keep", action="store_true", help="keep the results of steps for `step`")
        sub.add_argument("--config", default=str(PIPELINE_FOLDER / "config.yaml"), help="configuration file")
        sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
        sub.add_argument("--output-dir", default="output", help="folder for the results")
        sub.add_argument("--dry-run", action="store_true", help="check the configuration and show the plan")
    return parser.parse_args(arguments)


def run_pipeline(
    *steps: Callable[..., Any], always: Sequence[Callable[..., Any]] = (), **more: Any
) -> NoReturn:
    """Run a pipeline from the command line, and end the process with its exit code.

    Its configuration is the subclass of `Settings` that there is.

    Args:
        steps: Its steps, in order.
        always: The steps that do more than can be kept, and run each time.
        more: See `Pipeline`.
    """
    config = next(iter(Settings.__subclasses__()), None) or type("NoSettings", (Settings,), {})
    pipeline = Pipeline(config, tuple(Step(call, keep=call not in always) for call in steps), **more)
    options = parsed(None, f"{PIPELINE_FOLDER.parent.name} {PIPELINE_FOLDER.name}")
    warnings.showwarning = log_warning
    try:
        run_command(pipeline, options)
    except PipelineError as stop:
        log_event("stopped", exit_code=stop.exit_code, message=str(stop))
        sys.exit(stop.exit_code)
    log_event("done", **DOUBTS)
    sys.exit(0)
