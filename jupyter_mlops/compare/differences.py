"""Everything that differs between two runs, and the same in one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .code_differences import changed_line_count, code_differences
from .data_differences import data_differences
from .environment_differences import environment_differences
from .rows import params_equal
from .wording import count, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import ParamValue, Run

    from .findings import CodeDifference, DataDifference, EnvironmentDifference


@dataclass(frozen=True, kw_only=True)
class ParamChange:
    """One parameter that differs between two runs; a run without it says so by its flag."""

    name: str
    before: ParamValue = None
    after: ParamValue = None
    in_before: bool = True
    in_after: bool = True

    def values(self) -> tuple[str, str]:
        """Both values in words; of a parameter that is new or dropped, one of them is empty."""
        return (
            format_value(self.before) if self.in_before else "",
            format_value(self.after) if self.in_after else "",
        )

    def describe(self) -> str:
        """One phrase: ```max_depth` 3 → 8``, ```lr` 0.01 is new`` or ```C` 1.0 dropped``."""
        before, after = self.values()
        if not self.in_before:
            return f"`{self.name}` {after} is new"
        if not self.in_after:
            return f"`{self.name}` {before} dropped"
        return f"`{self.name}` {before} → {after}"


@dataclass(frozen=True, kw_only=True)
class Differences:
    """What changed from one run to another.

    `code_beyond_params` is `code` without the cells in which only a parameter's literal changed,
    `telling_data` is `data` without what code made on the way and only one run looked at, `derived` are
    the tables that code made otherwise of files that are the same.
    """

    params: tuple[ParamChange, ...]
    code: tuple[CodeDifference, ...]
    code_beyond_params: tuple[CodeDifference, ...]
    data: tuple[DataDifference, ...]
    telling_data: tuple[DataDifference, ...]
    derived: tuple[DataDifference, ...]
    environment: tuple[EnvironmentDifference, ...]

    def describe_code(self) -> str:
        """One line on the code: ``same``, ``otherwise same`` or ``2 lines changed``."""
        told = describe_code(self.code_beyond_params)
        return "otherwise same" if told == "same" and not code_is_same(self.code) else told


def differences_between(reference: Run, run: Run) -> Differences:
    """Everything that changed from `reference` to `run`."""
    params = param_changes(reference, run)
    literals = [(change.before, change.after) for change in params if change.in_before and change.in_after]
    code, beyond = code_differences(reference, run, literals)
    data, telling, derived = data_differences(reference, run)
    return Differences(
        params=params,
        code=code,
        code_beyond_params=beyond,
        data=data,
        telling_data=telling,
        derived=derived,
        environment=environment_differences(reference, run),
    )


def param_changes(reference: Run, run: Run) -> tuple[ParamChange, ...]:
    """The parameters that differ: plain names before nested settings, dropped ones last."""
    names = sorted(dict.fromkeys([*run.params, *reference.params]), key=_nested)
    return tuple(
        ParamChange(
            name=name,
            before=reference.params.get(name),
            after=run.params.get(name),
            in_before=name in reference.params,
            in_after=name in run.params,
        )
        for name in names
        if (name in run.params) is not (name in reference.params)
        or not params_equal(reference.params[name], run.params[name])
    )


def describe_code(code: Sequence[CodeDifference]) -> str:
    """One line: ``same``, ``2 lines changed``, ``5 lines changed in 2 cells, 1 cell moved``."""
    touched = [difference for difference in code if difference.lines]
    moved = sum(difference.change == "moved" for difference in code)
    parts = []
    if touched:
        where = f" in {count(len(touched), 'cell')}" if len(touched) > 1 else ""
        parts.append(f"{count(changed_line_count(touched), 'line')} changed{where}")
    if moved:
        parts.append(f"{count(moved, 'cell')} moved")
    return ", ".join(parts) or "same"


def describe_data(data: Sequence[DataDifference]) -> list[tuple[str, str]]:
    """One pair a dataset: its name and ``same``, ``changed``, ``new``, ``gone`` or the main change."""
    words = {"added": "new", "removed": "gone", "unknown": "unknown"}
    described = []
    for difference in data:
        told = words.get(difference.change, difference.change)
        if difference.change == "changed" and difference.sentences:
            told = f"changed: {difference.sentences[0]}"
        described.append((difference.name, told))
    return described


def code_is_same(code: Sequence[CodeDifference]) -> bool:
    """Whether no line of code differs; a moved cell counts as a difference."""
    return all(difference.change == "same" for difference in code)


def data_is_same(data: Sequence[DataDifference]) -> bool:
    """Whether every dataset is known to be the same."""
    return all(difference.change == "same" for difference in data)


def _nested(name: str) -> bool:
    return "__" in name
