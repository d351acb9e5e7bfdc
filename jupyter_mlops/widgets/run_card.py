"""The card under a tracked cell: the run in about five lines, in HTML and in text.

It is made once, when the cell ends, from records alone: no kernel, script or network is needed to
show it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.differences import Differences, ParamChange, differences_between
from jupyter_mlops.compare.wording import count, encodable, exact, join_words, run_label, run_title
from jupyter_mlops.records import Curve, MetricValue, Run, Status, as_float, within_floats

from .metric_tiles import metric_facts, metric_line, metric_tile
from .progress import progress_html, progress_text
from .run_story import (
    SHOWN_PARAMS,
    children_words,
    code_words,
    data_words,
    ending_words,
    param_words,
    recorded_words,
)
from .theme import (
    LINE,
    SEVERITY_COLORS,
    SEVERITY_ICONS,
    STATUS_COLORS,
    STATUS_ICONS,
    STYLE,
    WORSE,
    code,
    fold,
    muted,
    prose,
    span,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_METRICS = 6
_WARNINGS = 2
_CHUNK = "display:inline-block;margin-right:16px"


__all__ = ["RunCard", "progress_html", "progress_text"]


class RunCard:
    """A run as its author wants to see it the moment the cell ends.

    Args:
        run: The run.
        previous: The run before it, to tell what changed; None for the first.
        best: The best value of each metric among the earlier runs, where there is one.
        curves: The run's curves by metric, for sparklines.
    """

    def __init__(
        self,
        run: Run,
        previous: Run | None = None,
        best: Mapping[str, MetricValue] | None = None,
        curves: Mapping[str, Curve] | None = None,
    ) -> None:
        self.run = run = within_floats(run)
        self.previous = previous = within_floats(previous) if previous is not None else None
        self._facts = metric_facts(
            run, previous, {name: as_float(value) for name, value in (best or {}).items()}, curves or {}
        )
        self._changes: Differences | None = differences_between(previous, run) if previous else None

    def html(self) -> str:
        """The card as one self-contained piece of HTML, every field escaped."""
        color = STATUS_COLORS[self.run.status]
        rows = [self._headline(), self._failure(), self._tiles(), self._children(), self._since()]
        rows.append(self._warnings())
        body = "".join(f"<div>{row}</div>" for row in rows if row)
        return (
            f'{STYLE}<div class="mlops mlops-card" style="border:{LINE};border-left:3px solid {color};'
            f"border-radius:4px;padding:5px 10px;margin:2px 0;font-size:13px;line-height:1.45;"
            f'max-width:960px;overflow-wrap:break-word">{body}</div>'
        )

    def text(self) -> str:
        """The card as a few lines of plain text."""
        run = self.run
        title = f"{STATUS_ICONS[run.status]} {_oneline(run_title(run))}"
        lines = [f"{title}  {ending_words(run)}  ({_oneline(run.experiment)})"]
        if run.failure is not None:
            where = f" (line {run.failure.line})" if run.failure.line else ""
            lines.append(f"  {run.failure.kind}: {_oneline(run.failure.message)[:200]}{where}")
        shown = self._facts[:_METRICS]
        width = max((len(fact.name) for fact in shown), default=0)
        numbers = max((len(fact.shown) for fact in shown), default=0)
        lines += [f"  {metric_line(fact, width, numbers)}".rstrip() for fact in shown]
        if len(self._facts) > _METRICS:
            lines.append(f"  and {count(len(self._facts) - _METRICS, 'more metric')}")
        if not self._facts and run.status is not Status.RUNNING:
            lines.append(f"  {recorded_words(run)}")
        if run.children:
            lines.append(f"  {children_words(run)}")
        if self._changes is not None and self.previous is not None:
            changes = self._changes
            words = [*code_words(changes), *data_words(changes), *param_words(changes, run)]
            told = "; ".join(_oneline(word) for word in words)
            lines.append(f"  since {run_label(self.previous)}: {told}")
        for warning in run.warnings:
            hint = f" {_oneline(warning.hint)}" if warning.hint else ""
            lines.append(f"  {SEVERITY_ICONS[warning.severity]} {_oneline(warning.message)}{hint}")
        return encodable("\n".join(lines))

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def _headline(self) -> str:
        run = self.run
        icon = span(STATUS_ICONS[run.status], style=f"color:{STATUS_COLORS[run.status]};font-weight:bold")
        title = f"<b>{text(run_label(run))}</b>"
        if run.name and run.name != run_label(run):
            title += f" <b>{text(run.name)}</b>"
        told = f"{text(ending_words(run))} · {text(run.experiment)}"
        where = f"run {run.run_id}, {run.start_time:%Y-%m-%d %H:%M:%S} UTC"
        return f"{icon} {span(title, title=where)} {muted(told)}"

    def _failure(self) -> str:
        failure = self.run.failure
        if failure is None:
            return ""
        where = f" {muted(f'line {failure.line}')}" if failure.line else ""
        message = failure.message if len(failure.message) <= 240 else failure.message[:239] + "…"
        kind = span(text(failure.kind), kind="worse", style=f"color:{WORSE};font-weight:bold")
        return f"{kind} {code(message)}{where}" if message else f"{kind}{where}"

    def _tiles(self) -> str:
        if not self._facts:
            return "" if self.run.status is Status.RUNNING else muted(text(recorded_words(self.run)))
        shown = "".join(metric_tile(fact) for fact in self._facts[:_METRICS])
        rest = self._facts[_METRICS:]
        if not rest:
            return shown
        more = muted(f"{count(len(rest), 'more metric')}")
        return shown + fold(more, "".join(metric_tile(fact) for fact in rest))

    def _children(self) -> str:
        return muted(prose(children_words(self.run))) if self.run.children else ""

    def _since(self) -> str:
        if self._changes is None or self.previous is None:
            return ""
        changes = self._changes
        diff = "\n".join(line for difference in changes.code for line in difference.lines[:12])
        chunks = [muted(f"since {text(run_label(self.previous))}")]
        chunks += [span(_marked(words), title=diff) for words in code_words(changes)]
        kept = join_words(f"{item.name} {item.change}" for item in changes.data)
        chunks += [span(_marked(words), title=kept) for words in data_words(changes)]
        if changes.params:
            chunks += [_param_html(change) for change in changes.params[:SHOWN_PARAMS]]
            if len(changes.params) > SHOWN_PARAMS:
                chunks.append(muted(text(param_words(changes, self.run)[-1])))
        elif self.run.params:
            chunks.append(_marked("params same"))
        return "".join(f'<span style="{_CHUNK}">{chunk}</span>' for chunk in chunks)

    def _warnings(self) -> str:
        order = sorted(
            self.run.warnings, key=lambda warning: list(SEVERITY_ICONS).index(warning.severity), reverse=True
        )
        lines = []
        for warning in order:
            icon = span(
                SEVERITY_ICONS[warning.severity],
                style=f"color:{SEVERITY_COLORS[warning.severity]}",
                title=f"{warning.severity.value}: {warning.code}",
            )
            line = f"{icon} {prose(warning.message)}"
            hint = f'<div style="margin-left:18px">{muted(prose(warning.hint))}</div>'
            lines.append(fold(line, hint) if warning.hint else f"<div>{line}</div>")
        if len(lines) > _WARNINGS + 1:
            more = muted(count(len(lines) - _WARNINGS, "more warning"))
            lines[_WARNINGS:] = [fold(more, "".join(lines[_WARNINGS:]))]
        return "".join(lines)


def _marked(words: str) -> str:
    """``code 2 lines changed`` with its subject standing back and a change standing out."""
    subject, _, rest = words.partition(" ")
    if rest.endswith("same"):
        return muted(f"{text(subject)} {prose(rest)}")
    return f"{muted(text(subject))} <b>{prose(rest)}</b>"


def _param_html(change: ParamChange) -> str:
    before, after = (text(value) for value in change.values())
    title = f"{change.name}: {exact(change.before)} → {exact(change.after)}"
    if not change.in_before:
        told, title = f"<b>{after}</b> {muted('new')}", f"{change.name}: {exact(change.after)}"
    elif not change.in_after:
        told, title = f"{before} <b>dropped</b>", f"{change.name}: {exact(change.before)}"
    else:
        told = f"{before} → <b>{after}</b>"
    return span(f"{code(change.name)} {told}", title=title)


def _oneline(value: str) -> str:
    return " ".join(value.split())
