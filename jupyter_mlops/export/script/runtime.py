"""The part of a pipeline script that is the same in every export.

What stands below the line is copied to the end of ``pipeline.py``. What stands above it is the
smallest pipeline there is, so that this file can be checked and run by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import importlib.util
import inspect
import json
import math
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable  # noqa: TC003 - scripts keep their imports together
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Config:
    """Settings of this pipeline."""

    base_directory: str = field(default=".")


class Metrics(dict[str, Any]):
    """The numbers of one run by name."""


@dataclass(frozen=True)
class Step:
    """One step: its function, what it is given and what it gives, in this order."""

    call: Callable[..., Any]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


STEPS: tuple[Step, ...] = ()
METRICS: tuple[str, ...] = ()
MODEL = ""
PREDICTIONS = ""
LINKED: tuple[str, ...] = ()
COPIED: tuple[str, ...] = ()
FOLDERS: tuple[str, ...] = ()
UNKEPT: tuple[str, ...] = ()


# ---- running: the same in every pipeline --------------------------------------------------------

PIPELINE_FOLDER = Path(__file__).resolve().parent


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


def check_contract(name: str, value: Any) -> None:
    """Hold `value` against its contract: errors end the pipeline (exit code 3), doubts are logged."""
    errors, doubts = load_beside("contracts").check(name, value)
    for doubt in doubts:
        log_event("contract_warning", data=name, message=doubt)
    if errors:
        raise PipelineError(3, f"{name} breaks its contract: " + "; ".join(errors))
    log_event("contract_held", data=name)


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
        try:
            found.loader.exec_module(module)
        except ImportError as error:
            raise PipelineError(2, f"{place.name} needs {error.name}: install requirements.lock.") from error
        sys.modules[known] = module
    return sys.modules[known]


def load_config(path: Path, changes: list[str], output: Path) -> Config:
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
    fields = {field.name: field for field in dataclasses.fields(Config)}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise PipelineError(2, f"--set needs key=value, not {change!r}.")
        try:
            values[key] = text if key in fields and fields[key].type == "str" else yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise PipelineError(2, f"--set {key}: {text!r} is no value.") from error
    for key in values:
        if key not in fields:
            raise PipelineError(
                2, f"Unknown setting {key!r} in the configuration; known: {', '.join(fields)}."
            )
    for key, value in values.items():
        values[key] = checked_value(key, str(fields[key].type), value)
    config = Config(**values)
    roots = {"input": Path(getattr(config, "base_directory", "")), "output": output}
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


def run_steps(config: Config, last: str | None, cache: Any) -> tuple[dict[str, Any], Metrics]:
    """Run the steps in order; give every named result and the metrics.

    With `last` only that one, on results that `cache` has kept of those before it, as far as it has.
    """
    metrics = Metrics()
    state: dict[str, Any] = {"config": config, "metrics": metrics}
    names = [step.call.__name__ for step in STEPS]
    target = len(names) - 1 if last is None else names.index(last)
    first = cache.resume(state, target, reuse=last is not None) if cache is not None else 0
    with asyncio.Runner() as runner:
        for position, step in enumerate(STEPS):
            name = names[position]
            if position < first:
                log_event("step_reused", step=name)
                continue
            begun = time.perf_counter()
            try:
                result = step.call(*(state[key] for key in step.inputs))
                if inspect.isawaitable(result):
                    result = runner.get_loop().run_until_complete(result)
            except PipelineError:
                raise
            except Exception as error:
                kind, trace = type(error).__name__, traceback.format_exc()
                log_event("step_failed", step=name, error=kind, traceback=trace)
                raise PipelineError(5, f"Step {name} failed: {kind}: {error}") from error
            results = (result,) if len(step.outputs) == 1 else result or ()
            state.update(zip(step.outputs, results, strict=True))
            log_event("step_done", step=name, seconds=round(time.perf_counter() - begun, 3))
            if name == last:
                break
            if cache is not None and position < target:
                why_not = cache.keep(state, position)
                if why_not:
                    log_event("step_not_kept", step=name, reason=why_not)
    return state, metrics


def open_cache(config: Config, output: Path) -> Any:
    """Keeps the results of steps for `step`, in the output folder; see step_cache.py."""
    base = Path(getattr(config, "base_directory", "."))
    return load_beside("step_cache").StepCache(
        Path(__file__).resolve(),
        output,
        config,
        [step.call.__name__ for step in STEPS],
        unkept=UNKEPT,
        inputs=[base / name for name in LINKED],
    )


def enter_working_folder(base: Path, work: Path) -> None:
    """Go where the code's own relative paths lead to links to its inputs, and what it writes stays."""
    for name in FOLDERS:
        (work / name).mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        target = work / name
        if not (base / name).exists():
            raise PipelineError(2, f"The input {base / name} does not exist; set base_directory with --set.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if name in COPIED:
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


def write_outputs(output: Path, numbers: dict[str, int | float], state: dict[str, Any]) -> None:
    """Write metrics.json, the model and the predictions; each whole or not at all.

    Predictions that break their contract end the pipeline before anything is written.
    """
    table = predictions_of(state)
    if table is not None and "predictions.csv" in load_beside("contracts").CONTRACTS:
        check_contract("predictions.csv", table)
    output.mkdir(parents=True, exist_ok=True)
    write_atomically(
        output / "metrics.json", lambda place: place.write_text(json.dumps(numbers, indent=2) + "\n")
    )
    if MODEL in state:
        import joblib

        try:
            write_atomically(output / "model.joblib", lambda place: joblib.dump(state[MODEL], place))
        except Exception as error:  # noqa: BLE001 - some models cannot be pickled; the numbers still count
            log_event("model_not_written", model=MODEL, error=f"{type(error).__name__}: {error}")
    if table is not None:
        write_atomically(output / "predictions.csv", lambda place: table.to_csv(place, index=False))
        log_event("predictions_written", **described(table, getattr(state.get(MODEL), "classes_", None)))


def predictions_of(state: dict[str, Any]) -> Any:
    """What was predicted as a table; None where nothing was, or nothing that a table can hold."""
    if PREDICTIONS not in state:
        return None
    import pandas as pd

    try:
        table = pd.DataFrame(state[PREDICTIONS])
    except Exception as error:  # noqa: BLE001 - not everything a model predicts is a table
        log_event("predictions_not_written", error=f"{type(error).__name__}: {error}")
        return None
    if len(table.columns) == 1:
        table.columns = pd.Index(["prediction"])
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
    manifest = json.loads((PIPELINE_FOLDER / "manifest.json").read_text(encoding="utf-8"))
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


def run_command(options: argparse.Namespace) -> None:
    """Do what the command line asks for."""
    output = Path(options.output_dir).resolve()
    config = load_config(Path(options.config), options.set, output)
    names = [step.call.__name__ for step in STEPS]
    last = getattr(options, "name", None)
    if last is not None and last not in names:
        raise PipelineError(2, f"There is no step {last!r}; steps: {', '.join(names)}.")
    if options.dry_run:
        plan = {"steps": names, "config": dataclasses.asdict(config)}
        sys.stdout.write(json.dumps(plan, indent=2, default=str) + "\n")
        return
    output.mkdir(parents=True, exist_ok=True)
    cache = open_cache(config, output) if getattr(options, "keep", False) else None
    if LINKED or FOLDERS:
        enter_working_folder(Path(getattr(config, "base_directory", ".")), output / "work")
    state, metrics = run_steps(config, last, cache)
    numbers = {name: plain_number(name, value) for name, value in metrics.items()}
    absent = [name for name in METRICS if name not in numbers and last in (None, names[-1])]
    if absent:
        raise PipelineError(5, f"The steps gave no value for: {', '.join(absent)}.")
    if options.command == "validate":
        hold_gates(numbers)
    write_outputs(output, numbers, state)
    sys.stdout.write(json.dumps(numbers, indent=2) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline from the command line; give the process's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
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
    options = parser.parse_args(arguments)
    warnings.showwarning = log_warning
    try:
        run_command(options)
    except PipelineError as stop:
        log_event("stopped", exit_code=stop.exit_code, message=str(stop))
        return stop.exit_code
    log_event("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
