"""Runs in, differences out: what changed between runs, what it did, and whether they compare."""

from __future__ import annotations

from .comparison import compare_runs as compare_runs
from .comparison import summary_of as summary_of
from .directions import higher_is_better as higher_is_better

__all__ = ["compare_runs", "higher_is_better", "summary_of"]
