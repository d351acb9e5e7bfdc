"""The live line under a running cell: how far it is, what its numbers are, how long it will take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.compare.wording import encodable, exact, format_duration, format_number

from .sparkline import sparkline
from .theme import BETTER, LINE, NUMBERS, STYLE, muted, span, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VALUES = 4
_BAR = 72


def progress_html(
    *,
    elapsed: float,
    loop: str = "",
    step: int | None = None,
    total: int | None = None,
    values: Mapping[str, float] | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
    remaining: float | None = None,
    label: str = "",
) -> str:
    """One line of HTML for a cell that is still running.

    Args:
        elapsed: Seconds since the cell began.
        loop: What the loop runs over, such as ``epoch``.
        step: Iterations done.
        total: Iterations in all, when known.
        values: Current numbers by name; the first four are shown.
        history: Earlier values of the same names, for sparklines.
        remaining: Seconds left, when they can be told.
        label: The run, such as ``#14 deeper``.
    """
    parts = [span("●", kind="better", style=f"color:{BETTER}") + (f" <b>{text(label)}</b>" if label else "")]
    parts.append(span(text(format_duration(elapsed)), style=NUMBERS))
    if step is not None:
        counted = f"{step:,}" + (f" / {total:,}" if total else "")
        parts.append(span(f"{text(loop)} {counted}".strip(), style=NUMBERS) + _bar(step, total))
    for name, value in list((values or {}).items())[:_VALUES]:
        line = sparkline((history or {}).get(name, ()), name, width=48, height=14)
        shown = f"{text(name)} <b>{text(format_number(value))}</b>"
        parts.append(span(f"{shown} {line}".strip(), style=NUMBERS, title=exact(value)))
    if remaining is not None:
        parts.append(muted(f"{text(format_duration(remaining))} left"))
    joined = "".join(f'<span style="display:inline-block;margin-right:14px">{part}</span>' for part in parts)
    return (
        f'{STYLE}<div class="mlops mlops-progress" role="status" '
        f'style="border:{LINE};border-left:3px solid {BETTER};border-radius:4px;padding:4px 10px;'
        f'font-size:13px;line-height:1.5;max-width:960px">{joined}</div>'
    )


def progress_text(
    *,
    elapsed: float,
    loop: str = "",
    step: int | None = None,
    total: int | None = None,
    values: Mapping[str, float] | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
    remaining: float | None = None,
    label: str = "",
) -> str:
    """The same line as `progress_html`, as text of one line; `history` is not shown."""
    del history
    parts = [f"● {label}".strip(), format_duration(elapsed)]
    if step is not None:
        share = f" ({100 * min(step, total) // total} %)" if total else ""
        parts.append(f"{loop} {step:,}{f' / {total:,}' if total else ''}{share}".strip())
    parts += [f"{name} {format_number(value)}" for name, value in list((values or {}).items())[:_VALUES]]
    if remaining is not None:
        parts.append(f"{format_duration(remaining)} left")
    return encodable("  ".join(" ".join(part.split()) for part in parts))


def _bar(step: int, total: int | None) -> str:
    if not total:
        return ""
    done = round(_BAR * max(0, min(step, total)) / total)
    return (
        f' <span style="display:inline-block;width:{_BAR}px;height:6px;border-radius:3px;'
        f'background-color:rgba(128,128,128,0.3);vertical-align:middle">'
        f'<span style="display:block;width:{done}px;height:6px;border-radius:3px;'
        f'background-color:{BETTER}"></span></span>'
    )
