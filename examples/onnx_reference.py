# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "onnx"]
# ///
"""A model in ONNX's reference evaluator, whose rectifiers are cyrelu's."""

import time

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

import cyrelu


class Relu(OpRun):
    def _run(self, x):
        return (cyrelu.relu(x),)


class LeakyRelu(OpRun):
    def _run(self, x, alpha=None):
        return (cyrelu.leaky_relu(x, 0.01 if alpha is None else alpha),)


class PRelu(OpRun):
    def _run(self, x, slope):
        return (cyrelu.leaky_relu(x, slope),)


class ThresholdedRelu(OpRun):
    def _run(self, x, alpha=None):
        # What is above alpha passes, as a gradient does where its x is above 0.
        above = x - x.dtype.type(1 if alpha is None else alpha)
        return (cyrelu.relu_backward(x, above, at_zero=0),)


OPERATORS = [Relu, LeakyRelu, PRelu, ThresholdedRelu]


def rectifiers(shape):
    """Return a model of one rectifier after the other."""
    slopes = numpy_helper.from_array(np.full((shape[1], 1, 1), 0.25, np.float32), "slopes")
    nodes = [
        helper.make_node("PRelu", ["x", "slopes"], ["a"]),
        helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.1),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    return helper.make_model(helper.make_graph(nodes, "rectifiers", ends[:1], ends[1:], [slopes]))


def main():
    x = np.random.default_rng(0).standard_normal((8, 64, 56, 56)).astype(np.float32)
    model = rectifiers(x.shape)
    evaluators = {
        "as it is": ReferenceEvaluator(model),
        "with cyrelu": ReferenceEvaluator(model, new_ops=OPERATORS),
    }
    results, seconds = {}, dict.fromkeys(evaluators, np.inf)
    for _ in range(5):
        for name, evaluator in evaluators.items():
            start = time.perf_counter()
            [results[name]] = evaluator.run(None, {"x": x})
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    print("same result:", np.array_equal(*results.values()))
    print("seconds:", ", ".join(f"{name} {value:.3f}" for name, value in seconds.items()))


if __name__ == "__main__":
    main()
