"""One family of errors.

Every error we raise on purpose says in one sentence what is wrong (`message`) and what to do
(`hint`), and its class owns a stable `code`, an HTTP status and a process exit code, so that the
notebook, the server and the command line need no table of their own.
"""

from __future__ import annotations

from typing import ClassVar


class MlopsError(Exception):
    """Base of all our errors.

    Args:
        message: What is wrong, one sentence, naming the value at fault.
        hint: What to do about it, one sentence. Defaults to the class's own.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    default_hint: ClassVar[str] = "Run `jupyter mlops doctor` to see what is wrong."

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(MlopsError):
    """A magic line, an option or an argument that cannot be understood."""

    code = "usage"
    status = 400
    exit_code = 2
    default_hint = "Type `%%track?` for the options."


class FilterError(UsageError):
    """A filter or order that does not parse or names an unknown column."""

    code = "bad_filter"
    default_hint = "Write for example: metrics.accuracy > 0.9 AND params.model = 'forest'."


class RunNotFoundError(MlopsError):
    """No run answers to a reference."""

    code = "run_not_found"
    status = 404
    exit_code = 2
    default_hint = "List the runs with `%runs` or `jupyter mlops runs`."


class AmbiguousRunError(MlopsError):
    """More than one run answers to a reference."""

    code = "run_ambiguous"
    status = 409
    exit_code = 2
    default_hint = "Use a longer prefix of the run_id."


class MetricNotFoundError(MlopsError):
    """A run has no metric or curve of that name."""

    code = "metric_not_found"
    status = 404
    exit_code = 2
    default_hint = "Look at the run's metrics with `jupyter mlops show RUN`."


class PipelineNotFoundError(MlopsError):
    """No pipeline or version answers to a name and number."""

    code = "pipeline_not_found"
    status = 404
    exit_code = 2
    default_hint = "List them with `jupyter mlops versions`."


class PipelineNameError(UsageError):
    """A pipeline's name that is no Python identifier."""

    code = "bad_pipeline_name"
    default_hint = "Use letters, digits and underscores, beginning with a letter: `churn_model`."


class PromotionError(MlopsError):
    """An alias cannot move: the version is not validated, or somebody moved the alias first."""

    code = "promotion_refused"
    status = 409
    exit_code = 3
    default_hint = "Look at the versions and their verdicts with `jupyter mlops versions`."


class GateError(PromotionError):
    """An alias does not move: the version is not known to be as good as the one it stands at."""

    code = "gate_missed"


class ExportError(MlopsError):
    """A run that cannot even be written as a pipeline, proved or not."""

    code = "export_refused"
    status = 422
    exit_code = 2
    default_hint = "Run the cell again with `%%track` and export that run."


class InstallationError(MlopsError):
    """No environment could be made from a requirements.lock; `log` is the end of what the installer said."""

    code = "environment_failed"
    status = 422

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message, "")
        self.log = log


class StoreError(MlopsError):
    """The store cannot be opened, read or written."""

    code = "store_unreachable"
    status = 503
    exit_code = 1
    default_hint = "Check JUPYTER_MLOPS_STORE and the folder's permissions with `jupyter mlops doctor`."


class StoreReadOnlyError(StoreError):
    """The store can be read but not written."""

    code = "store_read_only"


class StoreDamagedError(StoreError):
    """Bytes of the store are not what was written."""

    code = "store_damaged"
    default_hint = "Save what can be read: `jupyter mlops salvage STORE NEW`; STORE stays as it is."


class StoreVersionError(StoreError):
    """The store was made by a newer version of jupyter_mlops; it is left alone."""

    code = "store_newer"
    default_hint = "Upgrade with `pip install --upgrade jupyter_mlops`."


class ArtifactError(MlopsError):
    """An artifact that is missing, too large or damaged."""

    code = "artifact"
    status = 404
    default_hint = "The run itself is intact; only this file is not available."


class ExchangeError(MlopsError):
    """Another tracker's server cannot be reached, or refuses."""

    code = "exchange"
    status = 502
    default_hint = (
        "Check the URL, and the credentials in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
    )


class ConfigError(UsageError):
    """A configuration value that cannot be used."""

    code = "bad_config"
    default_hint = "See the environment variables in the README."
