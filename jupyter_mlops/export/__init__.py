"""A run becomes a readable, versioned script that has been proved to give the same numbers.

`export_run` is the way in; `open_as_notebook` gives the same cells as a clean notebook,
`promote_version` moves an alias past the gates, `with_changes` looks whether versions are as exported.
"""

from __future__ import annotations

from .exporter import export_run, open_as_notebook, promote_version, with_changes

__all__ = ["export_run", "open_as_notebook", "promote_version", "with_changes"]
