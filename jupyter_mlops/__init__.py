"""Experiments of a notebook, captured, compared and exported as proved pipelines.

Importing this package costs next to nothing: every public name is found when it is first used, and
pandas, SQLAlchemy, Altair and ipywidgets are imported where they are needed.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .api import compare as compare
    from .api import export as export
    from .api import get_curve as get_curve
    from .api import get_features as get_features
    from .api import get_predictions as get_predictions
    from .api import get_run as get_run
    from .api import import_runs as import_runs
    from .api import open_as_notebook as open_as_notebook
    from .api import push_runs as push_runs
    from .api import rescore as rescore
    from .api import search_runs as search_runs
    from .api import set_direction as set_direction
    from .mlflow_script import load_model as load_model
    from .tracking import active_run as active_run
    from .tracking import end_run as end_run
    from .tracking import log_artifact as log_artifact
    from .tracking import log_artifacts as log_artifacts
    from .tracking import log_dict as log_dict
    from .tracking import log_figure as log_figure
    from .tracking import log_metric as log_metric
    from .tracking import log_metrics as log_metrics
    from .tracking import log_param as log_param
    from .tracking import log_params as log_params
    from .tracking import log_text as log_text
    from .tracking import set_experiment as set_experiment
    from .tracking import set_tag as set_tag
    from .tracking import set_tags as set_tags
    from .tracking import set_tracking_uri as set_tracking_uri
    from .tracking import start_run as start_run

_HOME = {
    "search_runs": ".api",
    "get_run": ".api",
    "load_model": ".mlflow_script",
    "get_curve": ".api",
    "get_predictions": ".api",
    "get_features": ".api",
    "rescore": ".api",
    "import_runs": ".api",
    "push_runs": ".api",
    "compare": ".api",
    "export": ".api",
    "open_as_notebook": ".api",
    "set_direction": ".api",
    "start_run": ".tracking",
    "log_metric": ".tracking",
    "log_metrics": ".tracking",
    "log_param": ".tracking",
    "log_params": ".tracking",
    "set_tag": ".tracking",
    "set_tags": ".tracking",
    "active_run": ".tracking",
    "end_run": ".tracking",
    "log_artifacts": ".tracking",
    "log_dict": ".tracking",
    "log_figure": ".tracking",
    "log_text": ".tracking",
    "set_experiment": ".tracking",
    "set_tracking_uri": ".tracking",
    "log_artifact": ".tracking",
}

#: What scripts written for MLflow call besides. Not for ``import *``: some are names of libraries.
_AS_MLFLOW = frozenset(
    "autolog create_experiment data enable_system_metrics_logging get_experiment get_experiment_by_name "
    "get_tracking_uri last_active_run log_image log_input log_model log_table models "
    "catboost keras lightgbm pyfunc pytorch sklearn statsmodels tensorflow xgboost".split()
)

__all__ = [*sorted(_HOME), "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("jupyter_mlops")
        except PackageNotFoundError:
            return "0+source"  # used from a checkout that is not installed
    if name in _AS_MLFLOW:
        return getattr(importlib.import_module(".mlflow_script", __name__), name)
    if name not in _HOME:
        more = "" if name.startswith("_") else f"; it has {', '.join(__all__)}"
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{more}")
    found = getattr(importlib.import_module(_HOME[name], __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _CallableRoom(ModuleType):
    """A subpackage that shares its name with a public function and answers calls for it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(importlib.import_module(_HOME[name], __name__), name)(*args, **kwargs)


class _Package(ModuleType):
    """Keeps ``mlops.compare(…)`` and ``mlops.export(…)`` callable.

    Importing the subpackage ``compare`` makes Python set it on this module, over the function.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            value.__class__ = _CallableRoom
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Begin watching `shell` (``%load_ext jupyter_mlops``)."""
    from .notebook.extension import attach

    attach(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Stop watching `shell` (``%unload_ext jupyter_mlops``)."""
    from .notebook.extension import detach

    detach(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-mlops"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.application import MlopsApp

    return [{"module": "jupyter_mlops.server.application", "app": MlopsApp}]
