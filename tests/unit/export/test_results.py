"""Which variables of a notebook are a pipeline's model and its predictions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from jupyter_mlops.export.assembly import Assembly
from jupyter_mlops.export.plan import KeptCell, Slice
from jupyter_mlops.export.steps import prepare_cells
from jupyter_mlops.records import Evaluation, Execution, MetricDetail, Model, Run, Status, now

CODE = "m = SVC()\nm.fit(X, y)\nbest = m\ny_test = d\np = best.predict(X)\nq = f(p)"


def assembly(*pairs: tuple[str, str], model: str = "") -> Assembly:
    execution = Execution(execution_id="1", session_id="s", order=1, source=CODE, code=CODE)
    made = object.__new__(Assembly)
    made.cells = prepare_cells([execution], Slice(kept=(KeptCell(order=1, reason=""),)))
    made.run = Run(
        run_id="r",
        experiment="e",
        status=Status.FINISHED,
        start_time=now(),
        models=(Model(name="m", kind="sklearn.svm.SVC"),),
        metric_details={
            str(number): MetricDetail(
                origin="call",
                evaluation=Evaluation(
                    function="f", target_name=target, prediction_name=prediction, model=model
                ),
            )
            for number, (target, prediction) in enumerate(pairs)
        },
    )
    return made


@pytest.mark.parametrize(
    ("pairs", "predictions", "rows"),
    [
        ([("y_test", "p")], "p", "y_test"),
        ([("p", "y_test")], "p", "y_test"),  # the wrong way round
        ([("y_test", "p"), ("X", "y_test")], "p", "y_test"),  # a function of three arguments
        ([("y_test", "q")], "q", "y_test"),
        ([("y_test", "q"), ("q", "y_test")], "p", ""),
        ([], "p", ""),
    ],
)
def test_predictions_are_what_is_compared_with_the_truth(
    pairs: list[tuple[str, str]], predictions: str, rows: str
) -> None:
    made = assembly(*pairs)
    assert (made._predictions(), made._rows(predictions)) == (predictions, rows)
    assert made._rows("") == ""


def test_the_model_is_the_one_that_was_scored() -> None:
    assert assembly(("y_test", "p"), model="best")._model() == "best"
    assert assembly(("y_test", "p"), model="gone")._model() == "m"
    assert assembly()._model() == "m"


def test_a_name_that_was_bound_to_something_else_since_is_no_model() -> None:
    made = assembly()
    for held, model in (("tuple[float, ...]", ""), ("sklearn.svm.SVC", "m"), ("", "m")):
        for cell in made.cells:
            cell.execution = replace(cell.execution, types={"m": held} if held else {})
        assert made._model() == model
