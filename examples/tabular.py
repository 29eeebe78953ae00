"""Judge the predictions of a tabular classifier: REASON beside any scikit-learn model, in memory.

    python examples/tabular.py

The digits that ship with scikit-learn are made hard to read, a small network learns a part of them, and REASON is
fitted to its predictions on another part. What it says is measured on a third.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import reason


def main() -> None:
    """Train, fit, judge, save and load."""
    table, labels = load_digits(return_X_y=True)
    noisy = table + np.random.default_rng(0).normal(0, 4, table.shape)  # so that there are errors to learn from
    seen, rest, seen_labels, rest_labels = train_test_split(noisy, labels, train_size=0.3, random_state=0)
    fit_x, test_x, fit_y, test_y = train_test_split(rest, rest_labels, train_size=0.6, random_state=0)

    classifier = MLPClassifier((32,), max_iter=200, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(seen, seen_labels)

    def arrays(rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what REASON reads: logits, and what the hidden layer makes of each row."""
        hidden = np.maximum(rows @ classifier.coefs_[0] + classifier.intercepts_[0], 0)
        return {"logits": hidden @ classifier.coefs_[1] + classifier.intercepts_[1], "embedding": hidden}

    estimator = reason.ReliabilityEstimator(risk=0.1)
    estimator.fit(arrays(fit_x), fit_y, bank=arrays(seen) | {"labels": seen_labels})
    print(estimator.choice_.why)
    print(estimator.evaluate(arrays(test_x), test_y))
    print("reliability of three rows:", estimator.predict_proba(arrays(test_x[:3]))[:, 1].round(3))

    with TemporaryDirectory() as folder:
        estimator.save(Path(folder) / "digits")
        again = reason.ReliabilityEstimator.load(Path(folder) / "digits")
        assert (again.predict(arrays(test_x)) == estimator.predict(arrays(test_x))).all()


if __name__ == "__main__":
    main()
