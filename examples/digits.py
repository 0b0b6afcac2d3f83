"""ReLU and Leaky ReLU at work: a small network learns handwritten digits, and units die.

    python examples/digits.py

Trains the same network once with each of the two functions, and draws build/functions.png and
build/digits.png.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import cyrelu

mpl.use("Agg")
import matplotlib.pyplot as plt

HIDDEN_UNITS = 128
BATCH = 32
# Deliberately large for RMSprop: the first epochs push 8 to 22 of 100 relu units (seeds 0 to 7)
# permanently below zero for every digit. The last quarter of the epochs uses a tenth of it.
LEARNING_RATE = 0.01
DECAY = np.float32(0.9)
LEAST_ACCURACY = 0.95
COLOURS = {"relu": "#d55e00", "leaky_relu": "#0072b2"}  # distinct for colour-blind readers too


@dataclass
class Activation:
    """A rectifier of sums and its backward pass, and the time spent in them."""

    name: str
    forward: Callable
    backward: Callable
    seconds: float = 0.0

    def timed(self, function: Callable, *arrays: np.ndarray, **keywords: Any) -> np.ndarray:
        start = time.perf_counter()
        result = function(*arrays, **keywords)
        self.seconds += time.perf_counter() - start
        return result


class Network:
    """One hidden layer, float32, RMSprop on the cross entropy."""

    def __init__(self, activation: Activation, inputs: int, outputs: int, seed: int):
        random = np.random.default_rng(seed)
        shapes = [(inputs, HIDDEN_UNITS), (HIDDEN_UNITS, outputs)]
        self.activation = activation
        self.weights = [
            (random.standard_normal(shape) * np.sqrt(2 / shape[0])).astype(np.float32)
            for shape in shapes
        ]
        self.biases = [np.zeros(shape[1], np.float32) for shape in shapes]
        self.squares = [np.zeros_like(p) for p in (*self.weights, *self.biases)]

    def hidden(self, x: np.ndarray) -> np.ndarray:
        """Return the hidden units: bias and rectifier in one pass, in place."""
        products = x @ self.weights[0]
        forward = self.activation.forward
        return self.activation.timed(forward, products, self.biases[0], out=products)

    def dead_units(self, x: np.ndarray) -> np.ndarray:
        """Return which hidden units are positive for none of the images."""
        return cyrelu.dead_units(x @ self.weights[0] + self.biases[0])

    def scores(self, x: np.ndarray) -> np.ndarray:
        return self.hidden(x) @ self.weights[1] + self.biases[1]

    def train(self, x: np.ndarray, targets: np.ndarray, learning_rate: float) -> None:
        """Take one step of gradient descent on one batch."""
        hidden = self.hidden(x)
        scores = hidden @ self.weights[1] + self.biases[1]

        grad = (softmax(scores) - targets) / np.float32(len(x))
        grad_hidden = grad @ self.weights[1].T
        # hidden is the output of the rectifier: its input has been overwritten.
        backward = self.activation.backward
        self.activation.timed(backward, grad_hidden, hidden, out=grad_hidden, from_output=True)
        grads = [x.T @ grad_hidden, hidden.T @ grad, grad_hidden.sum(0), grad.sum(0)]
        parameters = (*self.weights, *self.biases)
        for parameter, square, g in zip(parameters, self.squares, grads, strict=True):
            square *= DECAY
            square += (1 - DECAY) * g * g
            parameter -= learning_rate * g / (np.sqrt(square) + np.float32(1e-8))


@dataclass
class History:
    """The measurements after each epoch."""

    accuracy: list[float] = field(default_factory=list)
    never_active: list[float] = field(default_factory=list)
    seconds: float = 0.0


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def learn(activation: Activation, data: list[np.ndarray], epochs: int, seed: int, bar) -> History:
    """Train a network and record it; the seed fixes the first weights and the order of the data."""
    x, held_out, digits, held_out_digits = data
    targets = np.eye(10, dtype=np.float32)[digits]
    network = Network(activation, x.shape[1], 10, seed)
    random = np.random.default_rng(seed + 1)
    history = History()
    for epoch in range(epochs):
        learning_rate = LEARNING_RATE if 4 * epoch < 3 * epochs else LEARNING_RATE / 10
        start = time.perf_counter()
        order = random.permutation(len(x))
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            network.train(x[batch], targets[batch], learning_rate)
        history.seconds += time.perf_counter() - start
        right = network.scores(held_out).argmax(axis=1) == held_out_digits
        history.accuracy.append(right.mean())
        history.never_active.append(network.dead_units(x).mean())
        bar.set_description(f"{activation.name:10} {history.accuracy[-1]:6.1%}")
        bar.update()
    return history


def report(activations: list[Activation], histories: list[History]) -> None:
    epochs = len(histories[0].accuracy)
    shown = sorted({1, 2, 5, 10, *range(20, epochs, 20), epochs} & set(range(1, epochs + 1)))
    print("\nUnits that are positive for no digit of the training set, by epoch:")
    print(f"{'epoch':12}" + "".join(f"{epoch:>8}" for epoch in shown))
    for activation, history in zip(activations, histories, strict=True):
        shares = (history.never_active[epoch - 1] for epoch in shown)
        print(f"{activation.name:12}" + "".join(f"{share:8.1%}" for share in shares))
    print("A relu unit like that passes no gradient: it is dead. A leaky one can come back.\n")
    for activation, history in zip(activations, histories, strict=True):
        share = activation.seconds / history.seconds
        print(
            f"{activation.name:11} held-out accuracy {history.accuracy[-1]:.1%}, "
            f"{activation.seconds:.2f} s of {history.seconds:.2f} s in cyrelu ({share:.0%})"
        )


def draw_functions(path: Path) -> None:
    """Draw the two functions and their gradients."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), sharex=True, layout="constrained")
    panels = [
        ("relu", cyrelu.relu, cyrelu.relu_grad),
        ("leaky_relu", cyrelu.leaky_relu, cyrelu.leaky_relu_grad),
    ]
    for column, (name, function, gradient) in enumerate(panels):
        draw_function(*axes[:, column], name, function, gradient)
        axes[1, column].set_xlabel("x")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_function(left: Axes, right: Axes, name: str, function: Callable, grad: Callable) -> None:
    """Draw a function on the left and its gradient on the right, with the jump at 0 left open."""
    x = np.linspace(-5, 5, 1001)
    colour = COLOURS[name]
    left.plot(x, function(x), color=colour, lw=2)
    left.set_title(f"{name}(x)")
    for part in (x[x < 0], x[x >= 0]):
        right.plot(part, grad(part), color=colour, lw=2)
    right.plot(0, grad(0.0), "o", color=colour)
    right.plot(0, grad(-1.0), "o", color=colour, mfc="white")
    right.set_title(f"{name}_grad(x)")
    right.set_ylim(-0.1, 1.15)
    inset = left.inset_axes([0.15, 0.45, 0.38, 0.42])
    inset.plot(x, function(x), color=colour, lw=2)
    inset.set(xlim=(-5, 0.1), ylim=(-0.06, 0.02))
    inset.set_title("below zero, enlarged", fontsize=8)
    inset.tick_params(labelsize=7)
    for axes in (left, right):
        axes.grid(alpha=0.3)


def draw_training(path: Path, activations: list[Activation], histories: list[History]) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for activation, history in zip(activations, histories, strict=True):
        style = {"color": COLOURS[activation.name], "label": activation.name, "lw": 2}
        epochs = range(1, len(history.accuracy) + 1)
        left.plot(epochs, np.multiply(history.accuracy, 100), **style)
        right.plot(epochs, np.multiply(history.never_active, 100), **style)
    left.set(title="Held-out accuracy", xlabel="epoch", ylabel="%")
    right.set(title="Hidden units active for no digit", xlabel="epoch", ylabel="%")
    right.set_ylim(bottom=-1)
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn handwritten digits with cyrelu.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output-dir", type=Path, default=Path("build"))
    options = parser.parse_args()

    images, digits = load_digits(return_X_y=True)
    pixels = (images / 16).astype(np.float32)
    data = train_test_split(
        pixels, digits, test_size=0.25, stratify=digits, random_state=options.seed
    )
    print(f"{len(data[0])} digits to learn from, {len(data[1])} held out, {HIDDEN_UNITS} units")
    activations = [
        Activation("relu", cyrelu.add_relu, cyrelu.relu_backward),
        Activation("leaky_relu", cyrelu.add_leaky_relu, cyrelu.leaky_relu_backward),
    ]
    with tqdm(total=2 * options.epochs, unit="epoch") as bar:
        histories = [learn(a, data, options.epochs, options.seed, bar) for a in activations]
    report(activations, histories)

    options.output_dir.mkdir(parents=True, exist_ok=True)
    functions, training = (options.output_dir / f"{n}.png" for n in ("functions", "digits"))
    draw_functions(functions)
    draw_training(training, activations, histories)
    print(f"Pictures: {functions}, {training}")
    for activation, history in zip(activations, histories, strict=True):
        if history.accuracy[-1] <= LEAST_ACCURACY:
            sys.exit(f"{activation.name} reached {history.accuracy[-1]:.1%}, not above 95 %")


if __name__ == "__main__":
    main()
