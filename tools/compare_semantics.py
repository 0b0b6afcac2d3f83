"""Evaluates the edge values in each installed library, and writes the table of the docs.

    python tools/compare_semantics.py docs/semantics_table.md

Each entry of that table is the result of the library, in float32 unless the column says another.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "numpy")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.simplefilter("ignore")
np.seterr(all="ignore")

Forward = Callable[[np.ndarray], np.ndarray]
Leaky = Callable[[np.ndarray, float], np.ndarray]
Backward = Callable[[np.ndarray, np.ndarray], np.ndarray]
LeakyBackward = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


@dataclass
class Library:
    """The four functions of a library; None for those that it does not have."""

    relu: Forward | None = None
    leaky_relu: Leaky | None = None
    relu_backward: Backward | None = None
    leaky_relu_backward: LeakyBackward | None = None
    default_slope: Callable[[], np.ndarray] | None = None  # leaky ReLU of -1, slope not given


def one(value: float) -> np.ndarray:
    return np.array([value], np.float32)


TINY = float(np.finfo(np.float32).smallest_subnormal)
QUESTIONS: dict[str, Callable[[Library], object]] = {
    "relu(-0.0)": lambda lib: lib.relu(one(-0.0)),
    "relu(NaN)": lambda lib: lib.relu(one(math.nan)),
    "relu(tiny) / tiny": lambda lib: lib.relu(one(TINY)) / np.float32(TINY),
    "relu'(0)": lambda lib: lib.relu_backward(one(1), one(0)),
    "inf into dead relu": lambda lib: lib.relu_backward(one(math.inf), one(-1)),
    "default slope": lambda lib: -lib.default_slope(),
    "leaky(-1), a = 2": lambda lib: lib.leaky_relu(one(-1), 2.0),
    "leaky(-inf), a = 0": lambda lib: lib.leaky_relu(one(-math.inf), 0.0),
    "leaky'(0), a = 0.1": lambda lib: lib.leaky_relu_backward(one(1), one(0), 0.1),
    "relu of float16": lambda lib: lib.relu(np.array([1], np.float16)).dtype.name,
    "relu(2**53 + 1), int64": lambda lib: in_words(lib.relu(np.array([2**53 + 1]))),
    "inf into dead leaky, a = 0": lambda lib: lib.leaky_relu_backward(one(math.inf), one(-1), 0.0),
}


def in_words(integer: np.ndarray) -> str:
    """A number in all its digits; its dtype where that is not int64."""
    dtype = "" if integer.dtype == np.int64 else f" ({integer.dtype.name})"
    return f"{int(integer[0])}{dtype}"


def cyrelu() -> Library:
    import cyrelu as lib

    return Library(
        lib.relu,
        lib.leaky_relu,
        lib.relu_backward,
        lib.leaky_relu_backward,
        lambda: lib.leaky_relu(one(-1)),
    )


def numpy_maximum() -> Library:
    return Library(relu=lambda x: np.maximum(x, 0), leaky_relu=lambda x, a: np.maximum(x, a * x))


def numpy_where() -> Library:
    return Library(
        lambda x: np.where(x > 0, x, 0),
        lambda x, a: np.where(x > 0, x, a * x),
        lambda grad, x: grad * (x > 0),
        lambda grad, x, a: grad * np.where(x > 0, 1, np.float32(a)),
    )


def torch() -> Library:
    import torch
    from torch.nn import functional

    def gradient(function, grad, x):
        x = torch.from_numpy(x).requires_grad_()
        function(x).backward(torch.from_numpy(grad))
        return x.grad.numpy()

    return Library(
        lambda x: functional.relu(torch.from_numpy(x)).numpy(),
        lambda x, a: functional.leaky_relu(torch.from_numpy(x), a).numpy(),
        lambda grad, x: gradient(functional.relu, grad, x),
        lambda grad, x, a: gradient(lambda x: functional.leaky_relu(x, a), grad, x),
        lambda: functional.leaky_relu(torch.from_numpy(one(-1))).numpy(),
    )


def jax() -> Library:
    import jax

    def gradient(function, grad, x):
        return np.asarray(jax.vjp(function, x)[1](jax.numpy.asarray(grad))[0])

    return Library(
        lambda x: np.asarray(jax.nn.relu(x)),
        lambda x, a: np.asarray(jax.nn.leaky_relu(x, a)),
        lambda grad, x: gradient(jax.nn.relu, grad, jax.numpy.asarray(x)),
        lambda grad, x, a: gradient(lambda x: jax.nn.leaky_relu(x, a), grad, jax.numpy.asarray(x)),
        lambda: np.asarray(jax.nn.leaky_relu(one(-1))),
    )


def tensorflow() -> Library:
    import tensorflow as tf

    def gradient(function, grad, x):
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, output_gradients=tf.constant(grad)).numpy()

    return Library(
        lambda x: tf.nn.relu(x).numpy(),
        lambda x, a: tf.nn.leaky_relu(x, a).numpy(),
        lambda grad, x: gradient(tf.nn.relu, grad, x),
        lambda grad, x, a: gradient(lambda x: tf.nn.leaky_relu(x, a), grad, x),
        lambda: tf.nn.leaky_relu(one(-1)).numpy(),
    )


def keras_numpy() -> Library:
    import keras

    if keras.backend.backend() != "numpy":
        raise ImportError("this Keras has another backend")
    return Library(
        keras.ops.relu,
        keras.ops.leaky_relu,
        default_slope=lambda: np.asarray(keras.layers.LeakyReLU()(one(-1))),
    )


def onnxruntime() -> Library:
    import onnx
    import onnxruntime

    def run(operator, x, **attributes):
        node = onnx.helper.make_node(operator, ["x"], ["y"], **attributes)
        kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
        ends = [onnx.helper.make_tensor_value_info(n, kind, [None]) for n in "xy"]
        graph = onnx.helper.make_graph([node], "one", ends[:1], ends[1:])
        opset = [onnx.helper.make_opsetid("", 21)]
        model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=10)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(None, {"x": x})[0]

    return Library(
        lambda x: run("Relu", x),
        lambda x, a: run("LeakyRelu", x, alpha=a),
        default_slope=lambda: run("LeakyRelu", one(-1)),
    )


def sklearn() -> Library:
    from sklearn.neural_network import _base

    def relu(x):
        y = x.copy()
        _base.ACTIVATIONS["relu"](y)
        return y

    def backward(grad, x):  # takes the output of the forward pass
        delta = grad.copy()
        _base.DERIVATIVES["relu"](relu(x), delta)
        return delta

    return Library(relu=relu, relu_backward=backward)


def thinc() -> Library:
    from thinc.api import NumpyOps

    ops = NumpyOps()
    return Library(
        relu=lambda x: ops.relu(x[None])[0],
        relu_backward=lambda grad, x: ops.backprop_relu(grad[None], ops.relu(x[None]))[0],
    )


LIBRARIES = {  # the title, the module whose version is shown
    cyrelu: ("cyrelu {}", "cyrelu"),
    numpy_maximum: ("NumPy {}, `np.maximum(x, a * x)`", "numpy"),
    numpy_where: ("NumPy {}, `np.where`, `grad * (x > 0)`", "numpy"),
    torch: ("PyTorch {}", "torch"),
    jax: ("JAX {}", "jax"),
    tensorflow: ("TensorFlow {}", "tensorflow"),
    keras_numpy: ("Keras {}, NumPy backend", "keras"),
    onnxruntime: ("ONNX Runtime {}", "onnxruntime"),
    sklearn: ("scikit-learn {}", "sklearn"),
    thinc: ("thinc {}", "thinc"),
}


def main(target: str) -> None:
    rows = ["| | " + " | ".join(QUESTIONS) + " |", "|---" * (len(QUESTIONS) + 1) + "|"]
    missing = []
    for load, (title, module) in LIBRARIES.items():
        try:
            library = load()
        except ImportError as error:
            missing.append(f"{title.format('')} ({error})")
            continue
        version = importlib.import_module(module).__version__
        answers = [answer(question, library) for question in QUESTIONS.values()]
        rows.append(f"| {title.format(version)} | " + " | ".join(answers) + " |")
    Path(target).write_text("\n".join(rows) + "\n")
    print("\n".join(rows))
    if missing:
        print("not installed:", "; ".join(missing), file=sys.stderr)


def answer(question: Callable[[Library], object], library: Library) -> str:
    try:
        result = question(library)
    except TypeError:  # None is not callable: the library has no such function
        return ""
    except Exception as refusal:  # each library raises errors of its own
        return type(refusal).__name__
    if isinstance(result, str):
        return result
    value = np.asarray(result, np.float32).ravel()[0]
    return f"{value:.4g}" if np.isfinite(value) and value != round(value) else f"{value:.1f}"


if __name__ == "__main__":
    main(sys.argv[1])
