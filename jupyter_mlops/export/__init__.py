"""A run becomes a readable, versioned script that has been proved to give the same numbers.

`export_run` is the way in; `open_as_notebook` gives the same cells as a clean notebook, `write_notebook`
as a file; `promote_version` moves an alias past the gates, `with_changes` looks whether versions are as
exported.
"""

from __future__ import annotations

from .exporter import export_run, promote_version, with_changes
from .reopening import default_name, open_as_notebook, write_notebook

__all__ = [
    "default_name",
    "export_run",
    "open_as_notebook",
    "promote_version",
    "with_changes",
    "write_notebook",
]
