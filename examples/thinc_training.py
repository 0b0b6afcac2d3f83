# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu-thinc-backend", "scikit-learn"]
#
# [tool.uv.sources]
# cyrelu-thinc-backend = { path = "thinc_backend" }
# ///
"""thinc: a network trained with its rectifier, and with cyrelu's.

The one line is use_ops("cyrelu"), once the package in examples/thinc_backend is installed.
"""

import time

import numpy as np
from sklearn.datasets import load_digits
from thinc.api import Adam, Relu, Softmax, chain, fix_random_seed, use_ops


def trained(images, digits):
    fix_random_seed(0)
    network = chain(Relu(256), Relu(256), Softmax())
    network.initialize(X=images, Y=digits)
    optimizer, losses = Adam(0.001), []
    start = time.perf_counter()
    for _ in range(10):
        loss = 0
        for k in range(0, len(images), 256):
            predicted, backprop = network.begin_update(images[k : k + 256])
            error = predicted - digits[k : k + 256]
            backprop(error)
            network.finish_update(optimizer)
            loss += float((error**2).sum())
        losses.append(loss)
    return losses, network.predict(images), time.perf_counter() - start


def main():
    images, digits = load_digits(return_X_y=True)
    images, digits = (images / 16).astype(np.float32), np.eye(10, dtype=np.float32)[digits]
    losses, predicted, seconds = {}, {}, dict.fromkeys(("numpy", "cyrelu"), np.inf)
    for _ in range(5):
        for name in seconds:
            with use_ops(name):
                losses[name], predicted[name], took = trained(images, digits)
            seconds[name] = min(seconds[name], took)
    print("loss falls to a fifth:", losses["cyrelu"][-1] < losses["cyrelu"][0] / 5)
    print("the same losses:", losses["numpy"] == losses["cyrelu"])
    print("the same predictions:", np.array_equal(predicted["numpy"], predicted["cyrelu"]))
    print("seconds:", ", ".join(f"{name} {value:.2f}" for name, value in seconds.items()))


if __name__ == "__main__":
    main()
