"""``jupyter mlops …``: the same runs, comparisons and exports from a terminal or a script.

With ``--json`` a command prints one strict JSON document on standard output and everything else on
standard error. Exit codes: 0 done, 1 something failed, 2 bad input, 3 refused or rejected.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import load_config
from .errors import AmbiguousRunError, MlopsError, UsageError
from .records import as_json
from .upkeep import add_commands, as_builtins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .store import Store

REJECTED = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character must not stop us
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
        sys.stdout.flush()
    except MlopsError as error:
        print(f"jupyter mlops: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # e.g. `jupyter mlops runs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("jupyter mlops: interrupted.", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jupyter mlops",
        description="Experiments of a notebook: search, compare, export as proved pipelines.",
        epilog="A RUN is a run_id or a unique prefix, '#14', a name, last, best:METRIC or worst:METRIC.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.set_defaults(command=lambda options: _version(parser, options))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, function: Any, text: str, *, output: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        if output:
            added.add_argument("--json", action="store_true", help="print one JSON document")
        return added

    added = command("demo", _demo, "Track, compare, export, prove and run, on real data.", output=False)
    added.add_argument(
        "--directory", type=Path, default=None, help="where to work (default: jupyter-mlops-demo)"
    )

    added = command("runs", _runs, "List runs, newest first.")
    added.add_argument(
        "--filter", default="", help="e.g. \"metrics.accuracy > 0.9 AND params.model = 'forest'\""
    )
    added.add_argument(
        "--order-by", action="append", metavar="COLUMN", help="e.g. 'metrics.accuracy DESC'; may be repeated"
    )
    added.add_argument("-n", type=_natural, default=20, metavar="N", help="how many at most (default: 20)")
    added.add_argument("--experiment", help="only runs of this experiment")
    added.add_argument(
        "--children", action="store_true", help="also the turns of loops, which else stay behind their run"
    )
    added.add_argument("--parent", metavar="RUN", help="only the children of this run")

    def of_experiment(added: argparse.ArgumentParser) -> None:
        added.add_argument("--experiment", help="where to look for '#14', last, best: and worst:")

    added = command("show", _show, "Everything about one run.")
    added.add_argument("run", metavar="RUN")
    of_experiment(added)

    added = command("compare", _compare, "Put runs side by side; the first is the reference.")
    added.add_argument("runs", metavar="RUN", nargs="+")
    added.add_argument("--reference", metavar="RUN", help="hold the others against this run, not the first")
    of_experiment(added)

    added = command("direction", _direction, "Say which way a metric is good, or what is known of all.")
    added.add_argument("metric", metavar="METRIC", nargs="?")
    added.add_argument("direction", choices=("higher", "lower", "auto"), nargs="?")

    added = command("export", _export, "Export a run as a pipeline and prove it in a fresh process.")
    added.add_argument("run", metavar="RUN")
    of_experiment(added)
    added.add_argument("--name", required=True, help="the pipeline's name, a Python identifier")
    added.add_argument("--directory", type=Path, default=Path("pipelines"), help="default: ./pipelines")
    added.add_argument(
        "--environment", action="store_true", help="prove it in a new environment made from requirements.lock"
    )

    added = command("notebook", _notebook, "Write a run as a clean notebook of just the cells it needs.")
    added.add_argument("run", metavar="RUN")
    of_experiment(added)
    added.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="a new file (default: EXPERIMENT-run-N.ipynb)"
    )

    added = command("versions", _versions, "List the versions of pipelines, newest first.")
    added.add_argument("name", metavar="NAME", nargs="?")

    added = command("diff", _diff, "What changed from one version of a pipeline to another.")
    added.add_argument("name", metavar="NAME")
    added.add_argument("first", metavar="V1", type=_version_number)
    added.add_argument("second", metavar="V2", type=_version_number)

    added = command("promote", _promote, "Point an alias at a validated version.")
    added.add_argument("name", metavar="NAME")
    added.add_argument("version", metavar="VERSION", type=_version_number)
    added.add_argument("alias", metavar="ALIAS", help="candidate, shadow, champion …")
    added.add_argument("--reason", default="", help="kept in the log of moves")
    added.add_argument(
        "--tolerance",
        type=_share,
        default=0.01,
        metavar="SHARE",
        help="how much worse than where it stands a metric may be, relative to its size (default: 0.01)",
    )
    added.add_argument("--force", action="store_true", help="move it although its metrics are worse")
    added.add_argument(
        "--protect",
        action="append",
        default=[],
        metavar="CONDITION",
        help="rows it must never score worse on, now and later: \"species = 'Gentoo'\"; may be repeated",
    )
    added.add_argument(
        "--unprotect",
        action="append",
        default=[],
        metavar="CONDITION",
        help="a slice to protect no more; may be repeated",
    )

    added = command("rollback", _rollback, "Point an alias at where it stood before.")
    added.add_argument("name", metavar="NAME")
    added.add_argument("alias", metavar="ALIAS")

    add_commands(command, _show_result)
    added = command(
        "import", _import, "Bring in runs of MLflow, exptrack or W&B; what is there is left alone."
    )
    added.add_argument(
        "source",
        metavar="SOURCE",
        help="an MLflow server's URL, mlflow.db or mlruns, .exptrack/experiments.db, or a wandb folder",
    )
    added.add_argument("--experiment", help="put them all into this one (default: each into its own)")

    added = command("push", _push, "Send runs to an MLflow server; what is there is only added to.")
    added.add_argument("runs", metavar="RUN", nargs="*", help="default: those that --filter finds")
    of_experiment(added)
    added.add_argument("--filter", help="e.g. 'metrics.accuracy > 0.9'; '' for every run")
    added.add_argument("--to", required=True, metavar="URL", help="the server, e.g. http://localhost:5000")

    command("doctor", _doctor, "Say what is installed, where the store is and whether all parts agree.")
    return parser


def _natural(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no share: write 0.01 for one percent")
    return number


def _version_number(text: str) -> int:
    digits = text.removeprefix("v")
    if not digits.isascii() or not digits.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no version: write 3 or v3")
    return int(digits)


def _store() -> Store:
    """The store of the current folder's project; a command that only looks never makes one."""
    from .store import collect, open_store

    config = load_config()
    url = config.resolved_store_url()
    store = open_store(url, config.resolved_artifacts_url(url), create=False)
    collect(store, config.home())
    return store


def _resolve(store: Store, reference: str, experiment: str | None) -> str:
    from .compare.reading import direction_in

    try:
        return store.resolve(reference, experiment=experiment, direction=direction_in(store))
    except AmbiguousRunError as error:
        if experiment is None and reference.strip().startswith("#"):
            error.hint = "Name the experiment with --experiment, or use a prefix of the run_id."
        raise


def _print_json(document: object) -> None:
    print(json.dumps(as_json(document), indent=2, allow_nan=False))


def _show_result(options: argparse.Namespace, result: Any, text: str) -> int:
    if options.json:
        _print_json(as_builtins(result))
    else:
        print(text)
    return 0


def _version(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if not options.version:
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    from . import __version__

    print(__version__)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from .demo import run_demo

    return run_demo(options.directory)


def _runs(options: argparse.Namespace) -> int:
    from .terminal import runs_table

    store = _store()
    which: dict[str, Any] = {
        "experiment": options.experiment,
        "include_children": options.children,
        "parent_id": _resolve(store, options.parent, options.experiment) if options.parent else None,
    }
    runs = store.search(options.filter, order_by=options.order_by, max_results=options.n, **which)
    if runs:
        _check_order(store, options.order_by, options.experiment)
    if options.json:
        _print_json(runs)
        return 0
    print(runs_table(runs))
    total = store.count(options.filter, **which)
    if total > len(runs):
        print(f"{len(runs)} of {total} runs; see more with -n {total}.", file=sys.stderr)
    return 0


def _check_order(store: Store, order_by: Sequence[str] | None, experiment: str | None) -> None:
    """Refuse an order by a metric that no run has: it would change nothing, and look as if it had."""
    from .store.language import parse_order

    for item in order_by or ():
        field, _ = parse_order(item)
        if field.kind == "metrics":
            store.check_metric(field.name, experiment=experiment)


def _show(options: argparse.Namespace) -> int:
    from .terminal import run_text

    store = _store()
    run = store.get_run(_resolve(store, options.run, options.experiment))
    if options.json:
        _print_json(run)
    else:
        print(run_text(run, {metric: store.get_curve(run.run_id, metric) for metric in run.curves}))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from .compare.reading import MOST_CHILDREN, compare_stored
    from .compare.tables import comparison_text
    from .terminal import printable_lines

    store = _store()
    run_ids = list(
        dict.fromkeys(_resolve(store, reference, options.experiment) for reference in options.runs)
    )
    if len(run_ids) == 1 and not options.reference:
        # One run whose loop or search tried several things: these are what there is to compare.
        children = store.search(parent_id=run_ids[0], max_results=MOST_CHILDREN)
        run_ids = [child.run_id for child in children] or run_ids
    reference = run_ids[0]
    if options.reference:
        reference = _resolve(store, options.reference, options.experiment)
        if reference not in run_ids:
            run_ids.insert(0, reference)
    if len(run_ids) < 2:
        raise UsageError(
            "A comparison needs two different runs.", "Name them: jupyter mlops compare '#12' '#14'."
        )
    comparison = compare_stored(store, run_ids, reference)
    if options.json:
        _print_json(comparison)
    else:
        print(printable_lines(comparison_text(comparison)))
    return 0


def _direction(options: argparse.Namespace) -> int:
    store = _store()
    if options.metric and options.direction:
        store.set_direction(options.metric, {"higher": True, "lower": False}.get(options.direction))
    said = store.directions()
    if options.metric:
        from .compare.directions import known_direction

        direction, source = known_direction(options.metric, (), said)
        if options.json:
            _print_json({"metric": options.metric, "higher_is_better": direction, "direction_from": source})
        else:
            told = {True: "higher is better", False: "lower is better", None: "not known"}[direction]
            known = {"you": "as you said", "name": "by its name"}.get(source, "")
            print(f"{options.metric}: {told}" + (f" ({known})" if known else ""))
    elif options.json:
        _print_json(said)
    else:
        for metric, higher in sorted(said.items()):
            print(f"{metric}: {'higher' if higher else 'lower'} is better")
    return 0


def _export(options: argparse.Namespace) -> int:
    from .export import export_run
    from .terminal import verdict_text

    store = _store()
    run_id = _resolve(store, options.run, options.experiment)
    version = export_run(
        store,
        run_id,
        options.name,
        options.directory.absolute(),
        environment=options.environment,
        progress=_progress,
    )
    if options.json:
        _print_json(version)
    else:
        print(verdict_text(version))
    return 0 if version.status == "validated" else REJECTED


def _notebook(options: argparse.Namespace) -> int:
    from .export import default_name, write_notebook

    store = _store()
    run = store.get_run(_resolve(store, options.run, options.experiment))
    place = write_notebook(store, run.run_id, options.output or Path(default_name(run)))
    if options.json:
        _print_json({"run_id": run.run_id, "path": str(place)})
    else:
        print(place)
    return 0


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _versions(options: argparse.Namespace) -> int:
    from .export import with_changes
    from .terminal import versions_table

    versions = _store().versions(options.name)
    if options.name and not versions:
        from .errors import PipelineNotFoundError

        raise PipelineNotFoundError(f"There is no pipeline {options.name!r}.")
    versions = sorted(map(with_changes, versions), key=lambda version: (version.name, -version.version))
    if options.json:
        _print_json(versions)
    else:
        print(versions_table(versions))
    return 0


def _diff(options: argparse.Namespace) -> int:
    from .export.difference import difference_of_versions
    from .terminal import version_difference_text

    store = _store()
    first = store.get_version(options.name, options.first)
    second = store.get_version(options.name, options.second)
    difference = difference_of_versions(first, second)
    if options.json:
        _print_json(difference)
    else:
        print(version_difference_text(difference))
    return 0


def _promote(options: argparse.Namespace) -> int:
    from .compare import higher_is_better
    from .compare.comparability import judge_pair
    from .compare.slices import slice_score
    from .export import promote_version
    from .terminal import move_text

    store = _store()
    move = promote_version(
        store,
        options.name,
        options.version,
        options.alias,
        direction=higher_is_better,
        apart=judge_pair,
        reason=options.reason,
        tolerance=options.tolerance,
        force=options.force,
        protect=options.protect,
        unprotect=options.unprotect,
        score=lambda run, condition: slice_score(run, condition, store.get_artifact),
    )
    if options.json:
        _print_json(move)
    else:
        print(move_text(move))
    return 0


def _rollback(options: argparse.Namespace) -> int:
    from .export import with_changes
    from .terminal import move_text

    store = _store()
    move = store.rollback_alias(options.name, options.alias)
    # A way back is never closed; but nobody should take it without knowing.
    if move.to_version is not None:
        for sentence in with_changes(store.get_version(move.pipeline, move.to_version)).changed:
            print(f"jupyter mlops: v{move.to_version} is not what was proved: {sentence}", file=sys.stderr)
    if options.json:
        _print_json(move)
    else:
        print(move_text(move))
    return 0


def _import(options: argparse.Namespace) -> int:
    from .api import open_default_store
    from .exchange import import_runs
    from .terminal import exchange_text

    store, limit = open_default_store(), load_config().artifact_bytes
    done = []
    for run in import_runs(store, options.source, experiment=options.experiment, artifact_bytes=limit):
        done.append(run)
        if run.outcome != "unchanged":
            _progress(f"{run.experiment} #{run.number} from {run.source_run_id}: {run.outcome}")
    if options.json:
        _print_json(done)
    else:
        print(exchange_text([(run.outcome, f"#{run.number}", run.problems) for run in done], "imported"))
    return 0


def _push(options: argparse.Namespace) -> int:
    from .exchange import push_runs
    from .terminal import exchange_text

    store = _store()
    chosen = [_resolve(store, reference, options.experiment) for reference in options.runs]
    if options.filter is not None:
        chosen += [run.run_id for run in store.search(options.filter, experiment=options.experiment)][::-1]
    elif not chosen:
        raise UsageError(
            "No run is named.", "Name runs, or choose with --filter; --filter '' takes them all."
        )
    done = []
    for run in push_runs(store, chosen, options.to):
        done.append(run)
        _progress(f"{run.run_id} is {run.mlflow_run_id}: {run.outcome}")
    if options.json:
        _print_json(done)
    else:
        print(exchange_text([(run.outcome, run.run_id, run.problems) for run in done], "pushed"))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import examine
    from .terminal import checks_text

    checks = examine()
    if options.json:
        _print_json(checks)
    else:
        print(checks_text(checks))
    return 1 if any(check.state == "failed" for check in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
