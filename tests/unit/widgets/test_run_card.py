"""The card under a tracked cell."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from sample_runs import (
    TRAIN,
    deeper_run,
    evaluation,
    failed_run,
    killed_run,
    loss_curve,
    penguins,
    same_code,
    sample_run,
    story_cells,
    warnings,
)

from jupyter_mlops.records import (
    Curve,
    Dataset,
    Failure,
    MetricDetail,
    Run,
    RunWarning,
    Status,
)
from jupyter_mlops.widgets import RunCard, progress_html, progress_text

VOID = {"img", "br", "hr", "meta", "input"}


class Page(HTMLParser):
    """Reads a page, checks that its tags are balanced, and keeps what a reader would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.shown.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(f"{piece} " for piece in self.shown).split())


def card(
    run: Run, previous: Run | None = None, best: dict[str, Any] | None = None, **curves: Curve
) -> RunCard:
    return RunCard(run, previous, best or {}, curves)


def test_a_first_run() -> None:
    shown = card(sample_run(14))
    assert shown.text() == (
        "✓ #14 forest  finished in 1.24 s  (penguins)\n  accuracy  0.9474\n  f1        0.9391"
    )
    assert Page(shown.html()).text == "✓ #14 forest finished in 1.24 s · penguins accuracy 0.9474 f1 0.9391"


def test_a_better_run() -> None:
    shown = card(deeper_run(15, **same_code(sample_run())), sample_run(14), {"accuracy": 0.9474, "f1": 0.97})
    assert shown.text() == (
        "✓ #15 deeper  finished in 1.24 s  (penguins)\n"
        "  accuracy  0.9684  ▲ +0.021 better  ★ best\n"
        "  f1        0.9612  ▲ +0.022 better  best 0.9700\n"
        "  since #14: code same; data same; `max_depth` 3 → 8"
    )
    page = Page(shown.html())
    assert "0.9684 ★ best ▲ +0.021 better" in page.text
    assert "since #14 code same data same max_depth 3 → 8" in page.text


def test_beside_a_run_without_the_metric_nothing_is_known_to_be_the_best() -> None:
    text = card(deeper_run(15), sample_run(14, metrics={"f1": 0.9}), {"accuracy": 0.5, "f1": 0.9}).text()
    assert [line.split()[0] for line in text.splitlines() if "★ best" in line] == ["f1"]


def test_full_precision_is_in_a_tooltip() -> None:
    titles = [a["title"] for _, a in Page(card(deeper_run(15)).html()).tags if a.get("title")]
    assert "accuracy = 0.968421052631579 (higher is better)" in titles


def test_a_lower_loss_is_better_and_a_higher_one_worse() -> None:
    before = sample_run(1, metrics={"loss": 0.5, "rmse": 2.0})
    after = sample_run(2, metrics={"loss": 0.25, "rmse": 3.0})
    text = card(after, before, {"loss": 0.3, "rmse": 1.0}).text()
    assert "loss  0.2500  ▼ −0.25 better  ★ best" in text
    assert "rmse   3.000  ▲ +1.0 worse  best 1.000" in text


def test_better_and_worse_are_told_by_word_not_by_colour_alone() -> None:
    worse = sample_run(2, metrics={"loss": 2.0, "answer": 5.0})
    before = sample_run(1, metrics={"loss": 1.0, "answer": 4.0})
    text = Page(card(worse, before).html()).text
    assert "▲ +1.0 worse" in text
    assert "answer 5.000 ▲ +1.0 since" in text


def test_an_equal_number_is_unchanged_and_not_the_best() -> None:
    text = card(sample_run(2), sample_run(1), {"accuracy": 0.9473684210526315}).text()
    assert "accuracy  0.9474  = unchanged\n" in text
    assert "★" not in text


def test_what_is_not_comparable_gets_no_arrow_and_no_star() -> None:
    details = {"accuracy": MetricDetail(origin="call", evaluation=evaluation(86, "other"))}
    run = deeper_run(15, metrics={"accuracy": 0.99}, metric_details=details)
    shown = card(run, sample_run(14), {"accuracy": 0.95})
    assert "0.9900  ≠ not comparable, scored on other rows: 114 vs 86" in shown.text()
    for view in (shown.text(), Page(shown.html()).text):
        assert "▲" not in view
        assert "best" not in view


def test_nan_is_shown_and_never_best() -> None:
    run = sample_run(2, metrics={"loss": float("nan")})
    shown = card(run, sample_run(1, metrics={"loss": 0.5}), {"loss": 0.5})
    assert "loss  NaN  was 0.5000  best 0.5000" in shown.text()
    assert Page(shown.html())


def test_infinity_is_shown_and_never_best() -> None:
    run = sample_run(2, metrics={"accuracy": float("inf"), "loss": float("inf")})
    before = sample_run(1, metrics={"accuracy": 0.5, "loss": 0.5})
    text = card(run, before, {"accuracy": 0.5, "loss": 0.5}).text()
    assert "accuracy  ∞  ▲ ∞  best 0.5000" in text
    assert "loss      ∞  ▲ ∞ worse  best 0.5000" in text
    text = card(before, run, {"accuracy": float("inf")}).text()
    assert "best" not in text


def test_what_changed_is_said_in_a_line_each() -> None:
    run = sample_run(
        15,
        datasets=(penguins("other", rows=330),),
        cells=story_cells(train=TRAIN + "\nprint(model)\nprint(f1)"),
        params={"max_depth": 3, "lr": 0.1},
    )
    told = card(run, sample_run(14)).text().splitlines()[-1]
    assert told == (
        "  since #14: code 2 lines changed; data penguins (penguins.csv) changed: rows 344 → 330 (−14); "
        "`lr` 0.1 is new; `n_estimators` 200 dropped; `test_size` 0.33 dropped; `random_state` 7 dropped"
    )


def test_a_failed_run() -> None:
    shown = card(failed_run(16), sample_run(14))
    assert shown.text().splitlines()[:3] == [
        "✗ #16 typo  failed after 38 ms  (penguins)",
        "  ValueError: Found input variables with inconsistent numbers of samples: [230, 229] (line 5)",
        "  No metric yet; kept: 4 params and 1 dataset.",
    ]
    assert "ValueError Found input variables" in Page(shown.html()).text


def test_interrupted_and_died() -> None:
    assert "interrupted after 12.4 s" in card(killed_run()).text()
    died = killed_run(status_reason="kernel_died", duration=None)
    assert "⊘ #17 net  the kernel died  (penguins)" in card(died).text()


def test_a_run_without_metrics_says_what_it_kept() -> None:
    shown = card(sample_run(19, metrics={}, metric_details={}))
    assert "No metric in this cell; kept: 4 params, 1 dataset and 1 model." in shown.text()
    bare = sample_run(1, metrics={}, params={}, datasets=(), models=(), metric_details={})
    assert "No metric in this cell." in Page(card(bare).html()).text


def test_six_metrics_are_shown_and_the_rest_folded() -> None:
    run = sample_run(1, metrics={f"m{i}": i / 7 for i in range(10)}, metric_details={})
    html = card(run).html()
    fold = html.index("<details")
    assert "m5" in html[:fold]
    assert "m6" not in html[:fold]
    assert "m9" in html[fold:]
    assert "4 more metrics" in html
    assert "and 4 more metrics" in card(run).text()


def test_warnings_gravest_first_with_their_hint_folded() -> None:
    shown = card(sample_run(1, warnings=warnings()))
    page = Page(shown.html())
    assert page.text.index("12 rows of X_test") < page.text.index("was fitted without a seed")
    assert "Set random_state" in page.text
    assert "Set random_state" in shown.text()
    assert sum(tag == "details" for tag, _ in page.tags) == 2


def test_many_warnings_do_not_push_work_off_the_screen() -> None:
    many = tuple(RunWarning(code="x", message=f"warning {i}") for i in range(40))
    html = card(sample_run(1, warnings=many)).html()
    assert "38 more warnings" in html
    assert html.index("warning 5") > html.index("<details")


def test_curves_become_pictures() -> None:
    run = sample_run(1, metrics={"loss": 0.1}, metric_details={})
    images = [a for tag, a in Page(card(run, loss=loss_curve()).html()).tags if tag == "img"]
    assert len(images) == 1
    assert str(images[0]["src"]).startswith("data:image/svg+xml;base64,")
    assert "loss over 120 points" in str(images[0]["alt"])


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [float("nan")] * 3, [1.0, 1.0], [1.0, float("inf"), 2.0], [1e308, -1e308], [0.0] * 5000],
)
def test_odd_curves_break_nothing(values: list[float]) -> None:
    curve = Curve(steps=list(range(len(values))), values=values, times=[0.0] * len(values), count=len(values))
    html = card(sample_run(1, metrics={"loss": 1.0}, metric_details={}), loss=curve).html()
    assert "nan" not in html.lower().replace("finance", "")
    assert Page(html)


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> `<b>` \ud800 &amp;"


def evil_run(number: int) -> Run:
    return Run(
        run_id=EVIL,
        number=number,
        name=EVIL,
        experiment=EVIL,
        status=Status.FAILED,
        start_time=sample_run(1).start_time,
        duration=1.0,
        params={EVIL: f"{EVIL}{number}", "nested": {EVIL: [EVIL, number]}},
        metrics={EVIL: float(number)},
        metric_details={
            EVIL: MetricDetail(
                origin="call", higher_is_better=True, evaluation=evaluation(number, EVIL + str(number), EVIL)
            )
        },
        source=EVIL + str(number),
        datasets=(Dataset(name=EVIL, fingerprint=str(number), kind=EVIL, rows=number, location=EVIL),),
        warnings=(RunWarning(code=EVIL, message=EVIL, hint=EVIL),),
        failure=Failure(kind=EVIL, message=EVIL, line=3),
        tags={EVIL: EVIL},
        note=EVIL,
    )


def assert_harmless(html: str) -> None:
    page = Page(html)
    allowed = {"div", "span", "b", "code", "details", "summary", "img", "style", "table", "thead", "tbody",
               "tr", "th", "td", "sup", "pre"}  # fmt: skip
    for tag, attributes in page.tags:
        assert tag in allowed
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            assert str(attributes["src"]).startswith("data:image/")
    assert html.encode("utf-8")
    assert "alert(1)" in page.text


def test_every_field_is_escaped() -> None:
    assert_harmless(card(evil_run(2), evil_run(1), {EVIL: 1.0}, loss=loss_curve()).html())
    assert_harmless(
        progress_html(elapsed=1.0, loop=EVIL, step=1, values={EVIL: 1.0}, history={EVIL: [1, 2]}, label=EVIL)
    )


def test_the_card_needs_no_script_and_no_network() -> None:
    html = card(deeper_run(15, warnings=warnings()), sample_run(14), {}, loss=loss_curve()).html()
    assert not re.search(r"https?://(?!www\.w3\.org)", html)
    assert "<script" not in html


def test_the_bundle_has_both_forms() -> None:
    bundle = card(sample_run(1))._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}


def test_progress() -> None:
    facts: dict[str, Any] = {
        "elapsed": 12.4, "loop": "epoch", "step": 34, "total": 200,
        "values": {"loss": 0.2312}, "remaining": 65.2, "label": "#14 deeper",
    }  # fmt: skip
    assert progress_text(**facts) == (
        "● #14 deeper  12.4 s  epoch 34 / 200 (17 %)  loss 0.2312  1 min 05 s left"
    )
    page = Page(progress_html(**facts, history={"loss": [3.0, 2.0, 1.0]}))
    assert page.text == "● #14 deeper 12.4 s epoch 34 / 200 loss 0.2312 1 min 05 s left"
    assert sum(tag == "img" for tag, _ in page.tags) == 1


def test_progress_when_little_is_known() -> None:
    assert progress_text(elapsed=0.5) == "●  500 ms"
    assert progress_text(elapsed=3.0, step=12, loop="batch") == "●  3.00 s  batch 12"
    assert Page(progress_html(elapsed=3.0, step=7, total=0)).text == "● 3.00 s 7"
    assert "100 %" in progress_text(elapsed=3.0, step=9, total=5)


def test_the_trivial_score_stands_beside_a_score() -> None:
    details = {
        "acc": MetricDetail(origin="call", trivial=0.6293706),
        "r2": MetricDetail(origin="call", trivial=0.0),
        "loss": MetricDetail(origin="bound"),
    }
    made = RunCard(sample_run(1, metrics={"acc": 0.958, "r2": 0.41, "loss": 0.3}, metric_details=details))
    assert "trivial 0.629" in made.html()
    assert "trivial 0<" in made.html()
    assert made.html().count("trivial ") == 2
    assert "(trivial 0.629)" in made.text()
