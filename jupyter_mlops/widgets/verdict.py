"""What ``%export`` shows: whether the version is proved, metric by metric, and where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.wording import exact, format_number

from .theme import BETTER, LINE, NUMBERS, STYLE, WORSE, muted, span, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import MetricCheck, PipelineVersion

_CELL = (
    f"padding:2px 14px 2px 0;border:0;border-bottom:{LINE};background:transparent;vertical-align:baseline;"
    f"line-height:1.4;font-weight:normal;{NUMBERS}"
)


class Verdict:
    """An exported version, for a notebook."""

    def __init__(self, version: PipelineVersion) -> None:
        self.version = version

    def html(self) -> str:
        """A small box: the verdict, each metric's three values, the path or the cause."""
        version, report = self.version, self.version.report
        proved = version.status == "validated"
        color = BETTER if proved else WORSE
        head = (
            span(
                "✓ validated" if proved else "✗ rejected",
                kind="better" if proved else "worse",
                style=f"color:{color};font-weight:600",
            )
            + f" <b>{text(version.name)}</b> version {version.version} "
            + muted(f"from run #{version.run_number}" if version.run_number else "")
        )
        checks = _ordered(report.metrics)
        table = _table(checks) if checks else ""
        cause = f"<div>{text(report.cause)} {muted(text(report.hint))}</div>" if report.cause else ""
        if report.code == "environment_failed" and report.log:
            cause += (
                f"<details><summary>{muted('The end of the log')}</summary>"
                f'<pre style="white-space:pre-wrap;font-size:12px">{text(report.log)}</pre></details>'
            )
        elif report.environment:
            cause += f"<div>{muted(text(f'Proved in {report.environment}.'))}</div>"
        cause += "".join(f"<div>{muted(text(said))}</div>" for said in report.predictions)
        cause += "".join(f"<div>⚠︎ {text(note)}</div>" for note in report.notes)
        return (
            f'{STYLE}<div class="mlops mlops-verdict" style="border:{LINE};border-left:3px solid {color};'
            f'border-radius:4px;padding:6px 12px;font-size:13px;line-height:1.5;max-width:960px">'
            f"<div>{head}</div>{cause}{table}<div>{muted(text(f'{version.path}/pipeline.py'))}</div></div>"
        )

    def text(self) -> str:
        """The same for a terminal."""
        version, report = self.version, self.version.report
        mark = "✓ validated" if version.status == "validated" else "✗ rejected"
        lines = [f"{mark}: {version.name} version {version.version}"]
        if report.cause:
            lines.append(f"  {report.cause} {report.hint}".rstrip())
        if report.code == "environment_failed":
            lines += [f"  | {line}" for line in report.log.splitlines()[-8:]]
        elif report.environment:
            lines.append(f"  Proved in {report.environment}.")
        lines += [f"  {said}" for said in report.predictions]
        lines += [f"  ⚠︎ {note}" for note in report.notes]
        for check in _ordered(report.metrics):
            values = " = " if check.equal else " , "
            told = values.join(_short(value) for value in (check.expected, check.first, check.second))
            lines.append(f"  {check.name}: {told}{'' if check.equal else '  differs'}")
        return "\n".join([*lines, f"  {version.path}/pipeline.py"])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def _table(checks: Sequence[MetricCheck]) -> str:
    """Every cell says all of its style: front ends have table styles of their own."""
    titles = (
        ("metric", "left"),
        ("run", "right"),
        ("fresh", "right"),
        ("again", "right"),
        ("", "left"),
    )
    head = "".join(
        f'<th scope="col" style="{_CELL};text-align:{align}">{muted(title) if title else ""}</th>'
        for title, align in titles
    )
    return (
        '<table style="border-collapse:collapse;border-spacing:0;border:0;margin:4px 0">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, checks))}</tbody></table>"
    )


def _row(check: MetricCheck) -> str:
    numbers = "".join(
        f'<td style="{_CELL};text-align:right" title="{text(_exact(value))}">{text(_short(value))}</td>'
        for value in (check.expected, check.first, check.second)
    )
    told = "equal" if check.equal else span("differs", kind="worse", style=f"color:{WORSE}")
    return (
        f'<tr><th scope="row" style="{_CELL};text-align:left">{text(check.name)}</th>{numbers}'
        f'<td style="{_CELL};text-align:left">{told}</td></tr>'
    )


def _ordered(checks: tuple[MetricCheck, ...]) -> list[MetricCheck]:
    return sorted(checks, key=lambda check: check.equal)[:30]


def _short(value: float | None) -> str:
    return "–" if value is None else format_number(value)


def _exact(value: float | None) -> str:
    return "" if value is None else exact(value)
