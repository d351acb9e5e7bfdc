"""What people see in a notebook: the card under a tracked cell, and a comparison of runs."""

from __future__ import annotations

from .comparison import Comparison as Comparison
from .run_card import RunCard as RunCard
from .run_card import progress_html as progress_html
from .run_card import progress_text as progress_text

__all__ = ["Comparison", "RunCard", "progress_html", "progress_text"]
