"""A comparison as one self-contained page: tables, a picture of the curves, differences in sections."""

from __future__ import annotations

import base64

from jupyter_mlops.compare.charts import curve_chart, curve_metrics, render_png
from jupyter_mlops.compare.palette import run_colors
from jupyter_mlops.compare.wording import count, format_duration, run_labels
from jupyter_mlops.records import RunComparison, RunSummary, Status

from .comparison_sections import code_section, data_section, environment_section, warnings_section
from .comparison_tables import metric_table, param_table
from .theme import LINE, STATUS_COLORS, STATUS_ICONS, STYLE, fold, muted, prose, span, text

# The charts come as the next output. Only while they are alive is the picture put away; when their
# kernel is gone the output would show an error, and is put away itself. Other front ends than
# JupyterLab know none of these classes and show both.
_SWITCH = """<style>
.jp-OutputArea-child:has(.mlops-comparison):has(+ .jp-OutputArea-child .vega-embed)
.mlops-picture{display:none}
.jp-OutputArea-child:has(.mlops-comparison)
+ .jp-OutputArea-child:has(.jp-OutputArea-output:not([data-mime-type])):not(:has(.widget-vbox))
{display:none}
</style>"""


def comparison_page(record: RunComparison) -> str:
    """The whole comparison as HTML that needs no script, kernel or network."""
    labels = run_labels(record.runs)
    colors = run_colors(record)
    sections = [
        f'<div style="font-size:14px;margin:2px 0 8px 0"><b>{prose(record.summary)}</b></div>',
        _legend(record, labels, colors),
        metric_table(record, labels, colors),
        param_table(record, labels, colors),
        _curves(record),
        data_section(record, labels, colors),
        code_section(record, labels, colors),
        environment_section(record, labels),
        warnings_section(record, labels, colors),
    ]
    body = "".join(f'<div style="margin:0 0 8px 0">{section}</div>' for section in sections if section)
    return (
        f'{STYLE}{_SWITCH}<div class="mlops mlops-comparison" style="border:{LINE};border-radius:4px;'
        f'padding:8px 12px;font-size:13px;line-height:1.45;overflow-x:auto">{body}</div>'
    )


def curves_picture(record: RunComparison) -> bytes:
    """The curves as a PNG, at two device pixels a pixel; empty when there are none."""
    metrics = curve_metrics(record)
    if not metrics:
        return b""
    columns = 1 if len(metrics) == 1 else 2
    chart = curve_chart(record, metrics[:6], interactive=False, width=340, height=190, columns=columns)
    return render_png(chart)


def _legend(record: RunComparison, labels: dict[str, str], colors: dict[str, str]) -> str:
    chips = [_chip(run, labels[run.run_id], colors[run.run_id], record.reference) for run in record.runs]
    if len(chips) > 12:
        return fold(f"{count(len(chips), 'run')}", "".join(chips))
    return "".join(chips)


def _chip(run: RunSummary, label: str, color: str, reference: str) -> str:
    name = f" {text(run.name)}" if run.name and run.name != label else ""
    told = [format_duration(run.duration)] if run.duration is not None else []
    if run.status is not Status.FINISHED:
        told.insert(0, run.status_reason.replace("_", " ") or run.status.value.lower())
    if run.run_id == reference:
        told.insert(0, "reference")
    icon = ""
    if run.status is not Status.FINISHED:
        icon = span(f"{STATUS_ICONS[run.status]} ", style=f"color:{STATUS_COLORS[run.status]}")
    swatch = span("■", style=f"color:{color}")
    where = f"{run.experiment}, run {run.run_id}, {run.start_time:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f'<span style="display:inline-block;margin-right:18px" title="{text(where)}">{swatch} {icon}'
        f"<b>{text(label)}</b>{name} {muted(text(' · '.join(told)))}</span>"
    )


def _curves(record: RunComparison) -> str:
    picture = curves_picture(record)
    if not picture:
        return ""
    metrics = curve_metrics(record)
    shown = ", ".join(metrics[:6])
    encoded = base64.b64encode(picture).decode()
    width = int.from_bytes(picture[16:20], "big") // 2  # the PNG header's width, in device pixels
    more = f"<div>{muted(f'{len(metrics) - 6} more curves')}</div>" if len(metrics) > 6 else ""
    return (
        f'<div class="mlops-picture"><img alt="Curves of {text(shown)}" width="{width}" '
        f'src="data:image/png;base64,{encoded}" style="max-width:100%;height:auto">{more}</div>'
    )
