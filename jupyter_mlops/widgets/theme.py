"""The look that the card and the comparison share, and the escaping they both rely on.

What makes the layout stands in ``style`` attributes, in the subset that JupyterLab leaves in
untrusted notebooks, in colours that read on white and on black. The ``<style>`` element only refines
that with the theme's own variables: without it (untrusted, GitHub) everything is still legible.
"""

from __future__ import annotations

import re
from html import escape

from jupyter_mlops.compare.wording import encodable
from jupyter_mlops.records import Severity, Status

# Readable at 4 : 1 or better on white and on JupyterLab's dark background alike.
BETTER = "#1b7fb8"
WORSE = "#c8610f"
GOOD = "#0f8f6a"
MUTED = "opacity:0.72"
LINE = "1px solid rgba(128,128,128,0.35)"
NUMBERS = "white-space:nowrap"

STATUS_COLORS = {
    Status.FINISHED: GOOD,
    Status.FAILED: WORSE,
    Status.KILLED: "#8a8a8a",
    Status.RUNNING: BETTER,
}
STATUS_ICONS = {Status.FINISHED: "✓", Status.FAILED: "✗", Status.KILLED: "⊘", Status.RUNNING: "●"}
SEVERITY_ICONS = {Severity.INFO: "ℹ\ufe0e", Severity.WARNING: "⚠\ufe0e", Severity.ERROR: "⊗"}
SEVERITY_COLORS = {Severity.INFO: BETTER, Severity.WARNING: WORSE, Severity.ERROR: "#d03a3a"}

STYLE = """<style>
.mlops{--mlops-better:#0a6cab;--mlops-worse:#b04f05;--mlops-good:#0b7a59;--mlops-error:#b3261e;
--mlops-line:var(--jp-border-color2,rgba(128,128,128,.35));
--mlops-add:rgba(10,108,171,.14);--mlops-remove:rgba(200,97,15,.15);
color:var(--jp-content-font-color1,inherit);
font-family:var(--jp-ui-font-family,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif);
font-variant-numeric:tabular-nums}
[data-jp-theme-light="false"] .mlops,.vscode-dark .mlops,.vscode-high-contrast .mlops{
--mlops-better:#62b8f0;--mlops-worse:#f5a25d;--mlops-good:#4fd0a5;--mlops-error:#ff8a80;
--mlops-add:rgba(98,184,240,.18);--mlops-remove:rgba(245,162,93,.18)}
.mlops .mlops-better{color:var(--mlops-better)!important}
.mlops .mlops-worse{color:var(--mlops-worse)!important}
.mlops .mlops-good{color:var(--mlops-good)!important}
.mlops .mlops-error{color:var(--mlops-error)!important}
.mlops code,.mlops pre{font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace);
background:transparent;color:inherit;font-size:.95em;padding:0;border:0}
.mlops summary{cursor:pointer;list-style-position:inside}
.mlops summary:focus-visible{outline:2px solid var(--jp-brand-color1,#1b7fb8);outline-offset:1px}
.mlops details[open]>summary{margin-bottom:3px}
.mlops img{margin:0;max-width:100%}
.mlops table{margin:0;border-collapse:collapse;font-size:inherit;table-layout:auto}
.mlops tbody tr:nth-child(n),.mlops thead tr:nth-child(n){background:transparent}
.mlops tbody tr:nth-child(n):hover{background:var(--jp-layout-color2,rgba(128,128,128,.1))}
.mlops td,.mlops th{vertical-align:baseline}
.mlops td{max-width:none}
</style>"""


def text(value: object) -> str:
    """Escape `value` for use between tags and inside quoted attributes."""
    return escape(encodable(str(value)), quote=True)


def prose(value: object) -> str:
    """Escape a sentence and set what stands in back-ticks in the code font."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text(value))


def span(content: str, *, kind: str = "", style: str = "", title: str = "") -> str:
    """A ``<span>`` around `content`, which is HTML already; `title` is escaped here."""
    attributes = f' class="mlops-{kind}"' if kind else ""
    attributes += f' style="{style}"' if style else ""
    attributes += f' title="{text(title)}"' if title else ""
    return f"<span{attributes}>{content}</span>"


def muted(content: str, title: str = "") -> str:
    """Text that stands back; `content` is HTML already."""
    return span(content, style=MUTED, title=title)


def fold(summary: str, content: str, *, opened: bool = False, style: str = "") -> str:
    """A section that opens on a click, without a script; both parts are HTML already."""
    attributes = f' style="{style}"' if style else ""
    return f"<details{' open' if opened else ''}{attributes}><summary>{summary}</summary>{content}</details>"


def code(value: object) -> str:
    """A name or a value of the notebook, in the code font."""
    return f"<code>{text(value)}</code>"
