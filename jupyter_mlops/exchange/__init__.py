"""Runs in from other trackers, and out to MLflow.

`import_runs` reads MLflow (a server, its SQLite database or its ``mlruns`` folder), exptrack and W&B's
offline folders; `push_runs` writes runs to an MLflow server. Both may be repeated: what is there already
is left alone.
"""

from __future__ import annotations

from .importing import Imported, import_runs
from .mlflow_push import Pushed, push_runs

__all__ = ["Imported", "Pushed", "import_runs", "push_runs"]
