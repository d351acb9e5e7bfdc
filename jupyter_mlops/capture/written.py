"""Scores that a library only writes: ``[80] train-rmse:0.22 valid-rmse:0.25``, ``Durbin-Watson: 1.975``.

XGBoost's and LightGBM's own training functions keep no history unless they are given a place for it, and
statsmodels computes the tests under a summary as it writes them. What is written has fewer digits than what
was computed, so it is told only where nothing else tells of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_mlops.records import Curve, MetricDetail

from .metric_names import canonical
from .models import model_family, state_of
from .numbers import is_number, module_of, to_float
from .vocabulary import sounds_like_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .evidence import Found
    from .sites import Event

#: How such a metric came to be; it has no place in the code, so no proof can ask for it.
ORIGIN = "written"
_LINE = re.compile(r"^\[(\d{1,9})\]\t(\S.*)$", re.MULTILINE)
_SCORE = re.compile(r"([A-Za-z_][\w@.-]*(?:'s [\w@.-]+)?):\s?(-?\d+(?:\.(\d+))?(?:e[-+]?\d+)?)(?=[\s+]|$)")
_NAMES = 20
_NUMBER = r":?[^\S\n]+(-?\d+(?:\.(\d*))?(?:e([-+]?\d+))?)(?!\S)"
#: Under which key a result of statsmodels keeps a test of its summary with all its digits.
_KEPT = {
    "Omnibus": "omni",
    "Prob(Omnibus)": "omnipv",
    "Jarque-Bera (JB)": "jb",
    "Prob(JB)": "jbpv",
    "Skew": "skew",
    "Kurtosis": "kurtosis",
    "Cond. No.": "condno",
    "Condition No.": "condno",
}
#: The tests that summaries of statsmodels end with.
_TESTS = re.compile(
    r"(?<!\S)(Omnibus|Prob\(Omnibus\)|Durbin-Watson|Jarque-Bera \(JB\)|Prob\(JB\)|Skew|Kurtosis|Cond\. No\.|"
    r"Condition No\.|Ljung-Box \(L1\) \(Q\)|Prob\(Q\)|Heteroskedasticity \(H\)|Prob\(H\) \(two-sided\))"
    + _NUMBER
)
_TESTED = "Jarque-Bera (JB):"
#: What its optimizers, and those of SciPy, end with.
_OPTIMUM = re.compile(r"(?<!\S)(Current function value)" + _NUMBER)
_SUMMARY = "statsmodels.iolib.summary"


class _Written:
    """What was written of one score: steps and values, and how many decimals the last one has."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[float] = []
        self.decimals = 0

    def add(self, step: int, value: float, decimals: int) -> None:
        if self.steps and step <= self.steps[-1]:
            if step != self.steps[0]:
                return  # the best round, written once more at the end
            self.steps, self.values = [], []  # another training: the last one stays
        self.steps.append(step)
        self.values.append(value)
        self.decimals = decimals


def tell_written(found: Found, text: str, order: int, events: Iterable[Event] = ()) -> None:
    """Add what a cell's text, and the summaries it displayed, say and nothing else told: curves and tests."""
    for name, written in _read(text).items():
        value = written.values[-1]
        told = (
            *found.values.values(),
            *(curve.values[-1] for curve in found.curves.values() if curve.values),
        )
        if name in found.values or any(_rounds_to(other, value, written.decimals) for other in told):
            continue
        found.values[name] = value
        found.curves[name] = Curve(
            steps=written.steps,
            values=written.values,
            times=[0.0] * len(written.values),
            count=len(written.values),
        )
        found.details[name] = MetricDetail(
            origin=ORIGIN, order=order, step=written.steps[-1], points=len(written.values)
        )
    _tell_tests(found, text, order, list(events))


def _tell_tests(found: Found, text: str, order: int, events: list[Event]) -> None:
    kept = [_kept(event.value) for event in events if event.site.kind == "summary"]
    text = "\n".join((text, *_displayed(events)))
    tests = _TESTS.findall(text) if _TESTED in text else []
    for label, written, decimals, exponent in (*_OPTIMUM.findall(text), *tests):
        name, value = canonical(label.lower()), float(written)
        exact = (tests_of[key] for tests_of in kept if (key := _KEPT.get(label)) in tests_of)
        digits = len(decimals) - int(exponent or 0)
        value = next((number for number in exact if _rounds_to(number, value, digits)), value)
        free, count = name, 1
        while free in found.values and found.values[free] != value:
            count += 1
            free = f"{name}_{count}"
        if free not in found.values:
            found.values[free] = value
            found.details[free] = MetricDetail(origin=ORIGIN, order=order)


def _displayed(events: list[Event]) -> Iterator[str]:
    """The summaries that a cell ended with: they are no text it wrote."""
    for event in events:
        kind = type(event.value)
        if event.site.kind == "displayed" and module_of(kind).startswith(_SUMMARY):
            yield str(event.value)


def _kept(result: object) -> dict[str | None, float]:
    """The tests that a statistical result keeps of the summary it gave, with all their digits, by key."""
    kept = state_of(state_of(result).get("_results", result)).get("diagn")
    if model_family(result) != "statsmodels" or type(kept) is not dict:
        return {}
    exact = {key: to_float(number) for key, number in kept.items() if is_number(number)}
    return {key: number for key, number in exact.items() if number is not None}


def _rounds_to(number: float, written: float, decimals: int) -> bool:
    return abs(number - written) <= 0.51 * 10.0**-decimals


def _read(text: str) -> dict[str, _Written]:
    found: dict[str, _Written] = {}
    for step, scores in _LINE.findall(text):
        for label, value, decimals in _SCORE.findall(scores):
            name = canonical(label.replace("'s ", "_").replace("-", "_"))
            if sounds_like_metric(name) and (name in found or len(found) < _NAMES):
                found.setdefault(name, _Written()).add(int(step), float(value), len(decimals))
    return found
