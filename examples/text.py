"""Judge the predictions of a text classifier: which package does a sentence of documentation come from?

    python examples/text.py

The texts are the docstrings of packages that REASON itself needs, so that nothing is downloaded. A linear model on
words learns from a part of them, and REASON is fitted to its predictions on another part. What it says is measured on a
third.
"""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import reason

PACKAGES = ("sklearn", "scipy", "matplotlib", "numpy", "flask", "click")


def sentences(package: str, most: int = 1200) -> list[str]:
    """Return sentences of a package's docstrings, each once."""
    found: dict[str, None] = {}
    spec = find_spec(package)
    for file in sorted(Path(spec.submodule_search_locations[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                text = re.sub(r"\s+", " ", ast.get_docstring(node) or "")
                found |= dict.fromkeys(part for part in re.split(r"(?<=\.) ", text) if 30 < len(part) < 200)
        if len(found) >= 4 * most:
            break
    return [str(text) for text in np.random.default_rng(0).permutation(list(found))[:most]]


def main() -> None:
    """Train, fit and judge."""
    texts = {package: sentences(package) for package in PACKAGES}
    words = [text for found in texts.values() for text in found]
    names = [package for package, found in texts.items() for _ in found]
    seen, rest, seen_names, rest_names = train_test_split(words, names, train_size=0.4, random_state=0)
    fit_x, test_x, fit_y, test_y = train_test_split(rest, rest_names, train_size=0.6, random_state=0)

    vectors = TfidfVectorizer(min_df=2, sublinear_tf=True).fit(seen)
    classifier = LogisticRegression(C=10, max_iter=500).fit(vectors.transform(seen), seen_names)

    estimator = reason.ReliabilityEstimator(classes=tuple(classifier.classes_), risk=0.1)
    estimator.fit(classifier.decision_function(vectors.transform(fit_x)), fit_y)
    print(estimator.choice_.why)
    print(estimator.evaluate(classifier.decision_function(vectors.transform(test_x)), test_y))


if __name__ == "__main__":
    main()
