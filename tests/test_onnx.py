"""The onnx package's own tests of its operators, computed by the operators of our example."""

import importlib.util
import re
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", minversion="1.23")  # older ones have their test cases in files
pytestmark = pytest.mark.thread_unsafe(reason="loads onnx's test cases, which warn")

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "onnx_reference.py"
NAMES = {
    "test_relu",
    "test_leakyrelu",
    "test_leakyrelu_default",
    "test_leakyrelu_example",
    "test_prelu_broadcast",
    "test_prelu_example",
    "test_thresholdedrelu",
    "test_thresholdedrelu_default",
    "test_thresholdedrelu_example",
}


@cache
def operators():
    spec = importlib.util.spec_from_file_location("onnx_reference", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.OPERATORS


@cache
def node_tests():
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {test.name: test for test in load_model_tests(kind="node")}


def test_all_tests_of_rectifiers_are_run():
    of_rectifiers = re.compile("test_(leaky|p|thresholded)?relu(?!.*_expanded)")
    assert set(filter(of_rectifiers.match, node_tests())) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_as_onnx_expects(name):
    from onnx.reference import ReferenceEvaluator

    test = node_tests()[name]
    evaluator = ReferenceEvaluator(test.model, new_ops=operators())
    assert type(evaluator.rt_nodes_[0]) in operators()
    for inputs, expected in test.data_sets:
        feed = dict(zip(evaluator.input_names, inputs, strict=True))
        for result, wanted in zip(evaluator.run(None, feed), expected, strict=True):
            assert result.dtype == wanted.dtype
            np.testing.assert_allclose(result, wanted, rtol=test.rtol, atol=test.atol)
