"""Whether a setting, when changed, changes what it should: which values are tried and what came of it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from jupyter_mlops.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jupyter_mlops.records import MetricValue

    from .plan import ConfigField, Tried

#: What a pipeline's own checks stop at; see script/pipeline_runner.py.
_BAD_CONFIGURATION = 2


class Found(Record, frozen=True, kw_only=True):
    """What is known of one setting: a sentence, and whether it was changed and nothing else did."""

    name: str
    said: str
    idle: bool = False


def other_values(config: Iterable[ConfigField]) -> dict[str, list[str]]:
    """Values to try for each setting, as ``--set`` takes them: a small step first, then a large one.

    Paths are left out, as are values of which no other is known to make sense.
    """
    return {
        item.name: [_as_text(value) for value in values]
        for item in config
        if item.kind == "value" and (values := list(_others(item.value)))
    }


def _others(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1 if value >= 0 else -value
        yield value // 2 if value > 3 else value - 1 if value < 0 else value + 2
    elif isinstance(value, float) and math.isfinite(value):
        yield value * 0.9 if value else 0.1
        yield value * 0.5 if value else 1.0
    elif isinstance(value, str):
        yield f"{value}_"
    elif isinstance(value, list | tuple) and value:
        yield list(value[:-1]) if len(value) > 1 else [*value, *value]


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        text = repr(value)
        # YAML takes 1e-05 for a word.
        return text if "." in text or "e" not in text else text.replace("e", ".0e")
    return json.dumps(value)


def what_settings_do(
    config: Sequence[ConfigField],
    read: Mapping[str, Sequence[str]],
    tried: Mapping[str, Sequence[Tried]],
    steady: Mapping[str, str],
    metrics: Mapping[str, MetricValue],
) -> list[Found]:
    """What is known of every setting that the proof saw read.

    Args:
        config: The settings.
        read: The steps that read each of them.
        tried: What came of other values.
        steady: Hashes of what the steps gave in the proof, as far as both processes agree.
        metrics: The numbers of the proof.
    """
    found = []
    for item in config:
        if item.name not in read:
            continue
        begin = f"{item.name} is read by {', '.join(read[item.name])}"
        attempts = [one for one in tried.get(item.name, ()) if one.exit != _BAD_CONFIGURATION]
        effects = [effect for one in attempts if (effect := _effect(one, steady, metrics))]
        if item.kind != "value":
            found.append(Found(name=item.name, said=f"{begin}."))
        elif not attempts:
            found.append(Found(name=item.name, said=f"{begin}; what another value changes was not checked."))
        elif effects:
            found.append(Found(name=item.name, said=f"{begin}; {effects[0]}."))
        else:
            values = " or ".join(one.value for one in attempts)
            said = f"{begin}; {values} in place of {_as_text(item.value)} changes nothing."
            found.append(Found(name=item.name, said=said, idle=True))
    return found


def _effect(one: Tried, steady: Mapping[str, str], metrics: Mapping[str, MetricValue]) -> str:
    """What a value changed, in words; ``""`` for nothing."""
    if one.exit != 0:
        return f"with {one.value} the pipeline stops"
    for name, value in metrics.items():
        other = one.metrics.get(name)
        if other != value and str(other) != str(value):
            shown = f"{other:.6g}" if isinstance(other, int | float) else str(other)
            return f"with {one.value} {name} is {shown}, not {value:.6g}"
    for name, digest in steady.items():
        if one.content.get(name, digest) != digest:
            return f"with {one.value} {name.partition('.')[2]} is another"
    return ""
