"""A comparison as one self-contained page: tables, a picture of the curves, differences in sections."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from jupyter_mlops.compare.charts import curve_metrics
from jupyter_mlops.compare.palette import Look, run_looks
from jupyter_mlops.compare.wording import count, format_duration, run_labels
from jupyter_mlops.records import RunSummary, Status

from .comparison_sections import code_section, data_section, environment_section, warnings_section
from .comparison_stories import (
    figures_section,
    hypotheses_section,
    influences_section,
    losses_section,
    seeds_section,
    story_section,
)
from .comparison_tables import metric_table, param_table
from .curve_picture import curve_picture
from .theme import LINE, STATUS_COLORS, STATUS_ICONS, STYLE, fold, muted, prose, span, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_mlops.compare.findings import RunComparison

log = logging.getLogger(__name__)

_PICTURES = 6

# The charts come as the next output. Only while they are alive is the picture put away; when their
# kernel is gone the output would show an error, and is put away itself. Other front ends than
# JupyterLab know none of these classes and show both.
_SWITCH = """<style>
.jp-OutputArea-child:has(.mlops-comparison):has(+ .jp-OutputArea-child .vega-embed svg)
.mlops-picture{display:none}
.jp-OutputArea-child:has(.mlops-comparison)
+ .jp-OutputArea-child:has(.jp-OutputArea-output:not([data-mime-type])):not(:has(.widget-vbox))
{display:none}
</style>"""


def comparison_page(record: RunComparison, figures: Mapping[str, bytes] | None = None) -> str:
    """The whole comparison as HTML that needs no script, kernel or network.

    Args:
        record: The comparison.
        figures: The bytes of its figures by digest, those that are to be shown.
    """
    labels = run_labels(record.runs)
    looks = run_looks(record)
    sections = [
        f'<div style="font-size:14px;margin:2px 0 8px 0"><b>{prose(record.summary)}</b></div>',
        _legend(record, labels, looks),
        hypotheses_section(record, labels, looks),
        metric_table(record, labels, looks),
        seeds_section(record, labels, looks),
        _curves(record),
        influences_section(record),
        losses_section(record, labels, looks),
        data_section(record, labels, looks),
        param_table(record, labels, looks),
        code_section(record, labels, looks),
        environment_section(record, labels),
        figures_section(record, labels, looks, figures or {}),
        story_section(record, labels, looks),
        warnings_section(record, labels, looks),
    ]
    body = "".join(f'<div style="margin:0 0 8px 0">{section}</div>' for section in sections if section)
    return (
        f'{STYLE}{_SWITCH}<div class="mlops mlops-comparison" style="border:{LINE};border-radius:4px;'
        f'padding:8px 12px;font-size:13px;line-height:1.45;overflow-x:auto">{body}</div>'
    )


def _legend(record: RunComparison, labels: dict[str, str], looks: dict[str, Look]) -> str:
    chips = [_chip(run, labels[run.run_id], looks[run.run_id], record.reference) for run in record.runs]
    if len(chips) > 12:
        return fold(f"{count(len(chips), 'run')}", "".join(chips))
    return "".join(chips)


def _chip(run: RunSummary, label: str, look: Look, reference: str) -> str:
    name = f" {text(run.name)}" if run.name and run.name != label else ""
    told = [format_duration(run.duration)] if run.duration is not None else []
    if run.status is not Status.FINISHED:
        told.insert(0, run.status_reason.replace("_", " ") or run.status.value.lower())
    if run.run_id == reference:
        told.insert(0, "reference")
    icon = ""
    if run.status is not Status.FINISHED:
        icon = span(f"{STATUS_ICONS[run.status]} ", style=f"color:{STATUS_COLORS[run.status]}")
    swatch = span(look.mark, style=f"color:{look.color}")
    where = f"{run.experiment}, run {run.run_id}, {run.start_time:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f'<span style="display:inline-block;margin-right:18px" title="{text(where)}">{swatch} {icon}'
        f"<b>{text(label)}</b>{name} {muted(text(' · '.join(told)))}</span>"
    )


def _curves(record: RunComparison) -> str:
    metrics = curve_metrics(record)
    try:
        # Each a picture of its own, so that on a narrow page they stand below each other.
        pictures = [curve_picture(record, metric) for metric in metrics[:_PICTURES]]
    except Exception as error:
        log.warning("the curves could not be drawn", exc_info=True)
        return muted(f"The curves could not be drawn: {text(error)}")
    if not pictures:
        return ""
    more = len(metrics) - len(pictures)
    rest = f"<div>{muted(count(more, 'more curve'))}</div>" if more else ""
    return f'<div class="mlops-picture">{"".join(pictures)}{rest}</div>'
