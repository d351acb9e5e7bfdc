"""How numbers, durations and runs are written for people.

Every place that shows a run (card, comparison, terminal) uses these, so that one number is spelt
one way. Full precision is for tooltips: `exact`.
"""

from __future__ import annotations

import itertools
import math
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import digits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jupyter_mlops.records import Run, RunSummary

MINUS = "−"
NOTHING = "–"


def format_number(value: float, digits: int = 4) -> str:
    """Write `value` with about `digits` significant digits; an ``int`` stays whole."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return _signed(f"{value:,}") if abs(value) < 10**12 else _signed(f"{Decimal(value):.3e}")
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-4 or size >= 1e9:
        return _signed(_scientific(value, digits))
    decimals = decimals_for(size, digits)
    if decimals and decimals_for(round(size, decimals), digits) < decimals:
        decimals -= 1  # 0.00998 becomes 0.010: rounding has given it a digit more
    return _signed(_fixed(value, decimals))


def _fixed(value: float, decimals: int) -> str:
    """With just so many decimals; what lies between two is rounded away from zero, as browsers do."""
    exact = Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{exact:,f}"


def decimals_for(size: float, digits: int) -> int:
    """Decimal places that show `digits` significant digits of a number of this size."""
    if size <= 0 or not math.isfinite(size):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(size)))


def format_row(values: Sequence[float | None], digits: int = 4) -> list[str]:
    """Write numbers that stand side by side: equal decimals, enough to tell them apart."""
    floats = [
        v
        for v in values
        if isinstance(v, float) and math.isfinite(v) and v != 0  # ints have no decimals
    ]
    sizes = [abs(v) for v in floats]
    if not sizes or min(sizes) < 1e-4 or max(sizes) >= 1e9:
        return [NOTHING if v is None else format_number(v, digits) for v in values]
    decimals = decimals_for(max(sizes), digits)
    distinct = sorted({float(v) for v in values if v is not None and math.isfinite(v)})
    gaps = [b - a for a, b in itertools.pairwise(distinct)]
    # Two runs that differ must not look equal, but ten digits of noise help nobody.
    if gaps:
        decimals = max(decimals, min(decimals_for(min(gaps), 1), decimals + 3))
    written = []
    for value in values:
        if value is None:
            written.append(NOTHING)
        elif isinstance(value, float) and math.isfinite(value):
            written.append(_signed(_fixed(value, decimals)))
        else:
            written.append(format_number(value, digits))
    return written


def format_change(change: float, digits: int = 2) -> str:
    """Write a difference with its sign, ``+0.021``; no change at all is ``±0``."""
    if isinstance(change, float) and not math.isfinite(change):
        return format_number(change)
    if change == 0:
        return "±0"
    text = format_number(abs(change), digits if abs(change) < 100 else 3)
    return f"{'+' if change > 0 else MINUS}{text}"


def format_bound(low: float, high: float, bound: float) -> str:
    """Write one end of an interval, as finely as its width asks for: ``0.001``, ``−0.02``."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return format_number(bound)
    size = max(abs(low), abs(high))
    if bound == 0 or (size < 1e-4 or size >= 1e6):
        return format_number(bound, 2)
    decimals = min(decimals_for(high - low, 2) if high > low else decimals_for(size, 2), 8)
    return _signed(f"{bound:,.{decimals}f}") if round(bound, decimals) else f"{0:.{decimals}f}"


def format_interval(low: float, high: float) -> str:
    """Write ``0.001 to 0.041``."""
    return f"{format_bound(low, high, low)} to {format_bound(low, high, high)}"


def exact(value: object) -> str:
    """Write a value with everything it has, for a tooltip."""
    return repr(value) if isinstance(value, float) else digits_of(value) if type(value) is int else str(value)


def format_value(value: Any, limit: int = 60) -> str:
    """Write a parameter's value in one line of at most `limit` characters."""
    if isinstance(value, bool) or value is None:
        text = str(value)
    elif isinstance(value, float):
        # A parameter was typed by a person: 0.1 is 0.1, not 0.1000.
        text = repr(value) if len(repr(value)) <= 8 else format_number(value)
    elif isinstance(value, str):
        text = " ".join(value.split())
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{k}: {format_value(v)}" for k, v in value.items()) + "}"
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(format_value(v) for v in value) + "]"
    else:
        text = digits_of(value) if type(value) is int else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def format_duration(seconds: float | None) -> str:
    """Write a duration: ``38 ms``, ``1.24 s``, ``2 min 05 s``, ``3 h 07 min``."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(number: int, noun: str, plural: str = "") -> str:
    """Write ``1 line`` or ``2 lines``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def join_words(words: Iterable[str], last: str = "and") -> str:
    """Write ``a``, ``a and b`` or ``a, b and c``."""
    listed = list(words)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}"


def run_label(run: Run | RunSummary) -> str:
    """The short way to say a run: ``#14``, else its name, else the start of its id."""
    if run.number:
        return run.reference
    return run.name or run.run_id[:8]


def run_labels(runs: Sequence[Run] | Sequence[RunSummary]) -> dict[str, str]:
    """Short labels by ``run_id``, told apart by experiment or id where numbers repeat."""
    labels = {run.run_id: run_label(run) for run in runs}
    if len(set(labels.values())) < len(labels):
        labels = {run.run_id: f"{run.experiment} {run_label(run)}" for run in runs}
    if len(set(labels.values())) < len(labels):
        labels = {run.run_id: f"{run_label(run)} {run.run_id[-6:]}" for run in runs}
    return labels


def join_labels(labels: Sequence[str], most: int | None = None) -> str:
    """Write runs in their order: three or more in a row as ``#4 to #19``.

    Args:
        labels: What the runs are called.
        most: If more words than that would be needed, only say how many runs there are.
    """
    told: list[str] = []
    for _, group in itertools.groupby(enumerate(labels), lambda item: _number_in(item[1]) - item[0]):
        row = [label for _, label in group]
        told += [f"{row[0]} to {row[-1]}"] if len(row) > 2 else row
    return join_words(told) if most is None or len(told) <= most else count(len(labels), "run")


def _number_in(label: str) -> int:
    """The number of ``#14``; -1 for what is no plain number."""
    number = label.removeprefix("#")
    return int(number) if number.isdecimal() and number != label else -1


def run_title(run: Run | RunSummary, label: str = "") -> str:
    """A run's label with its name: ``#14 deeper``."""
    label = label or run_label(run)
    return label if not run.name or run.name == label else f"{label} {run.name}"


def encodable(text: str) -> str:
    """`text` without lone surrogates, which no file, socket or terminal can take."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _signed(text: str) -> str:
    return text.replace("-", MINUS, 1) if text.startswith("-") else text


def _scientific(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{max(0, digits - 2)}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
