"""Confusion matrices become tables a person can read."""

from __future__ import annotations

import pytest
from observing import Notebook

from jupyter_mlops.capture.confusion import ConfusionTable, find_confusions
from jupyter_mlops.capture.trivial import describe_target

SETUP = """
import numpy as np
from sklearn import metrics
from sklearn.metrics import confusion_matrix
y_true = ["cat", "dog", "cat", "bird, big", "dog"]
y_pred = ["cat", "cat", "cat", "bird, big", "dog"]
"""


def test_a_display_is_kept_as_a_table() -> None:
    found = tables(
        "metrics.ConfusionMatrixDisplay.from_predictions(y_true, y_pred)\n"
        "print(confusion_matrix(y_true[:3], y_pred[:3]))"
    )
    assert found["tables/confusion_matrix-2.csv"].startswith('true \\ predicted,"bird, big",cat,dog\n')
    assert len(found) == 2


def test_a_display_of_a_matrix_that_is_kept_is_kept_once() -> None:
    found = tables("cm = confusion_matrix(y_true, y_pred)\nmetrics.ConfusionMatrixDisplay(cm).plot()")
    assert list(found) == ["tables/confusion_matrix_cm.csv"]


def tables(code: str) -> dict[str, str]:
    notebook = Notebook()
    notebook.run(SETUP)
    notebook.run(code)
    return {
        table.path: table.csv().decode() for table in find_confusions(notebook.probe.events, describe_target)
    }


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("print(confusion_matrix(y_true, y_pred))", "tables/confusion_matrix.csv"),
        ("cm = metrics.confusion_matrix(y_true, y_pred)", "tables/confusion_matrix_cm.csv"),
        ("conf_mat = confusion_matrix(y_pred=y_pred, y_true=y_true)", "tables/conf_mat.csv"),
    ],
)
def test_a_matrix_is_kept_with_its_classes(code: str, path: str) -> None:
    assert tables(code) == {
        path: 'true \\ predicted,"bird, big",cat,dog\n"bird, big",1,0,0\ncat,0,2,0\ndog,0,1,1\n'
    }


def test_given_labels_decide_the_order_and_shares_stay_shares() -> None:
    code = "confusion_matrix(y_true, y_pred, labels=['dog', 'cat'], normalize='true')"
    assert tables(code) == {
        "tables/confusion_matrix.csv": "true \\ predicted,dog,cat\ndog,0.5,0.5\ncat,0.0,1.0\n"
    }


def test_matrices_of_one_name_are_all_kept_and_numbers_are_classes() -> None:
    found = tables(
        "print(confusion_matrix([0, 1, 1], [0, 1, 0]))\nprint(confusion_matrix(np.array([3., 7]), [3, 7]))"
    )
    assert found["tables/confusion_matrix.csv"] == "true \\ predicted,0,1\n0,1,0\n1,1,1\n"
    assert found["tables/confusion_matrix-2.csv"] == "true \\ predicted,3,7\n3,1,0\n7,0,1\n"


def test_what_is_no_matrix_makes_no_table() -> None:
    assert tables("def confusion_matrix(a, b):\n    return 'none'\nconfusion_matrix(1, 2)") == {}


def test_no_class_is_a_formula_to_a_spreadsheet() -> None:
    table = ConfusionTable("m", ("=HYPERLINK(1)", "-1", "@b", "c=d"), ((1,) * 4,) * 4)
    assert table.csv().decode().splitlines() == [
        "true \\ predicted,'=HYPERLINK(1),-1,'@b,c=d",
        "'=HYPERLINK(1),1,1,1,1",
        "-1,1,1,1,1",
        "'@b,1,1,1,1",
        "c=d,1,1,1,1",
    ]
