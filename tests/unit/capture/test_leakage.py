"""Fitted before the split: named wherever the code shows it, and nowhere else."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlops.capture.leakage import leak_warnings, read_workflow


def leaks(*cells: str) -> list[str]:
    found = leak_warnings(read_workflow(map(ast.parse, cells), {}))
    assert all(warning.code == "fitted_before_split" and warning.hint for warning in found)
    return [warning.message for warning in found]


SPLIT = "X_train, X_test, y_train, y_test = train_test_split({}, y, random_state=0)"

LEAKS = {
    "scaler": ["scaler = StandardScaler()\nXs = scaler.fit_transform(X)", SPLIT.format("Xs")],
    "same name": ["X = StandardScaler().fit_transform(X)", SPLIT.format("X")],
    "in the call": [SPLIT.format("StandardScaler().fit_transform(X)")],
    "fit, then transform": ["pca = PCA(2)\npca.fit(X)", "Z = pca.transform(X)", SPLIT.format("Z")],
    "chained": ["Z = MinMaxScaler().fit(X).transform(X)", SPLIT.format("Z")],
    "transforms the halves": ["s = StandardScaler()\ns.fit(X)", SPLIT.format("X"), "a = s.transform(X_train)"],
    "selection": ["X2 = SelectKBest(k=5).fit_transform(X, y)", SPLIT.format("X2")],
    "imputed column": [
        "df['a'] = SimpleImputer().fit_transform(df[['a']])",
        "X = df.drop(columns='t')\ny = df['t']",
        SPLIT.format("X"),
    ],
    "vectorizer": ["v = TfidfVectorizer()\nM = v.fit_transform(df['text'])", SPLIT.format("M")],
    "resampled": ["Xr, yr = SMOTE().fit_resample(X, y)", "a, b, c, d = train_test_split(Xr, yr)"],
    "by hand": ["X = (X - X.mean()) / X.std()", SPLIT.format("X")],
    "by hand, by column": ["df['a'] = (df['a'] - df['a'].min()) / (df['a'].max() - df['a'].min())",
                           "X = df[['a', 'b']]", SPLIT.format("X")],
    "by hand, in steps": ["mu = X.mean(axis=0)\nsd = np.std(X, axis=0)", "Xn = (X - mu) / sd",
                          SPLIT.format("Xn")],
    "a function of scikit-learn": ["X = preprocessing.scale(X)", SPLIT.format("X")],
    "sliced": ["scaled = MinMaxScaler().fit_transform(values)", "n = 80\ntrain, test = scaled[:n], scaled[n:]"],
    "sliced apart": ["scaled = MinMaxScaler().fit_transform(v)", "train = scaled[:80]\ntest = scaled[80:]"],
    "cross-validated": ["Z = PCA(2).fit_transform(X)", "cross_val_score(model, Z, y)"],
    "folds": ["Z = StandardScaler().fit_transform(X)", "for a, b in kf.split(Z):\n    pass"],
    "in a function": [f"def prepare(X, y):\n    X = StandardScaler().fit_transform(X)\n    {SPLIT.format('X')}"],
    "in a branch": [f"if True:\n    X = RobustScaler().fit_transform(X)\n    {SPLIT.format('X')}"],
}  # fmt: skip

CLEAN = {
    "after the split": [
        SPLIT.format("X"),
        "s = StandardScaler()\nX_train = s.fit_transform(X_train)\nX_test = s.transform(X_test)",
    ],
    "fitted on the training rows": [SPLIT.format("X"), "s = StandardScaler().fit(X_train)\na = s.transform(X)"],
    "a pipeline": [
        SPLIT.format("X"),
        "m = make_pipeline(StandardScaler(), SVC()).fit(X_train, y_train)",
        "cross_val_score(m, X, y)",
    ],
    "labels": ["y = LabelEncoder().fit_transform(y)", SPLIT.format("X")],
    "stateless": ["X = PolynomialFeatures(2).fit_transform(X)", SPLIT.format("X")],
    "only for a picture": ["Z = PCA(2).fit_transform(X)\nplt.scatter(Z[:, 0], Z[:, 1])", SPLIT.format("X")],
    "only its length": ["Z = PCA(2).fit_transform(X)\nn = len(Z)", "train, test = X[:n], X[n:]"],
    "divided by a constant": ["X = X / 255.0", SPLIT.format("X")],
    "by rows": ["X = X / X.sum(axis=1)", SPLIT.format("X")],
    "two columns": ["df['r'] = df['a'] / df['b'].max()", SPLIT.format("df")],
    "by hand, training rows": [SPLIT.format("X"), "m = X_train.mean(0)\nX_test = (X_test - m) / X_train.std(0)"],
    "bound anew": ["Z = StandardScaler().fit_transform(X)", "Z = X.copy()", SPLIT.format("Z")],
    "inside the folds": [
        "for a, b in kf.split(X):\n    s = StandardScaler()\n    A = s.fit_transform(X[a])\n    B = s.transform(X[b])"
    ],
    "another split of the training rows": [
        SPLIT.format("X"),
        "X_train = StandardScaler().fit_transform(X_train)",
        "a, b, c, d = train_test_split(X_train, y_train)",
    ],
    "resampled afterwards": [SPLIT.format("X"), "Xr, yr = SMOTE().fit_resample(X_train, y_train)"],
    "clustering": ["Z = StandardScaler().fit_transform(X)", "k = KMeans(3).fit(Z)\nsilhouette_score(Z, k.labels_)"],
    "text": ["X = [t.split(' ') for t in texts]", SPLIT.format("X")],
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_named_once(name: str) -> None:
    assert len(leaks(*LEAKS[name])) == 1, leaks(*LEAKS[name])


@pytest.mark.parametrize("name", CLEAN)
def test_clean_work_is_left_alone(name: str) -> None:
    assert leaks(*CLEAN[name]) == []


def test_the_message_names_the_transformer_and_its_data() -> None:
    (message,) = leaks(*LEAKS["scaler"])
    assert message.startswith("StandardScaler was fitted on all of `X` before")
