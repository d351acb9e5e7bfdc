"""The public Python functions that read: search, look at, compare and export runs.

They work in a notebook, a script and a terminal alike, and find the store as the magics do. In a
kernel where the extension is attached the notebook room sets the two hooks below, so that ``#14``
and ``last`` mean the notebook's own runs first and a later `os.chdir` does not change the store.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import ARTIFACTS_VARIABLE, STORE_VARIABLE, load_config
from .errors import AmbiguousRunError, RunNotFoundError, UsageError
from .records import Run, RunSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from .exchange import Imported, Pushed
    from .records import PipelineVersion
    from .store import Store
    from .widgets.comparison import Comparison

    Reference = str | int | Run | RunSummary


def _nothing() -> None:
    return None


#: The experiment references are looked up in first, or None. Set by the notebook extension.
current_experiment: Callable[[], str | None] = _nothing
#: The store of this kernel, or None. Set by the notebook extension.
current_store: Callable[[], Store | None] = _nothing

# One store a process and setting. No lock, which a fork could leave locked: of two threads that
# open at once one wins, and the other's is closed.
_stores: dict[tuple[str | None, str | None], Store] = {}


def open_default_store() -> Store:
    """The store of this kernel, else the one of the project around the current folder, opened once.

    Raises:
        StoreError: It cannot be opened.
    """
    store = current_store()
    if store is not None:
        return store
    key = (os.environ.get(STORE_VARIABLE), os.environ.get(ARTIFACTS_VARIABLE))
    if key not in _stores:
        from .store import collect, open_store

        config = load_config()
        url = config.resolved_store_url()
        opened = open_store(url, config.resolved_artifacts_url(url), patience=config.patience_seconds)
        collect(opened, config.home())
        if _stores.setdefault(key, opened) is not opened:
            opened.close()
    return _stores[key]


def resolve(ref: Reference) -> str:
    """The ``run_id`` that `ref` means, looked up in the current experiment first.

    In a notebook a name that several of its runs have means the newest of them.

    Raises:
        RunNotFoundError: Nothing answers to it.
        AmbiguousRunError: More than one run does.
    """
    if isinstance(ref, (Run, RunSummary)):
        return ref.run_id
    if isinstance(ref, bool) or not isinstance(ref, (str, int)):
        raise UsageError(f"{ref!r} is no reference to a run.", "Give a run_id, '#14', a name or 'last'.")
    from .compare.reading import direction_in

    text = f"#{ref}" if isinstance(ref, int) else ref
    store = open_default_store()
    direction = direction_in(store)
    experiment = current_experiment()
    if experiment is not None:
        try:
            return store.resolve(text, experiment=experiment, direction=direction)
        except RunNotFoundError:
            pass  # a run of another notebook, then
        except AmbiguousRunError:
            # A cell that is run again makes a run of the same name: in its notebook that one is meant.
            newest = next((run for run in store.search(experiment=experiment) if run.name == text), None)
            if newest is None:
                raise
            return newest.run_id
    return store.resolve(text, direction=direction)


def search_runs(
    filter_string: str = "",
    order_by: Sequence[str] | None = None,
    max_results: int | None = None,
    experiment: str | None = None,
    *,
    include_children: bool = False,
    parent: Reference | None = None,
    experiment_names: Sequence[str] | None = None,
    experiment_ids: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Runs as a table, newest first.

    Args:
        filter_string: For example ``metrics.accuracy > 0.9 AND params.model = 'forest'``.
        order_by: Columns, each with an optional ``ASC`` or ``DESC``.
        max_results: How many rows at most.
        experiment: Only runs of this experiment.
        include_children: Also the turns of loops and candidates of searches, which else stay behind
            the run they belong to.
        parent: Only the children of this run, in their order.
        experiment_names: Only runs of these experiments.
        experiment_ids: The same, as code written for MLflow has it: an experiment's id is its name.

    Returns:
        One row a run: ``run_id, number, name, experiment, status, status_reason, start_time``
        (UTC), ``duration`` (seconds), then ``params.*``, ``metrics.*`` and ``tags.*``. Where children
        are asked for there are also ``parent_id`` and ``parent_number``, and ``number`` counts within
        the parent.

    Raises:
        FilterError: The filter or the order does not parse.
    """
    if names := [*(experiment_names or ()), *(experiment_ids or ())]:
        listed = ", ".join("'" + str(name).replace("'", "''") + "'" for name in names)
        among = f"attributes.experiment IN ({listed})"
        filter_string = f"({filter_string}) AND {among}" if filter_string.strip() else among
    return open_default_store().frame(
        filter_string,
        order_by=order_by,
        max_results=max_results,
        experiment=experiment,
        include_children=include_children,
        parent_id=None if parent is None else resolve(parent),
    )


def get_run(ref: Reference) -> Run:
    """Everything about one run.

    Args:
        ref: A run_id or a unique prefix, ``#14``, ``#14.2`` (a child), a name, ``last``,
            ``best:METRIC`` or ``worst:METRIC``.
    """
    return open_default_store().get_run(resolve(ref))


def get_curve(ref: Reference, metric: str) -> pd.DataFrame:
    """A metric over the steps of a loop.

    Returns:
        Columns ``step``, ``value`` and ``time`` (seconds since the run began), one row a point.

    Raises:
        MetricNotFoundError: The run has no curve of that name.
    """
    import pandas as pd

    curve = open_default_store().get_curve(resolve(ref), metric)
    return pd.DataFrame({"step": curve.steps, "value": curve.values, "time": curve.times})


def get_predictions(ref: Reference, metric: str | None = None) -> pd.DataFrame:
    """What a score of a run was computed from.

    Args:
        ref: The run.
        metric: One of its metrics, where it scored several models or several sets of rows.

    Returns:
        One row a scored row, with the row labels pandas gave: columns ``y_true``, ``y_pred`` and, where
        the model was asked for them, ``y_score`` or ``y_score_<class>``.

    Raises:
        UsageError: The run kept no predictions, or several and `metric` does not say which.
    """
    from .compare.predictions import evaluation_of, read_table

    store = open_default_store()
    evaluation = evaluation_of(store.get_run(resolve(ref)), metric)
    return read_table(store.get_artifact(evaluation.predictions))


def get_features(ref: Reference, metric: str | None = None) -> pd.DataFrame:
    """The rows a scored prediction was made from, row for row those of `get_predictions`.

    Raises:
        UsageError: The run kept no predictions, or not the rows they were made from.
    """
    from .compare.predictions import evaluation_of, read_table

    store = open_default_store()
    run = store.get_run(resolve(ref))
    evaluation = evaluation_of(run, metric)
    if not evaluation.features:
        raise UsageError(
            f"Run {run.reference} kept predictions and not the rows they were made from.",
            "They are kept where predict(…) was given a table of at most c.Mlops.features_bytes.",
        )
    return read_table(store.get_artifact(evaluation.features))


def load_model(ref: Reference, name: str | None = None) -> Any:
    """Load a model that a run kept; unpickling it runs code that it contains.

    **Warning:** never load a model of a run whose author you do not trust: whoever can write to the
    store can run code as you. Nothing else in this package loads one, and no page or card does.

    Args:
        ref: The run: its number, name, id, or ``"last"``.
        name: The model's variable, needed if the run kept several.

    Returns:
        The estimator, result or booster; of a PyTorch module its ``state_dict`` (tensors by name).

    Raises:
        RunNotFoundError: There is no such run.
        UsageError: It kept no model, several, or none of that name.
    """
    run = get_run(ref)
    kept = {model.name: model for model in run.models if model.digest}
    listed = ", ".join(kept) or "none"
    if name is None and len(kept) != 1:
        raise UsageError(f"run #{run.number} kept {len(kept)} models: {listed}", "Name one of them.")
    model = kept.get(name if name is not None else next(iter(kept)))
    if model is None:
        raise UsageError(f"run #{run.number} kept no model `{name}`", f"It kept: {listed}.")
    data = open_default_store().get_artifact(model.digest)
    from .capture.loading import load_bytes

    try:
        return load_bytes(data, model.format)
    except ImportError as error:
        raise UsageError(
            f"the model needs {error.name or 'a library'}, which is not installed here",
            "Install what the run's environment lists, in the same version.",
        ) from error
    except ValueError as error:
        raise UsageError(f"a model kept as {model.format!r} cannot be loaded: {error}") from error


def rescore(
    function: Callable[..., Any], *refs: Reference, name: str | None = None, metric: str | None = None
) -> pd.DataFrame:
    """Compute a new metric for old runs from the predictions they kept, and write it onto them.

    Args:
        function: Given ``y_true`` and ``y_pred``, or the scores where its second parameter is called
            ``y_score`` (``y_prob``, ``y_proba``) or it is a function of scikit-learn's that takes those.
        refs: The runs; at least one.
        name: The metric's name; by default the function's.
        metric: Of runs that scored several models: the metric whose predictions are meant.

    Returns:
        One row a run: ``run`` (``#14``), ``name`` and the metric.

    Raises:
        UsageError: A run kept no predictions, or the function gave no number. Nothing is written then
            onto the runs that follow.
    """
    import pandas as pd

    from .rescoring import all_of, name_of

    if not callable(function):
        raise UsageError(f"{function!r} is no function.", "mlops.rescore(f1_score, '#12', '#14')")
    if not refs:
        raise UsageError("There are no runs to rescore.", "mlops.rescore(f1_score, '#12', '#14')")
    store = open_default_store()
    runs = [store.get_run(run_id) for run_id in dict.fromkeys(map(resolve, refs))]
    called = name or name_of(function)
    values = all_of(store, runs, function=function, name=called, metric=metric)
    return pd.DataFrame(
        {
            "run": [run.reference for run in runs],
            "name": [run.name for run in runs],
            called: [values[run.run_id] for run in runs],
        }
    )


def compare(*refs: Reference, reference: Reference | None = None) -> Comparison:
    """Put runs side by side.

    Args:
        refs: At least two runs, or one whose loop or search tried several things: then its children are
            compared, the first twenty of them. None means the last two runs of this notebook.
        reference: The run the others are compared with; default: the first.

    Returns:
        A `Comparison`: a widget where widgets work, HTML elsewhere, tables on demand.
    """
    from .compare.reading import MOST_CHILDREN, compare_stored
    from .widgets.comparison import Comparison

    store = open_default_store()
    run_ids = list(dict.fromkeys(map(resolve, refs))) if refs else _last_two(store)
    if len(run_ids) == 1 and reference is None:
        # One run whose loop tried several things: these are what there is to compare.
        children = store.search(parent_id=run_ids[0], max_results=MOST_CHILDREN)
        run_ids = [child.run_id for child in children] or run_ids
    against = resolve(reference) if reference is not None else next(iter(run_ids), "")
    if reference is not None and against not in run_ids:
        run_ids.insert(0, against)
    if len(run_ids) < 2:
        raise UsageError("A comparison needs two different runs.", "Name them: mlops.compare('#12', '#14').")
    return Comparison(compare_stored(store, run_ids, against), store)


def set_direction(metric: str, direction: str | bool | None) -> None:
    """Say which way a metric is good, for every run of the store.

    Args:
        metric: Its name.
        direction: ``"higher"`` or ``"lower"`` is better; None forgets it, so that the metric's code
            or its name decide again.
    """
    words = {"higher": True, "lower": False, True: True, False: False, None: None}
    if direction not in words:
        raise UsageError(f"{direction!r} is no direction.", "Say 'higher', 'lower' or None.")
    open_default_store().set_direction(metric, words[direction])


def _last_two(store: Store) -> list[str]:
    newest = store.search(experiment=current_experiment(), max_results=2)
    return [run.run_id for run in reversed(newest)]


def export(
    ref: Reference,
    name: str,
    directory: str | Path = "pipelines",
    *,
    pin: Sequence[int] = (),
    exclude: Sequence[int] = (),
    environment: bool = False,
) -> PipelineVersion:
    """Turn a run into the next version of the pipeline `name` and prove it in a fresh process.

    Args:
        ref: The run.
        name: The pipeline's name, a Python identifier.
        directory: Where pipelines live; the version goes to ``directory/name/vN``.
        pin: Orders of cells to keep in any case.
        exclude: Orders of cells to leave out in any case.
        environment: Prove it in a new virtual environment made from its requirements.lock, which takes
            longer.

    Returns:
        The version: ``.name``, ``.version``, ``.path``, ``.status`` (``validated`` or
        ``rejected``) and ``.report``, which says why.
    """
    from .export import export_run

    return export_run(
        open_default_store(),
        resolve(ref),
        name,
        Path(directory).absolute(),
        pin=pin,
        exclude=exclude,
        environment=environment,
    )


def open_as_notebook(ref: Reference, path: str | Path | None = None) -> Path:
    """Write any run as a clean notebook: the cells it needs, as executed, in order.

    Args:
        ref: The run.
        path: The file, which must not be there yet; default: a name of its own in the current folder.

    Returns:
        The file's absolute path.
    """
    from .export import default_name, write_notebook

    store, run_id = open_default_store(), resolve(ref)
    return write_notebook(store, run_id, Path(path or default_name(store.get_run(run_id))))


def import_runs(source: str | os.PathLike[str], experiment: str | None = None) -> list[Imported]:
    """Bring in runs of another tracker; those that are here already are left alone.

    Args:
        source: The URL of an MLflow server, its ``mlflow.db`` or ``mlruns`` folder, an exptrack database,
            or a folder of W&B's with offline runs.
        experiment: Put all of them into this one; default: each into that of its name.

    Raises:
        UsageError: There is nothing at `source` that can be read.
        ExchangeError: A server cannot be reached or refuses.
    """
    from .exchange import import_runs as read_in

    limit = load_config().artifact_bytes
    return list(read_in(open_default_store(), os.fspath(source), experiment=experiment, artifact_bytes=limit))


def push_runs(url: str, *refs: Reference, filter_string: str | None = None) -> list[Pushed]:
    """Send runs to an MLflow server, with their params, metrics, tags, datasets and files; repeatable.

    Args:
        url: The server, e.g. ``http://localhost:5000``.
        refs: The runs.
        filter_string: Also those that this filter finds; ``""`` finds every run.

    Raises:
        UsageError: No run is named.
        ExchangeError: The server cannot be reached or refuses.
    """
    from .exchange import push_runs as send

    store = open_default_store()
    chosen = [resolve(ref) for ref in refs]
    if filter_string is not None:
        chosen += [run.run_id for run in store.search(filter_string)][::-1]
    elif not chosen:
        raise UsageError("No run is named.", "Name runs, or give a filter_string; '' takes every run.")
    return list(send(store, chosen, url))
