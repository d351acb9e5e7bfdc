"""What ``%export`` shows of a version."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.records import MetricCheck, PipelineVersion, ValidationReport, now
from jupyter_mlops.widgets.verdict import Verdict


def verdict(**report: Any) -> Verdict:
    status = report.pop("verdict", "validated")
    return Verdict(
        PipelineVersion(
            name="churn",
            version=3,
            path="/work/pipelines/churn/v3",
            status=status,
            run_id="r",
            run_number=14,
            created_at=now(),
            report=ValidationReport(verdict=status, **report),
        )
    )


CHECK = MetricCheck(name="accuracy", expected=0.9, first=0.9, second=0.9, equal=True)


def test_a_proved_version_is_told_with_every_number() -> None:
    shown = verdict(metrics=(CHECK,))
    assert "✓ validated: churn version 3" in shown.text()
    assert "accuracy: 0.9000 = 0.9000 = 0.9000" in shown.text()
    assert "validated" in shown.html()
    assert "/work/pipelines/churn/v3/pipeline.py" in shown.html()


def test_a_rejected_version_names_its_cause_first() -> None:
    shown = verdict(verdict="rejected", cause="The metric 'acc' changes by chance.", hint="Set a seed.")
    assert shown.text().splitlines()[1] == "  The metric 'acc' changes by chance. Set a seed."
    assert "changes by chance" in shown.html()


def test_notes_stand_whatever_the_verdict() -> None:
    shown = verdict(metrics=(CHECK,), notes=("The run itself failed.",))
    assert "The run itself failed." in shown.text()
    assert "The run itself failed." in shown.html()


def test_nothing_in_a_report_becomes_markup() -> None:
    script = "<script>alert(1)</script>"
    shown = verdict(
        cause=script,
        hint=script,
        notes=(script,),
        metrics=(MetricCheck(name=script, expected=1, first=None, second=None, equal=False),),
    )
    assert "<script>" not in shown.html()
