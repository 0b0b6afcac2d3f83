# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "scikit-learn"]
# ///
"""scikit-learn: MLPClassifier.fit with its pair of rectifier functions replaced by cyrelu's.

scikit-learn works in place and keeps the layer's output: its gradient is 0 where that is 0. So the
backward pass is given the output, and the losses of all iterations are the same to the last bit.
"""

import time
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, _base

import cyrelu


def inplace_relu(x: np.ndarray) -> None:
    cyrelu.relu(x, out=x)


def inplace_relu_derivative(output: np.ndarray, delta: np.ndarray) -> None:
    cyrelu.relu_backward(delta, output, out=delta, from_output=True)


def derivative_of_numpy(output: np.ndarray, delta: np.ndarray) -> None:
    np.multiply(delta, output > 0, out=delta)


PAIRS = {
    "as it is": (_base.ACTIVATIONS["relu"], _base.DERIVATIVES["relu"]),
    "with np.multiply": (_base.ACTIVATIONS["relu"], derivative_of_numpy),
    "with cyrelu": (inplace_relu, inplace_relu_derivative),
}


def fitted(pair: str, images: np.ndarray, digits: np.ndarray) -> tuple[MLPClassifier, float]:
    _base.ACTIVATIONS["relu"], _base.DERIVATIVES["relu"] = PAIRS[pair]
    network = MLPClassifier((256, 256), batch_size=256, max_iter=10, random_state=0)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ten iterations do not converge
        network.fit(images, digits)
    return network, time.perf_counter() - start


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    networks, seconds = {}, dict.fromkeys(PAIRS, np.inf)
    for _ in range(5):
        for pair in PAIRS:
            networks[pair], took = fitted(pair, images, digits)
            seconds[pair] = min(seconds[pair], took)
    own, ours = networks["as it is"], networks["with cyrelu"]
    print(f"losses: {', '.join(f'{loss:.2f}' for loss in own.loss_curve_[::3])}")
    same = own.loss_curve_ == ours.loss_curve_
    print(f"the same in all {len(own.loss_curve_)} iterations: {same}")
    print(f"the same weights: {all(map(np.array_equal, own.coefs_, ours.coefs_))}")
    print("seconds:", ", ".join(f"{pair} {value:.2f}" for pair, value in seconds.items()))


if __name__ == "__main__":
    main()
