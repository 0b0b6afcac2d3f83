# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "scikit-learn"]
# ///
"""scikit-learn: the inference of a trained MLPClassifier, redone with cyrelu: the same answers."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import cyrelu

images, digits = load_digits(return_X_y=True)
train, test = slice(0, 1300), slice(1300, None)
classifier = MLPClassifier((64, 32), activation="relu", random_state=0, max_iter=300)
classifier.fit(images[train] / 16, digits[train])


def predict(x):
    """Compute what classifier.predict does: matrix products with an in-place rectifier between."""
    last = len(classifier.coefs_) - 1
    for k, (weights, biases) in enumerate(
        zip(classifier.coefs_, classifier.intercepts_, strict=True)
    ):
        x = x @ weights + biases
        if k < last:
            cyrelu.relu(x, out=x)
    return classifier.classes_[x.argmax(axis=1)]


theirs, ours = classifier.predict(images[test] / 16), predict(images[test] / 16)
print(f"{len(ours)} digits, the same answer to all of them: {np.array_equal(ours, theirs)}")
print("more than 9 in 10 are right:", (ours == digits[test]).mean() > 0.9)
