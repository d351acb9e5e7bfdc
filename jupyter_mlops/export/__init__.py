"""A run becomes a readable, versioned script that has been proved to give the same numbers.

`export_run` is the way in; `open_as_notebook` gives the same cells as a clean notebook.
"""

from __future__ import annotations

from .exporter import export_run, open_as_notebook

__all__ = ["export_run", "open_as_notebook"]
